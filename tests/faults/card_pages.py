"""Spool files of either page size."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (2048, 4096)  # as made today, and as made before


def paged(path: Path, page: int) -> Path:
    """Give a spool pages of so many bytes, as SQLite allows where there is no WAL."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute(f"PRAGMA page_size = {page}")
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode = WAL")
        told = database.execute("PRAGMA page_size").fetchone()
    if told != (page,):
        raise AssertionError(f"{path}: pages of {told} bytes")
    return path
