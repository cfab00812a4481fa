"""How much a spool may take, and which events go when it takes too much.

Only what is delivered goes, the oldest first, a bounded number at a time. Any delivered range
may, not only the beginning of the chain: one event that the broker refuses for good would hold
everything after it, until visitors were refused for the sake of delivered events. A hole is told
from a loss by the delivered ranges, which stand in the same file (see check_chain).

Deleting needs room, too: its pages pass through the WAL. That is what the spare room is for: below
it the database does not grow any more, its free pages are used again, and the WAL is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gatepost.errors import ContractError, SpoolDamaged, SpoolFull
from gatepost.spool import marks
from gatepost.spool.database import page_size, transaction, translated
from gatepost.spool.looking import wal_bytes
from gatepost.spool.places import room
from gatepost.wire.bodies import number_of, object_of

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from gatepost.model import Stamp

STAY = 1000  # of the newest events, whatever their age: a wild clock must not empty a spool
_BATCH = 256
_SCAN = 200
_FRAME_HEAD = 24
_CREDIT = 4 * 1024 * 1024
_LONG_WAL = 1024 * 1024
_MOST_UNFOLDED = 16 * 1024 * 1024
_MOST_SLACK = 8 * 1024 * 1024
_DAY_US = 86_400_000_000
_AGAIN_US = 600_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long delivered events stay and how much room is taken; 0 everywhere: no limit.

    Attributes:
        keep_days: how long delivered events stay, days.
        most_bytes: what the spool may take: pages of its database in use, and its WAL.
        spare_bytes: what is left on the card.
    """

    keep_days: int
    most_bytes: int
    spare_bytes: int
    NONE: ClassVar[Limits]


Limits.NONE = Limits(0, 0, 0)


