"""The durable outbox: what was flushed here arrives, whatever happens to the power.

SQLite in WAL mode with synchronous=FULL: one event is one transaction and one flush. There is
no secondary index: the rowid is the sequence. What was sent and delivered is a few ranges,
written without a flush of its own, for losing it costs duplicates only. Each worker that needs
the spool opens it for itself; SQLite orders them.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Literal

from gatepost.errors import SpoolFull
from gatepost.model import Draft, Event
from gatepost.spool import marks
from gatepost.spool.chain import Head, Kept
from gatepost.spool.database import check_version, configure, transaction, translated
from gatepost.spool.looking import Look, union
from gatepost.spool.room import Limits, Room
from gatepost.wire import body_hash, encode_body

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable
    from pathlib import Path
    from types import TracebackType

    from gatepost.model import Stamp
    from gatepost.ranges import RangeSet

_RANGE = "SELECT sequence, body FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence"


class Spool(Look):
    """The spool in a file, between `with` and its end. Use it from one thread.

    Every method raises SpoolDamaged when the file turns out not to be whole, SpoolFull when
    there is no room, SpoolError for what else the file system says.
    """

    def __init__(self, path: Path, limits: Limits = Limits.NONE) -> None:
        super().__init__(path)
        self.limits = limits
        self._dirty = False
        self._fresh: dict[str, int] = {}  # remembered, and not written down yet

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
            super().__exit__(kind, error, trace)

    def _open(self) -> sqlite3.Connection:
        """Raises SpoolVersion for any version but this program's."""
        database = self._connect(self._path)
        self.version = check_version(database, self._path)
        configure(database)
        return database

    def _load(self) -> None:
        super()._load()
        self._head = self.head()
        self._settled = union(self._sent, self._delivered)
        self._room = Room(self._database, self._path, self.epoch, self.limits)

    def move(self, site: str) -> None:
        """The station moved: its events name `site` from now on; the epoch goes on."""
        with translated(self._path):
            self._database.execute("UPDATE spool SET site = ?", (site,))
        self.site = site

    def append(self, draft: Draft) -> Kept:
        """Give a draft its place in the chain and keep it. On return it is on the card.

        Raises SpoolFull when the limits or the card leave no room, also after delivered events
        were let go: nothing changed then, and it works again as soon as there is room.
        """
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
        self._room.admit(len(body), head.sequence)
        with translated(self._path):
            self._database.execute("INSERT INTO event VALUES (?, ?)", (event.sequence, body))
        self._head = Head(self.epoch, event.sequence, body_hash(body))
        return Kept(event.sequence, body)

    def restore(self, bodies: list[bytes]) -> None:
        """Keep bodies that follow the newest event, as the chain says; all or none."""
        with translated(self._path), transaction(self._database):
            for sequence, body in enumerate(bodies, self._head.sequence + 1):
                self._database.execute("INSERT INTO event VALUES (?, ?)", (sequence, body))
        self._head = self.head()

    def pending(
        self, order: Literal["newest", "oldest"], count: int, skip: Collection[int] = ()
    ) -> list[Kept]:
        """Up to `count` events that are neither sent nor delivered, nor in `skip`."""
        gaps = self._settled.gaps(1, self.newest())
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
                    found.append(self._kept(sequence, body))
                    if len(found) == count:
                        return found
        return found

    def sent(self, ranges: Iterable[tuple[int, int]]) -> None:
        """The broker has these: they are not sent again by themselves; `persist` writes it."""
        self._mark(self._sent, ranges)

    def delivered(self, ranges: Iterable[tuple[int, int]]) -> None:
        """These need not be kept for the centre's sake any more; `persist` writes it down."""
        self._mark(self._delivered, ranges)

    def _mark(self, which: RangeSet, ranges: Iterable[tuple[int, int]]) -> None:
        """Only events that there are: others may say what they like of those to come."""
        for first, last in marks.clipped(ranges, self.newest()):
            which.add(first, last)
            self._settled.add(first, last)
            self._dirty = True

    def remember(self, name: str, value: int) -> None:
        """Remember a whole number, e.g. "floor_us"; `persist` writes it down."""
        if self._memos.get(name) != value:
            self._memos[name] = self._fresh[name] = value

    def persist(self) -> None:
        """Write what is sent, delivered and remembered; call it about once a second.

        Not flushed by itself (synchronous=NORMAL for this transaction): a flush here would
        make a visitor wait, and losing it costs duplicates only.
        """
        if not (self._dirty or self._fresh):
            return
        with translated(self._path), transaction(self._database, flushed=False):
            if self._dirty:
                self._write_marks()
            for name, value in self._fresh.items():
                marks.remember(self._database, name, value)
        self._dirty = False
        self._fresh.clear()

    def _write_marks(self) -> None:
        """Together with what another connection wrote: it only grows."""
        newest = self.newest()
        for kind, own in ((marks.SENT, self._sent), (marks.DELIVERED, self._delivered)):
            for first, last in marks.read(self._database, kind, self.epoch, newest):
                own.add(first, last)
            if len(own):
                marks.write(self._database, kind, self.epoch, own)

    def purge(self, now: Stamp) -> int:
        """Let go of delivered events that are too old or too many.

        Older than keep_days (only while the time is known; the newest 1,000 stay), or beyond
        the room that the spool may take. A few hundred a call, some milliseconds; returns how
        many. Call it while nobody stands there: then an append need not.
        """
        return self._room.purge(now, self.newest())

    def tidy(self) -> None:
        """Move what the WAL holds into the database. Call it while nobody stands there."""
        with translated(self._path):
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._room.folded()

    def fold(self) -> None:
        """Bring all into the one file, with no WAL beside it: before the file is moved."""
        with translated(self._path):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._room.folded()
