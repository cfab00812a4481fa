"""What a central server must know when it starts again: one SQLite file.

    with State(Path("central.db")) as state:
        known = state.load()
        ...
        state.save(known)      # one transaction, flushed: only what changed

WAL with synchronous=FULL: what was saved outlives a power cut. One process at a time has it
open. Without a path it lives in memory, and is gone with the process.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gatepost.central import rows
from gatepost.central.known import Known
from gatepost.errors import ContractError, GatepostError
from gatepost.wire import body_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from gatepost.central.epochs import Epoch, Key
    from gatepost.central.known import Bounds
    from gatepost.central.rows import Stretch

VERSION = 1
_OURS = 0x67706373  # application_id: "gpcs"
_BUSY_MS = 2000
_FOREIGN = (ValueError, KeyError, TypeError, IndexError, ContractError)
_PRAGMAS = (
    "PRAGMA locking_mode = EXCLUSIVE",  # one process; and no shared memory beside the file
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",
)


class StateError(GatepostError, OSError):
    """The file of the state cannot be used; the text says why, and what to do."""


class State:
    """See the module. Every method raises StateError."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._name = str(path) if path else "the state in memory"
        self._database: sqlite3.Connection | None = None
        self._ids: dict[Key, int] = {}
        self._chains: dict[tuple[int, str], int] = {}
        self._open = False
        self._failed = False

    def __enter__(self) -> Self:
        """Open or begin the file."""
        with self._told():
            uri = f"{self._path.absolute().as_uri()}?mode=rwc" if self._path else ":memory:"
            self._database = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=_BUSY_MS / 1000
            )
        try:
            with self._told():
                self._prepare(self._database)
        except StateError:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was not saved is as it was."""
        if self._database is not None:
            self._database.close()
        self._database, self._open = None, False

    @property
    def lasting(self) -> bool:
        """Whether it outlives the process."""
        return self._path is not None

    # --- the file

    def _prepare(self, database: sqlite3.Connection) -> None:
        version, ours = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("user_version", "application_id")
        )
        tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and ours != _OURS:
            raise StateError(f"{self._name}: is no state of gatepost-central; name another file")
        if version > VERSION:
            raise StateError(
                f"{self._name}: was made by a newer gatepost (schema {version}, this one knows "
                f"{VERSION}); it is left as it is"
            )
        for pragma in _PRAGMAS:
            database.execute(pragma)
        # Takes the file for this process alone, and finds out whether it may be written at all.
        database.execute("BEGIN IMMEDIATE")
        if not tables:
            for statement in rows.SCHEMA:
                database.execute(statement)
        database.execute(f"PRAGMA application_id = {_OURS}")
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite and the file system say, in words that help."""
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(f"{self._name}: {_words(error)}") from error
        except _FOREIGN as error:
            raise StateError(f"{self._name}: {_DAMAGED} ({error})") from error

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            raise StateError(f"{self._name}: is not open")
        return self._database

    # --- all of it

    def load(self, bounds: Bounds | None = None) -> Known:
        """What was saved last."""
        known = Known(bounds, recording=True)
        known.look = self._look
        with self._told():
            loaded = rows.Loaded(self._connection, known)
            self._ids, self._chains = loaded.ids, loaded.chains
        return known

    def save(self, known: Known) -> None:
        """All that changed, in one transaction that is on the disk when this returns.

        Where it fails the file is as it was, and this object is of no more use.
        """
        timelines = {
            source: timeline for source, timeline in known.timelines.items() if timeline.changed
        }
        if not (known.dirty or timelines or self._open):
            return
        if self._failed:  # what changed since is no longer known
            raise StateError(f"{self._name}: could not be saved before; start again")
        self._failed = True
        with self._told():
            self._begin()
            for key, epoch in known.dirty.items():
                self._save(key, epoch)
            for source, timeline in timelines.items():
                rows.save_boots(self._connection, source, timeline)
            self._connection.execute("COMMIT")
        self._open = self._failed = False
        known.dirty.clear()
        for timeline in timelines.values():
            timeline.changed.clear()

    def _begin(self) -> None:
        if not self._open:
            self._connection.execute("BEGIN IMMEDIATE")
            self._open = True

    def _save(self, key: Key, epoch: Epoch) -> None:
        database = self._connection
        number = self._ids.get(key)
        if number is None:
            number = self._ids[key] = rows.new_epoch(database, key)
        rows.save_epoch(database, number, epoch)
        for via, chain in [("", epoch.chain), *epoch.foreign.items()]:
            own = self._chains.get((number, via))
            if own is None:
                own = self._chains[number, via] = rows.new_chain(database, number, via)
            rows.save_chain(database, own, chain)
        if epoch.couriers:
            self._drop_spent(number, epoch)

    def _drop_spent(self, number: int, epoch: Epoch) -> None:
        for via in epoch.couriers - epoch.foreign.keys():
            gone = self._chains.pop((number, via), None)
            if gone is not None:
                rows.drop_chain(self._connection, gone)
            rows.drop_unproved(self._connection, (epoch.source, epoch.name, via))

    # --- bodies that others brought, until something proves them

    def hold(self, place: tuple[str, str, int], via: str, body: bytes) -> None:
        """Keep a body that `via` brought, with the next save; `place`: source, epoch, sequence."""
        source, name, sequence = place
        with self._told():
            self._begin()
            rows.hold(self._connection, (source, name, via, sequence), body)

    def _look(self, source: str, name: str, via: str, sequence: int) -> str:
        with self._told():
            body = rows.brought(self._connection, (source, name, via, sequence))
        return body_hash(body) if body else ""

    def prove(self, place: Stretch, via: str) -> None:
        """These count now: they are to be given out, also by the process after this."""
        with self._told():
            self._begin()
            rows.prove(self._connection, place, via)

    def held(self, place: Stretch, via: str, most: int) -> list[bytes]:
        """The first `most` proved bodies of (source, epoch, first, last), in their order."""
        with self._told():
            return rows.held(self._connection, place, via, most)

    def let_go(self, place: Stretch, via: str) -> None:
        """Hold these no longer, with the next save."""
        with self._told():
            self._begin()
            rows.let_go(self._connection, place, via)

    def proved(self) -> list[tuple[Stretch, str]]:
        """What counts and was not given out yet: where it is, and who brought it."""
        with self._told():
            return rows.proved(self._connection)


_DAMAGED = (
    "is damaged; put it aside and start without it: stations are asked for what they still hold"
)


def _words(error: sqlite3.Error) -> str:
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    words: dict[int, Any] = {
        sqlite3.SQLITE_BUSY: "another process has it open",
        sqlite3.SQLITE_LOCKED: "another process has it open",
        sqlite3.SQLITE_READONLY: "is read-only",
        sqlite3.SQLITE_FULL: "cannot be written: the disk is full",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened (the folder must be there, and writable)",
        sqlite3.SQLITE_IOERR: f"cannot be read or written: {error}",
        sqlite3.SQLITE_NOTADB: "is no state of gatepost-central, or damaged; name another file",
    }
    return str(words.get(code, f"{_DAMAGED} ({error})"))
