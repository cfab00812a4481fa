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
        try:
            yield from _turns(reader, scans, cue, conditions)
        finally:
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
) -> Generator[None, None, None]:
    while True:
        yield
        try:
            scan = reader.next_scan(_WAIT_S)
        except DeviceError as error:
            _trouble(reader, error, conditions)
            continue
        if reader.working:
            conditions.clear(f"reader {reader.name}")
        if scan is not None:
            _hand_on(reader, scan, scans, cue)


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
