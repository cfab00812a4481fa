"""From an earlier schema to this one: one transaction, so that a power cut leaves either.

A version 3 adds a function to `_STEPS` that brings a file of version 2 to it.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from gatepost.spool import marks
from gatepost.spool.database import (
    VERSION,
    check_version,
    configure,
    connect,
    transaction,
    translated,
)

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def _second(database: sqlite3.Connection) -> None:
    """The delivered ranges move from a table of their own to a line that proves itself."""
    epoch = database.execute("SELECT epoch FROM spool").fetchone()[0]
    newest = database.execute("SELECT max(sequence) FROM event").fetchone()[0] or 0
    delivered = marks.read_first(database, newest)
    database.execute(
        "CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )
    if len(delivered):
        marks.write(database, marks.DELIVERED, epoch, delivered)
    database.execute("DROP TABLE delivered")


_STEPS = {1: _second}


def migrate(path: Path) -> int:
    """Bring a file to this version; returns the version that it had.

    Raises SpoolVersion for one of a later version, SpoolDamaged, SpoolFull, SpoolError.
    """
    with closing(connect(path)) as database, translated(path):
        had = check_version(database, path, 1)
        if had < VERSION:
            configure(database)
            with transaction(database):
                for version in range(had, VERSION):
                    _STEPS[version](database)
                database.execute(f"PRAGMA user_version = {VERSION}")
        return had
