"""Worker, one a reader: hands every presentation on as a scan."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING

from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind, Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gatepost.conditions import Conditions
    from gatepost.model import Hint
    from gatepost.ports import Reader

_LOG = logging.getLogger(__name__)
_WAIT_S = 0.25
_RETRY_S = 1.0


def reading(
    reader: Reader,
    scans: queue.Queue[Scan],
    cue: Callable[[Cue], None],
    conditions: Conditions,
    pause: Callable[[float], object] | None = None,
) -> Generator[None, None, None]:
    """The worker: hands every presentation on; what cannot be taken is counted and cued "again".

    A device that is absent or fails is told and waited for. Patience: a frame and its decoding.
    """
    pause = pause or threading.Event().wait
    while True:
        yield
        try:
            reader.__enter__()
        except DeviceError as error:
            _trouble(reader, error, conditions)
            pause(_RETRY_S)
            continue
        coaching = _Coaching(reader, cue)
        try:
            yield from _turns(reader, scans, cue, conditions, coaching)
        finally:
            coaching.end()
            _close(reader)


def _close(reader: Reader) -> None:
    try:
        reader.__exit__(None, None, None)
    except DeviceError as error:  # we are stopping: there is nobody to wait for it
        fields = {"reader": reader.name, "why": str(error)}
        _LOG.warning("reader would not close", extra={"fields": fields})


def _turns(
    reader: Reader,
    scans: queue.Queue[Scan],
    cue: Callable[[Cue], None],
    conditions: Conditions,
    coaching: _Coaching,
) -> Generator[None, None, None]:
    while True:
        yield
        try:
            scan = reader.next_scan(_WAIT_S)
        except DeviceError as error:
            coaching.tell()
            _trouble(reader, error, conditions)
            continue
        if reader.working:
            conditions.clear(f"reader {reader.name}")
        if scan is not None:
            _hand_on(reader, scan, scans, cue)
        coaching.tell(scan)


class _Coaching:
    """Posts the reader's hint when it changes."""

    def __init__(self, reader: Reader, cue: Callable[[Cue], None]) -> None:
        self._reader = reader
        self._cue = cue
        self._told: Hint | None = None

    def tell(self, scan: Scan | None = None) -> None:
        """Post what changed. A hint that ends with a scan stands until that is answered.

        Else "ready" would stand between a hint and its verdict for a moment.
        """
        hint = self._reader.hint
        if hint is self._told:
            return
        self._told = hint
        if hint is not None or scan is None:
            self._cue(Cue(CueKind.HINT, reader=self._reader.name, hint=hint))

    def end(self) -> None:
        """Take the hint back: nobody would any more."""
        if self._told is not None:
            self._cue(Cue(CueKind.HINT, reader=self._reader.name))


def _trouble(reader: Reader, error: DeviceError, conditions: Conditions) -> None:
    absent = isinstance(error, DeviceAbsent)
    what = "absent" if absent else "failed"
    conditions.raise_(f"reader {reader.name}", what, why=str(error))


def _hand_on(
    reader: Reader, scan: Scan, scans: queue.Queue[Scan], cue: Callable[[Cue], None]
) -> None:
    try:
        scans.put_nowait(scan)
    except queue.Full:
        reader.counts.overflowed += 1
        reader.again(scan)
        cue(Cue(CueKind.AGAIN, reader=reader.name, taken=scan.taken))
        _LOG.warning("too many scans at once", extra={"fields": {"reader": reader.name}})
