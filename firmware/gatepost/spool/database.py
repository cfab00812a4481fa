"""The spool's SQLite file: how it is opened and made, its version, its errors in our words."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged, SpoolError, SpoolFull, SpoolVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "spool.db"
VERSION = 1
APPLICATION = 0x47504F53  # "GPOS", in the file's header
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE spool (epoch TEXT NOT NULL, source TEXT NOT NULL, site TEXT NOT NULL) STRICT;
CREATE TABLE event (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE delivered (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""
_BUSY_S = 10.0


def connect(path: Path) -> sqlite3.Connection:
    """Open the database file as it is. Raises SpoolError."""
    with translated(path):
        return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)


def configure(database: sqlite3.Connection) -> None:
    """The settings on which the promise rests; only once it is known to be a spool."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA wal_autocheckpoint = 0")


def create(database: sqlite3.Connection, epoch: str, source: str, site: str) -> None:
    """Make the tables of a new spool, whole or not at all."""
    configure(database)
    database.executescript(_SCHEMA)
    database.execute("INSERT INTO spool VALUES (?, ?, ?)", (epoch, source, site))
    database.execute("COMMIT")


def check_version(database: sqlite3.Connection, path: Path) -> None:
    """Raises SpoolVersion or SpoolDamaged when this is no spool of this version."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise SpoolDamaged(f"{path}: is not a spool")
    if version != VERSION:
        newer = "newer" if version > VERSION else "older"
        raise SpoolVersion(
            f"{path}: has schema {version}, made by a {newer} gatepost; this one knows {VERSION}. "
            "It was left as it is: run the gatepost that made it, or move the file away"
        )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise SpoolFull(f"{path}: no room left on the card") from error
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise SpoolDamaged(f"{path}: {error}") from error
        if "no such table" in str(error) or "no such column" in str(error):
            raise SpoolDamaged(f"{path}: {error}") from error
        raise SpoolError(f"{path}: {error}") from error
