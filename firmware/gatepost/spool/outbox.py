"""The durable outbox: what was flushed here arrives, whatever happens to the power.

SQLite in WAL mode with synchronous=FULL: one event is one transaction and one flush. There is
no secondary index: the rowid is the sequence. What was delivered is a small set of ranges,
written without a flush of its own, for losing it costs duplicates only. Each worker that needs
the spool opens it for itself; SQLite orders them.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from gatepost.errors import SpoolDamaged, SpoolError, SpoolFull
from gatepost.model import Draft, Event
from gatepost.ranges import RangeSet
from gatepost.spool.database import check_version, configure, connect, translated
from gatepost.wire import NO_HASH, body_hash, encode_body, links_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

_RANGE = "SELECT sequence, body FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it is kept: its sequence and its body, the bytes that are hashed and sent."""

    sequence: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of an epoch; sequence 0 where there is none yet."""

    epoch: str
    sequence: int
    hash: str


class Spool:
    """The spool in a file, between `with` and its end. Use it from one thread.

    Every method raises SpoolDamaged when the file turns out not to be whole, SpoolFull when
    there is no room, SpoolError for what else the file system says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._delivered = RangeSet()
        self._dirty = False

    def __enter__(self) -> Self:
        """Open it. Raises SpoolVersion when another version of gatepost made it."""
        try:
            there = self._path.exists()
        except OSError as error:
            raise SpoolError(f"{self._path}: {error.strerror}") from error
        if not there:
            raise SpoolError(f"{self._path}: there is no spool")
        self._database = connect(self._path)
        try:
            with translated(self._path):
                check_version(self._database, self._path)
                configure(self._database)
                self._load()
        except SpoolError:
            self._database.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None or kind is GeneratorExit:  # a worker that was told to stop
                with suppress(SpoolFull):  # losing it costs duplicates only
                    self.persist()
        finally:
            self._database.close()

    def _load(self) -> None:
        row = self._database.execute("SELECT epoch, source, site FROM spool").fetchone()
        if row is None:
            raise SpoolDamaged(f"{self._path}: names no epoch")
        self.epoch, self.source, self.site = row
        rows = self._database.execute("SELECT first, last FROM delivered").fetchall()
        self._delivered = RangeSet(rows)
        self._head = self.head()

    def move(self, site: str) -> None:
        """The station moved: its events name `site` from now on; the epoch goes on."""
        with translated(self._path):
            self._database.execute("UPDATE spool SET site = ?", (site,))
        self.site = site

    def append(self, draft: Draft) -> Kept:
        """Give a draft its place in the chain and keep it. On return it is on the card."""
        head = self._head
        event = Event(
            source=self.source,
            site=self.site,
            epoch=self.epoch,
            sequence=head.sequence + 1,
            previous=head.hash,
            stamp=draft.stamp,
            record=draft.record,
        )
        body = encode_body(event)
        with translated(self._path):
            self._database.execute("INSERT INTO event VALUES (?, ?)", (event.sequence, body))
        self._head = Head(self.epoch, event.sequence, body_hash(body))
        return Kept(event.sequence, body)

    def head(self) -> Head:
        """The newest event on the card, whoever appended it."""
        with translated(self._path):
            row = self._database.execute(
                "SELECT sequence, body FROM event ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        return Head(self.epoch, row[0], body_hash(row[1])) if row else Head(self.epoch, 0, NO_HASH)

    def pending(
        self, order: Literal["newest", "oldest"], count: int, skip: Collection[int] = ()
    ) -> list[Kept]:
        """Up to `count` events that are neither delivered nor in `skip`."""
        newest = self.head().sequence
        gaps = self._delivered.gaps(1, newest)
        query = _RANGE if order == "oldest" else _RANGE + " DESC"
        if order == "newest":
            gaps.reverse()
        found: list[Kept] = []
        for first, last in gaps:
            with (
                translated(self._path),
                closing(self._database.execute(query, (first, last))) as rows,
            ):
                for sequence, body in rows:
                    if sequence in skip:
                        continue
                    found.append(Kept(sequence, body))
                    if len(found) == count:
                        return found
        return found

    def delivered(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Events of these ranges need not be sent again; `persist` writes it down."""
        for first, last in ranges:
            self._delivered.add(first, last)
            self._dirty = True

    def persist(self) -> None:
        """Write the delivered ranges; call it about once a second.

        Not flushed by itself (synchronous=NORMAL for this transaction): a flush here would
        make a visitor wait, and losing it costs duplicates only.
        """
        if not self._dirty:
            return
        with translated(self._path):
            self._database.execute("PRAGMA synchronous = NORMAL")
            try:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.execute("DELETE FROM delivered")
                self._database.executemany("INSERT INTO delivered VALUES (?, ?)", self._delivered)
                self._database.execute("COMMIT")
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                self._database.execute("PRAGMA synchronous = FULL")
        self._dirty = False

    def range(self, first: int, last: int) -> Iterator[Kept]:
        """The events from `first` to `last` that are still held, in order.

        Read page by page, so that nothing stays open when the caller stops in the middle.
        """
        while first <= last:
            with translated(self._path):
                rows = self._database.execute(_RANGE + " LIMIT ?", (first, last, _PAGE)).fetchall()
            for sequence, body in rows:
                yield Kept(sequence, body)
            if len(rows) < _PAGE:
                return
            first = rows[-1][0] + 1

    def verify(self) -> int:
        """Check the file and the whole chain; returns how many events are held.

        Raises SpoolDamaged that names the first event which is wrong.
        """
        self.check_file()
        return check_chain(self._path, self.epoch, self.range(1, self.head().sequence))

    def check_file(self) -> None:
        """SQLite's own check of the file. Raises SpoolDamaged with what it says."""
        with translated(self._path):
            told = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if told != "ok":
            raise SpoolDamaged(f"{self._path}: {told}")

    def depth(self) -> int:
        """How many events are not delivered yet."""
        return sum(last - first + 1 for first, last in self.undelivered())

    def undelivered(self) -> list[tuple[int, int]]:
        """The ranges that are not delivered yet."""
        return self._delivered.gaps(1, self.head().sequence)

    def tidy(self) -> None:
        """Move what the WAL holds into the database. Call it while nobody stands there."""
        with translated(self._path):
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def fold(self) -> None:
        """Bring all into the one file, with no WAL beside it: before the file is moved."""
        with translated(self._path):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def check_chain(path: Path, epoch: str, events: Iterable[Kept]) -> int:
    """Check that `events` follow each other without a break; returns how many there are.

    The first may be any: what came before it may have been delivered and left. Only the links
    are looked at: a firmware that was rolled back meets events of types that it does not know.
    """
    count, expected, previous = 0, 0, ""
    for kept in events:
        try:
            event = links_of(kept.body)
        except ValueError as error:
            raise SpoolDamaged(f"{path}: event {kept.sequence}: {error}") from error
        wrong = (
            (event.sequence != kept.sequence and "holds another sequence")
            or (event.epoch != epoch and "is of another epoch")
            or (expected and kept.sequence != expected and f"comes where {expected} should be")
            or (previous and event.previous != previous and "does not follow the one before it")
        )
        if wrong:
            raise SpoolDamaged(f"{path}: event {kept.sequence} {wrong}")
        count, expected, previous = count + 1, kept.sequence + 1, body_hash(kept.body)
    return count
