"""A look at a spool: what it holds and how it stands, changing nothing of it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gatepost.errors import SpoolDamaged, SpoolError
from gatepost.ranges import RangeSet
from gatepost.spool import marks
from gatepost.spool.chain import Head, Kept, check_chain
from gatepost.spool.database import VERSION, check_version, connect, page_size, translated
from gatepost.wire import NO_HASH, body_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_RANGE = "SELECT sequence, body FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
_BATCH = 500


class Look:
    """A spool in a file, between `with` and its end; also one of an earlier version.

    It works beside a running station, on a copy, and on a card that is mounted read-only.
    Every method raises SpoolDamaged when the file turns out not to be whole, SpoolError for
    what else the file system says. Use it from one thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended = ExitStack()
        self._sent = RangeSet()
        self._delivered = RangeSet()
        self._memos: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Open it. Raises SpoolVersion when a later version of gatepost made it."""
        try:
            there = self._path.exists()
        except OSError as error:
            raise SpoolError(f"{self._path}: {error.strerror}") from error
        if not there:
            raise SpoolError(f"{self._path}: there is no spool")
        with ExitStack() as opened:
            self._ended = opened
            with translated(self._path):
                self._database = self._open()
                self._load()
            self._ended = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.close()

    def _connect(self, path: Path, how: str = "") -> sqlite3.Connection:
        database = connect(path, how)
        self._ended.callback(database.close)
        return database

    def _open(self) -> sqlite3.Connection:
        """Reading only; what cannot be read in place (a WAL on a read-only card) as a copy."""
        database = self._connect(self._path, "mode=ro")
        try:
            self.version = check_version(database, self._path, 1)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_READONLY,
            }:
                raise
            database = self._elsewhere()
            self.version = check_version(database, self._path, 1)
        return database

    def _elsewhere(self) -> sqlite3.Connection:
        """SQLite must write beside a file to read its WAL. Raises SpoolError."""
        wal = self._path.with_name(self._path.name + "-wal")
        try:
            if not wal.exists() or wal.stat().st_size == 0:
                return self._connect(self._path, "immutable=1")
            folder = Path(self._ended.enter_context(tempfile.TemporaryDirectory()))
            for each in (self._path, wal):
                shutil.copyfile(each, folder / each.name)
        except OSError as error:
            raise SpoolError(f"{self._path}: cannot be read: {error}") from error
        return self._connect(folder / self._path.name)

    def _load(self) -> None:
        row = self._database.execute("SELECT epoch, source, site FROM spool").fetchone()
        if row is None or not all(isinstance(each, str) for each in row):
            raise SpoolDamaged(f"{self._path}: names no epoch")
        self.epoch, self.source, self.site = row
        self._page = page_size(self._database)
        newest = self.newest()
        if self.version == 1:
            self._delivered = marks.read_first(self._database, newest)
            return
        try:
            self._sent = marks.read(self._database, marks.SENT, self.epoch, newest)
            self._delivered = marks.read(self._database, marks.DELIVERED, self.epoch, newest)
        except SpoolDamaged as error:
            raise SpoolDamaged(f"{self._path}: {error}") from error
        self._memos = marks.memos(self._database)

    def newest(self) -> int:
        """The sequence of the newest event, 0 where there is none."""
        with translated(self._path):
            (newest,) = self._database.execute("SELECT max(sequence) FROM event").fetchone()
        return self._sequence(0 if newest is None else newest)

    def head(self) -> Head:
        """The newest event on the card, whoever appended it."""
        with translated(self._path):
            row = self._database.execute(
                "SELECT sequence, body FROM event ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        if row is None:
            return Head(self.epoch, 0, NO_HASH)
        newest = self._kept(*row)
        return Head(self.epoch, newest.sequence, body_hash(newest.body))

    def _kept(self, sequence: object, body: object) -> Kept:
        """A row of a table that may not be as strict as it was made. Raises SpoolDamaged."""
        if not isinstance(body, bytes):
            raise SpoolDamaged(f"{self._path}: event {sequence} has no body")
        return Kept(self._sequence(sequence), body)

    def _sequence(self, value: object) -> int:
        if not isinstance(value, int):
            raise SpoolDamaged(f"{self._path}: an event's sequence is no whole number")
        return value

    def range(self, first: int, last: int) -> Iterator[Kept]:
        """The events from `first` to `last` that are still held, in order.

        Read in parts, so that nothing stays open when the caller stops in the middle.
        """
        while first <= last:
            with translated(self._path):
                rows = self._database.execute(_RANGE + " LIMIT ?", (first, last, _BATCH)).fetchall()
            for sequence, body in rows:
                yield self._kept(sequence, body)
            if len(rows) < _BATCH:
                return
            first = rows[-1][0] + 1

    def held(self) -> tuple[int, int]:
        """How many events are held, and the oldest of them (0 where there is none)."""
        with translated(self._path):
            row = self._database.execute("SELECT count(*), min(sequence) FROM event").fetchone()
        return row[0], row[1] or 0

    def measure(self, ranges: list[tuple[int, int]]) -> tuple[int, int, int]:
        """How many events of these are held, their bodies' bytes, and the first of them."""
        count = size = 0
        oldest: list[int] = []
        for first, last in ranges:
            with translated(self._path):
                row = self._database.execute(
                    "SELECT count(*), sum(length(body)), min(sequence) FROM event "
                    "WHERE sequence BETWEEN ? AND ?",
                    (first, last),
                ).fetchone()
            count, size = count + row[0], size + (row[1] or 0)
            oldest += [row[2]] if row[0] else []
        return count, size, min(oldest, default=0)

    def verify(self) -> int:
        """Check the file and the whole chain; returns how many events are held.

        Raises SpoolDamaged that names the first event which is wrong.
        """
        self.check_file()
        events = self.range(1, self.newest())
        return check_chain(self._path, self.epoch, events, self._delivered)

    def check_file(self) -> None:
        """SQLite's own check of the file. Raises SpoolDamaged with what it says."""
        with translated(self._path):
            told = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if told != "ok":
            raise SpoolDamaged(f"{self._path}: {told}")

    def check_tail(self, events: int) -> None:
        """The chain of the newest `events`. Raises SpoolDamaged."""
        newest = self.newest()
        tail = self.range(max(1, newest - events), newest)
        check_chain(self._path, self.epoch, tail, self._delivered)

    def depth(self) -> int:
        """How many events are not delivered yet."""
        return sum(last - first + 1 for first, last in self.undelivered())

    def undelivered(self) -> list[tuple[int, int]]:
        """The ranges that are not delivered yet."""
        return self._delivered.gaps(1, self.newest())

    def delivered_ranges(self) -> list[tuple[int, int]]:
        """The ranges that are delivered."""
        return list(self._delivered)

    def unsent(self) -> int:
        """How many events are neither sent nor delivered."""
        settled = union(self._sent, self._delivered)
        return sum(last - first + 1 for first, last in settled.gaps(1, self.newest()))

    def recall(self, name: str) -> int | None:
        """The whole number that was remembered under `name`, if any."""
        return self._memos.get(name)

    def used(self) -> int:
        """Bytes that the events take: pages in use, and the WAL."""
        with translated(self._path):
            pages = self._database.execute("PRAGMA page_count").fetchone()[0]
            free = self._database.execute("PRAGMA freelist_count").fetchone()[0]
        return int(pages - free) * self._page + wal_bytes(self._path)

    @property
    def old(self) -> bool:
        """Whether the file is of an earlier version than this program writes."""
        return self.version < VERSION


def union(one: RangeSet, other: RangeSet) -> RangeSet:
    """What is in one of them, or in both."""
    return RangeSet([*one, *other])


def wal_bytes(path: Path) -> int:
    """How long the WAL beside a database is, in bytes."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except OSError:
        return 0
