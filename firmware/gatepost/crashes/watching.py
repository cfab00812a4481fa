"""One run of the daemon, from its start to its end, watched."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from gatepost.crashes import marker, native, ring
from gatepost.crashes.files import flush_folder
from gatepost.crashes.records import FOLDER, Crash, Threads
from gatepost.crashes.stacks import calls_of, stacks
from gatepost.crashes.store import Store, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gatepost.model import Record, Stamp

_LOG = logging.getLogger(__name__)
_CARD_S = 2.0


class Crashes:
    """What this run knows of crashes, its own and those before.

    Attributes:
        ring: the log's last lines; whoever logs writes them there.
        card_s: how long the card is given to take a record, seconds.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        now: Callable[[], Stamp],
        run: marker.Marker,
        report: native.Report,
        lines: ring.Ring,
    ) -> None:
        self._folder = folder
        self._store = store
        self._now = now
        self._run = run
        self._report = report
        self.ring = lines
        self.card_s = _CARD_S
        self._waiting: list[Waiting] = []
        self._noted: SimpleQueue[Crash] = SimpleQueue()

    def record(self, reason: str, error: BaseException | None = None) -> None:
        """This run fails. Keeps why, where `error` was raised, where each thread is, and the log.

        A card that hangs is given 2 s: stopping must go on. Raises nothing.
        """
        threads = stacks()
        if error is not None:
            threads = (("what failed", calls_of(error.__traceback__)), *threads)
        crash = self._crash(reason, threads)
        keeper = threading.Thread(target=self._keep, args=(crash,), name="crashes", daemon=True)
        try:
            keeper.start()
        except RuntimeError:  # no memory for a thread
            self._keep(crash)
            return
        keeper.join(self.card_s)

    def ended(self) -> None:
        """This run ends cleanly, or its failure is recorded. Raises nothing."""
        self._report.end_unless(0)
        self._take_noted()
        self._forget_run()

    def end_unless(self, seconds: float) -> None:
        """End the process in so many seconds unless this is called again; 0: never."""
        self._report.end_unless(seconds)

    def note(self, reason: str, threads: Threads) -> None:
        """Something failed that this run survives. Raises nothing."""
        self._store.add(self._crash(reason, threads))

    def note_later(self, reason: str, threads: Threads) -> None:
        """The same, kept when `due` is next asked or the run ends. Takes no lock.

        For clean-up (`__del__`): that happens within anything, also within what holds our lock.
        """
        self._noted.put(self._crash(reason, threads))

    def _take_noted(self) -> None:
        with suppress(Empty):
            while True:
                self._store.add(self._noted.get_nowait())

    def waiting(self) -> int:
        """Of how many crashes no event has told yet."""
        return sum(each.told < each.count for each in self._store.all())

    def known(self) -> int:
        """How many crashes are kept, each time counted."""
        return sum(each.count for each in self._store.all())

    def due(self, now: Stamp) -> Sequence[Record]:
        """The events that are to tell of crashes; call `kept` for each that is on the card."""
        self._take_noted()
        self._waiting = self._store.waiting(now)
        return [each.record for each in self._waiting]

    def kept(self, record: Record, now: Stamp) -> None:
        """An event is on the card: its crash is not told again."""
        for waiting in self._waiting:
            if waiting.record == record:  # two of one reason, days apart, read the same
                self._waiting.remove(waiting)
                self._store.told(waiting, now)
                return

    def _crash(self, reason: str, threads: Threads) -> Crash:
        now = self._now()
        uptime_s = (now.boot_us - self._run.began.boot_us) // 1_000_000
        version, boot = self._run.version, self._run.boot_id
        lines = self.ring.lines()
        return Crash(reason, version, boot, uptime_s, now, now, threads=threads, log=lines)

    def _keep(self, crash: Crash) -> None:
        self._take_noted()
        self._store.add(crash)
        self._forget_run()

    def _forget_run(self) -> None:
        try:
            marker.clear(self._folder)
        except OSError as error:
            _LOG.warning("the run's end is not noted", extra={"fields": {"why": error.strerror}})


def begin(
    data: Path,
    boot_id: str,
    version: str,
    now: Callable[[], Stamp],
    environ: Mapping[str, str] | None = None,
) -> Crashes:
    """A run begins, the only one on `data`: find out how the one before ended, then watch.

    `now` gives the time. Raises nothing: a card that fails must not keep the station from
    starting, to say so.
    """
    folder = data / FOLDER
    _make(folder)
    store = Store(folder)
    place = ring.place_in(os.environ if environ is None else environ)
    at = now()
    found = _found(folder, boot_id, version, at, place)
    if found is not None:
        _LOG.warning("the run before crashed", extra={"fields": {"why": found.reason}})
        store.add(found)
    # Where what was found cannot be kept, the report it came from stays for the next start.
    report = native.Report(None if store.trouble else folder)
    run = marker.Marker(boot_id, os.getpid(), version, at, marker.invocation())
    try:
        if not store.trouble:  # else what was found is found again by the next start
            marker.clear(folder)
            run.write(folder)
    except OSError as error:
        fields = {"why": error.strerror}
        _LOG.warning("a crash would go unnoticed", extra={"fields": fields})
    return Crashes(folder, store, now, run, report, ring.fresh(place))


def _found(folder: Path, boot_id: str, version: str, at: Stamp, place: Path | None) -> Crash | None:
    """How the run before ended; None: cleanly, or it has said so itself."""
    left, told = marker.left(folder), native.former(folder)
    if told is None and (left is None or left.clean):
        return None
    left = left or marker.Left(None)
    run = left.marker
    return Crash(
        reason=marker.reason(left, told, boot_id),
        version=run.version if run else version,
        boot_id=run.boot_id if run else boot_id,
        uptime_s=-1,
        first=at,
        last=at,
        found=True,
        threads=told.threads if told else (),
        log=ring.former(place),
    )


def _make(folder: Path) -> None:
    try:
        if not folder.is_dir():
            folder.mkdir(0o700, parents=True)
            flush_folder(folder.parent)
    except OSError as error:
        _LOG.warning("crashes cannot be kept", extra={"fields": {"why": error.strerror}})