class Room:
    """Watches over the room of one open spool. Raises SpoolFull, SpoolError, SpoolDamaged."""

    def __init__(
        self, database: sqlite3.Connection, path: Path, epoch: str, limits: Limits
    ) -> None:
        self._database = database
        self._path = path
        self._epoch = epoch
        self._limits = limits
        self._page = page_size(database)
        self._frame = _FRAME_HEAD + self._page
        self._credit = 0  # bytes that may still be taken before it is measured again
        self._unfolded = 0  # bytes that went into the WAL since it was folded, at most
        self._age = _Age(database, path, limits.keep_days)

    def admit(self, size: int, newest: int) -> None:
        """Make sure that an event of `size` bytes may be kept. Raises SpoolFull.

        Nothing was written then; what is delivered was let go, a part of it.
        """
        if self._limits == Limits.NONE or self._database.in_transaction:
            return  # within a transaction of the caller's nothing can be folded
        cost = (size // self._page + 4) * self._frame
        self._credit -= cost
        self._unfolded += cost
        with translated(self._path):
            if self._unfolded > (self._limits.spare_bytes or _MOST_UNFOLDED) // 2:
                self._fold()  # the database may have to grow by it: there is still the room
            if self._credit <= 0 or self._short_by(cost):
                self._make_room(cost, newest)

    def folded(self) -> None:
        """The WAL was moved into the database."""
        self._unfolded = 0

    def purge(self, now: Stamp, newest: int) -> int:
        """Let go of what is too much or too old, some of it; returns how many events went."""
        with translated(self._path):
            gone = 0
            if self._over(self._slack()) or self._short_of_pages():
                gone = self._let_go(newest - 1)
            if not gone and self._age.known(now):
                old = self._age.upto(now, newest - STAY)
                gone = self._let_go(old) if old else 0
        return gone

    def _make_room(self, cost: int, newest: int) -> None:
        if self._over(cost):
            gone = self._let_go(newest - 1)
            if wal_bytes(self._path) > max(self._limits.most_bytes // 8, 16 * self._frame):
                self._shorten()
            if not gone and self._over(cost):
                most = self._limits.most_bytes / 2**20
                raise SpoolFull(f"{self._path}: has reached its {most:g} MiB, nothing delivered")
        if self._short_by(cost) and wal_bytes(self._path) > _LONG_WAL // 4:
            self._shorten()
        if self._short_by(cost):
            self._use_again(cost, newest)
        most = self._limits.most_bytes
        left = most - self._taken() if most else _CREDIT
        self._credit = min(left // 2, _CREDIT)

    def _use_again(self, cost: int, newest: int) -> None:
        """The card is nearly full: only pages that the database has already."""
        if self._free() < cost:
            self._let_go(newest - 1)
        if self._free() < cost:
            raise SpoolFull(f"{self._path}: no room left on the card, nothing delivered")

    def _let_go(self, upto: int) -> int:
        """Delete some of the oldest delivered events up to `upto`; returns how many.

        One transaction, not flushed: after a cut it is whole, or it was not.
        """
        left = _BATCH
        with transaction(self._database, flushed=False):
            delivered = marks.read(self._database, marks.DELIVERED, self._epoch, upto)
            for first, last in delivered:
                left -= self._delete(first, last, left)
                if left <= 0:
                    break
        return _BATCH - left

    def _delete(self, first: int, last: int, most: int) -> int:
        row = self._database.execute(
            "SELECT sequence FROM event WHERE sequence BETWEEN ? AND ? "
            "ORDER BY sequence LIMIT 1 OFFSET ?",
            (first, last, most - 1),
        ).fetchone()
        end = row[0] if row else last
        gone = self._database.execute(
            "DELETE FROM event WHERE sequence BETWEEN ? AND ?", (first, end)
        )
        return gone.rowcount

    def _shorten(self) -> None:
        """Cut the WAL, unless somebody reads it just now."""
        wait = self._database.execute("PRAGMA busy_timeout").fetchone()[0]
        self._database.execute("PRAGMA busy_timeout = 0")
        try:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._database.execute(f"PRAGMA busy_timeout = {wait}")
        self.folded()

    def _fold(self) -> None:
        self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self.folded()

    def _over(self, more: int) -> bool:
        """Whether `more` bytes would be too many."""
        most = self._limits.most_bytes
        return bool(most) and self._taken() + more > most

    def _taken(self) -> int:
        pages = int(self._database.execute("PRAGMA page_count").fetchone()[0]) * self._page
        return pages - self._free() + wal_bytes(self._path)

    def _free(self) -> int:
        """Bytes of the database's free pages."""
        return int(self._database.execute("PRAGMA freelist_count").fetchone()[0]) * self._page

    def _short_by(self, more: int) -> bool:
        """Whether the card has less than the spare room and `more` bytes."""
        if not self._limits.spare_bytes:
            return False
        there = room(self._path.parent)
        return there is not None and there < self._limits.spare_bytes + more

    def _short_of_pages(self) -> bool:
        """Whether the next visitors would have to wait for room to be made."""
        return self._short_by(_LONG_WAL) and self._free() < self._slack()

    def _slack(self) -> int:
        """What is kept free ahead of the next visitors, bytes."""
        most = self._limits.most_bytes
        return min(most // 32, _MOST_SLACK) if most else _LONG_WAL


class _Age:
    """Finds up to which event all are too old, a part of them at a time.

    An event may have been recorded before the station knew the time: it is as old as the next
    one that was recorded while the time was known.
    """

    def __init__(self, database: sqlite3.Connection, path: Path, keep_days: int) -> None:
        self._database = database
        self._path = path
        self._keep_us = keep_days * _DAY_US
        self._old = 0  # up to here all are old
        self._seen = 0  # up to here was looked
        self._before_us = 0
        self._next_us = 0

    def known(self, now: Stamp) -> bool:
        """Whether it may be asked at `now`: the time is known, and it is time."""
        return bool(self._keep_us) and now.synchronised and now.boot_us >= self._next_us

    def upto(self, now: Stamp, newest: int) -> int:
        """The newest event that is too old, of those up to `newest`; 0: none. SpoolDamaged."""
        before_us = now.wall_us - self._keep_us
        if before_us < self._before_us:  # the clock was ahead: what it said of ages is void
            self._old = self._seen = 0
        self._before_us = before_us
        rows = self._database.execute(
            "SELECT sequence, body FROM event WHERE sequence > ? AND sequence <= ? "
            "ORDER BY sequence LIMIT ?",
            (self._seen, newest, _SCAN),
        ).fetchall()
        for sequence, body in rows:
            when_us = self._when_us(sequence, body)
            if when_us is not None:
                if when_us >= before_us:
                    break
                self._old = sequence
            self._seen = sequence
        else:
            if len(rows) == _SCAN:
                return min(self._old, newest)
        self._next_us = now.boot_us + _AGAIN_US
        return min(self._old, newest)

    def _when_us(self, sequence: int, body: object) -> int | None:
        """When an event was recorded, wall clock; None: the time was not known."""
        try:
            told = object_of(body if isinstance(body, bytes) else b"")
            known = told.get("clock") == "synchronised"
            return number_of(told, "wall_us", least=0) if known else None
        except ContractError as error:
            raise SpoolDamaged(f"{self._path}: event {sequence}: {error}") from error
