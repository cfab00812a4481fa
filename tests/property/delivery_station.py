"""The station's half of the delivery: real spool, real uplink; it can be killed at any moment."""

from __future__ import annotations

import queue
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.commands import Commands
from gatepost.desired import Centre, Held
from gatepost.errors import SpoolFull
from gatepost.mailbox import Mailbox
from gatepost.model import Draft
from gatepost.spool import Carried, Limits, Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.uplink import Backoff, Uplink
from gatepost.wire import Topics, body_hash

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate
    from delivery_post import Post

    from gatepost.asked import Asked
    from gatepost.desired import Order
    from gatepost.model import Message, Record
    from gatepost.signing import Signer

SOURCE, SITE = "gp-1", "site-1"
START_US = 1_795_000_000_000_000
WINDOW = 4


@dataclass
class Time:
    """The true time, and what the station believes; it moves only when a test says so."""

    now: float = 1000.0
    wrong_us: int = 0
    bound: int | None = 500

    def boottime(self) -> float:
        return self.now

    def true_us(self) -> int:
        return START_US + round(self.now * 1_000_000)

    def wall_us(self) -> int:
        return self.true_us() + self.wrong_us

    def bound_us(self) -> int | None:
        return self.bound

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Killed(BaseException):
    """kill -9: nobody catches it, and nothing is tidied."""


@dataclass(frozen=True, slots=True)
class Key:
    """Which keys sign, and whom everybody believes."""

    station: Signer
    central: Signer
    authority: Certificate


@dataclass
class Station:
    """A station in `folder`, from one start to its death. Then `after` makes the next life.

    `kept`: every event that was kept in any life, by epoch and sequence: its hash.
    `boot`: a number for each boot of the machine.
    """

    folder: Path
    post: Post
    time: Time
    key: Key
    confirm: str
    limits: Limits
    kept: dict[tuple[str, int], str]
    uplink_class: type[Uplink] = Uplink
    boot: int = 1
    _flushed: int = 0

    def __post_init__(self) -> None:
        self._boot_id = f"{self.boot:032x}"
        now = stamp(self.time, self._boot_id)
        self.path = prepare(self.folder, SOURCE, SITE, now, allow_volatile=True)
        self.desk = Spool(self.path, self.limits)
        self.desk.__enter__()
        self.kept |= self.held()
        self._received: queue.Queue[Message] = queue.Queue(8)
        self._asked: queue.Queue[Asked] = queue.Queue(64)
        self._inbox: queue.Queue[Order] = queue.Queue(64)
        self.uplink = self.uplink_class(
            spool_path=self.path,
            broker=self.post,
            topics=Topics(SITE, SOURCE),
            signer=self.key.station,
            clock=self.time,
            boot_id=self._boot_id,
            firmware="0",
            notices=Mailbox(),
            received=self._received,
            window=WINDOW,
            backoff=Backoff(draw=lambda _low, high: high),
            pause=self.time.pass_,
            confirm=self.confirm,
            carried=Carried(self.folder),
            asked=self._asked,
        )
        centre = Centre((self.key.authority,), "central", SOURCE, SITE)
        commands = Commands(
            received=self._received,
            inbox=self._inbox,
            held=Held(self.folder, centre),
            topics=Topics(SITE, SOURCE),
            clock=self.time,
            asked=self._asked,
            data=self.folder,
            boot_id=self._boot_id,
            pause=self.time.pass_,
        )
        self._commands = commands.run()
        next(self._commands)
        self._worker = self.uplink.run()
        next(self._worker)
        self._note_flush()

    # --- what a running station does

    def record(self, record: Record) -> bool:
        """Keep an event, as the deciding worker does; False: red, there is no room."""
        try:
            kept = self.desk.append(Draft(record, stamp(self.time, self._boot_id)))
        except SpoolFull:
            return False
        self.kept[self.desk.epoch, kept.sequence] = body_hash(kept.body)
        self._note_flush()
        return True

    def turn(self, times: int = 1) -> None:
        """The uplink turns; the centre's word is obeyed."""
        for _ in range(times):
            next(self._worker)
            self._obey()

    def _obey(self) -> None:
        """The real commands worker takes what came; what it has recorded is recorded."""
        while not self._received.empty():
            next(self._commands)
            next(self._commands)
        while not self._inbox.empty():
            order = self._inbox.get_nowait()
            self.record(order.audit)

    def rest(self) -> None:
        """Nobody stands there: delivered events may be let go, the WAL is folded."""
        with suppress(SpoolFull):
            if self.desk.purge(stamp(self.time, self._boot_id)):
                self.desk.persist()
            self.desk.tidy()
        self._note_flush()

    def card(self, *, full: bool) -> None:
        """The card takes no page more, or has room again."""
        for spool in (self.desk, self._spool):
            pages = spool._database.execute("PRAGMA page_count").fetchone()[0]
            spool._database.execute(f"PRAGMA max_page_count = {pages if full else 2**30}")

    @property
    def _spool(self) -> Spool:
        return self._worker.gi_frame.f_locals["spool"]

    def held(self) -> dict[tuple[str, int], str]:
        """Every event on the card, by epoch and sequence: its hash."""
        newest = self.desk.head().sequence
        return {
            (self.desk.epoch, kept.sequence): body_hash(kept.body)
            for kept in self.desk.range(1, newest)
        }

    def delivered(self) -> set[tuple[str, int]]:
        """What need not be kept any more, as the uplink sees it."""
        return {
            (self._spool.epoch, number)
            for first, last in self._spool.delivered_ranges()
            for number in range(first, last + 1)
        }

    def depth(self) -> int:
        """Not delivered yet, as the uplink sees it."""
        return self._spool.depth()

    # --- its ends

    def _note_flush(self) -> None:
        """All of the WAL up to here is on the card for good."""
        self._flushed = self._wal.stat().st_size if self._wal.exists() else 0

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def stop(self) -> Station:
        """Told to stop; the next life."""
        self._worker.close()
        self.desk.__exit__(None, None, None)
        return self._next(self.folder, self.boot)

    def killed(self) -> Station:
        """kill -9; the next life goes on with what the kernel has."""
        return self._dead(self._wal.stat().st_size, self.boot)

    def cut(self, share: float) -> Station:
        """A power cut: of what was not flushed the first `share` got through, torn anywhere."""
        unflushed = max(0, self._wal.stat().st_size - self._flushed)
        return self._dead(self._flushed + round(share * unflushed), self.boot + 1)

    def _dead(self, wal_bytes: int, boot: int) -> Station:
        """What is on the card at this moment is copied, so that no closing can tidy it."""
        number = int(self.folder.name) + 1
        after = self.folder.with_name(str(number))
        shutil.copytree(self.folder, after, ignore=shutil.ignore_patterns("*-shm"))
        wal = after / self._wal.name
        if wal.exists():
            with wal.open("r+b") as file:
                file.truncate(wal_bytes)
        self.post.vanish()
        self._let_go()
        return self._next(after, boot)

    def _let_go(self) -> None:
        self.uplink.facts.connected = False  # no farewell
        with suppress(Killed):
            self._worker.throw(Killed())
        self.desk.__exit__(Killed, None, None)
        shutil.rmtree(self.folder)

    def _next(self, folder: Path, boot: int) -> Station:
        return Station(
            folder, self.post, self.time, self.key, self.confirm, self.limits, self.kept,
            self.uplink_class, boot,
        )  # fmt: skip

    def end(self) -> None:
        """No next life."""
        self.post.vanish()
        self._let_go()
