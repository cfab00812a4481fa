"""The spool's SQLite file: how it is opened and made, its versions, its errors in our words."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatepost.errors import SpoolBusy, SpoolDamaged, SpoolError, SpoolFull, SpoolVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "spool.db"
VERSION = 2
# Bytes of a page. Each event rewrites the page that it goes to, so that a smaller one spares the
# card. A file keeps the size that it was made with: nothing but its making may rest on this.
PAGE, FORMER_PAGE = 2048, 4096
APPLICATION = 0x47504F53  # "GPOS", in the file's header
# No table has an index beside itself. `note`: what is sent, delivered and remembered, a line
# each; together they take one page, so that a second's worth of it costs the card one page.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE spool (epoch TEXT NOT NULL, source TEXT NOT NULL, site TEXT NOT NULL) STRICT;
CREATE TABLE event (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""
_BUSY_S = 10.0
_CACHE_KIB = 256  # of 2,000: events are written and read in order, no page is wanted twice
# SQLITE_ERROR is a statement that does not fit the tables: ours fit those that we made.
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
}
_VERSIONS = slice(18, 20)  # of the file format, to write and to read; sqlite.org/fileformat2.html
_WAL_FORMAT = b"\2\2"


def connect(path: Path, how: str = "") -> sqlite3.Connection:
    """Open the database file; `how`: parameters of SQLite's URI, as "mode=ro". SpoolError."""
    with translated(path):
        name = f"{path.absolute().as_uri()}?{how}" if how else str(path)
        return sqlite3.connect(name, timeout=_BUSY_S, isolation_level=None, uri=bool(how))


def configure(database: sqlite3.Connection) -> None:
    """The settings on which the promise rests; only once it is known to be a spool.

    What is deleted is zeroed where that costs no page more (secure_delete; Debian's SQLite
    would write each freed page for it, a card's wear for what is sealed anyway).
    """
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("PRAGMA secure_delete = FAST")
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def create(database: sqlite3.Connection, epoch: str, source: str, site: str) -> None:
    """Make the tables of a new spool, whole or not at all."""
    database.execute(f"PRAGMA page_size = {PAGE}")
    configure(database)
    database.executescript(_SCHEMA)
    database.execute("INSERT INTO spool VALUES (?, ?, ?)", (epoch, source, site))
    database.execute("COMMIT")


def page_size(database: sqlite3.Connection) -> int:
    """Bytes of a page of this file."""
    return int(database.execute("PRAGMA page_size").fetchone()[0])


def check_version(database: sqlite3.Connection, path: Path, least: int = VERSION) -> int:
    """The version, from `least` on. Raises SpoolVersion or SpoolDamaged when it is none of ours."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION:
        raise SpoolDamaged(f"{path}: is not a spool")
    if version > VERSION:
        raise SpoolVersion(
            f"{path}: has schema {version}, made by a newer gatepost; this one knows {VERSION}. "
            "It was left as it is: run the gatepost that made it, or move the file away"
        )
    if version < least:
        raise SpoolVersion(
            f"{path}: has schema {version}, made by an older gatepost; `gatepost run` brings it "
            f"to {VERSION}"
        )
    return version


def check_format(path: Path) -> None:
    """Raises SpoolDamaged where the header says that SQLite must not write; OSError."""
    with path.open("rb") as file:
        if file.read(_VERSIONS.stop)[_VERSIONS] != _WAL_FORMAT:
            raise SpoolDamaged(f"{path}: its header is not that of a spool")


@contextmanager
def transaction(database: sqlite3.Connection, *, flushed: bool = True) -> Iterator[None]:
    """One transaction, whole or not at all.

    Not `flushed`: it reaches the card with the next flush, and is whole or gone after a cut.
    """
    if not flushed:
        database.execute("PRAGMA synchronous = NORMAL")
    try:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")
        if not flushed:
            database.execute("PRAGMA synchronous = FULL")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise SpoolFull(f"{path}: no room left on the card") from error
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise SpoolBusy(f"{path}: {error}") from error
        if code in _DAMAGE or "Could not decode" in str(error):
            raise SpoolDamaged(f"{path}: {error}") from error
        locked = code == sqlite3.SQLITE_READONLY or _read_only(path)
        why = "cannot be written: the card is read-only" if locked else str(error)
        raise SpoolError(f"{path}: {why}") from error


def _read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False
