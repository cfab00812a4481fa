"""Which events are sent and which delivered, as lines of the `note` table.

A line names the epoch and carries a checksum: a card that rots must not make an event look
delivered. It proves itself, so that salvage may take it out of raw pages, too. Within an epoch
the ranges only grow, so that of several lines found the union holds.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.ranges import RangeSet

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

SENT, DELIVERED = "sent", "delivered"
LINE = re.compile(rb"(?:sent|delivered) [0-9a-f]{32} [0-9,-]* [0-9a-f]{8}")
_MEMO = "memo "


def line(kind: str, epoch: str, ranges: Iterable[tuple[int, int]]) -> str:
    """The line that says which ranges are `kind`."""
    told = ",".join(f"{first}-{last}" for first, last in ranges)
    text = f"{kind} {epoch} {told}"
    return f"{text} {zlib.crc32(text.encode()):08x}"


def parse(text: str) -> tuple[str, str, RangeSet]:
    """Kind, epoch and ranges of a line. Raises ValueError when it does not prove itself."""
    told, _, check = text.rpartition(" ")
    if f"{zlib.crc32(told.encode()):08x}" != check:
        raise ValueError("its checksum does not hold")
    kind, epoch, ranges = told.split(" ")
    pairs = (each.split("-") for each in ranges.split(",") if each)
    return kind, epoch, RangeSet((int(first), int(last)) for first, last in pairs)


def clipped(ranges: Iterable[tuple[int, int]], newest: int) -> RangeSet:
    """What of `ranges` can be: from 1 to the newest event, not turned round.

    A range beyond it would swallow events that are yet to come.
    """
    sound = ((max(1, first), min(last, newest)) for first, last in ranges)
    return RangeSet(pair for pair in sound if pair[0] <= pair[1])


def read(database: sqlite3.Connection, kind: str, epoch: str, newest: int) -> RangeSet:
    """The ranges that are written down as `kind`. Raises SpoolDamaged."""
    row = database.execute("SELECT value FROM note WHERE name = ?", (kind,)).fetchone()
    if row is None:
        return RangeSet()
    try:
        said, of, ranges = parse(str(row[0]))
    except ValueError as error:
        raise SpoolDamaged(f"what is noted as {kind} is wrong: {error}") from error
    if (said, of) != (kind, epoch):
        raise SpoolDamaged(f"what is noted as {kind} belongs elsewhere")
    return clipped(ranges, newest)


def read_first(database: sqlite3.Connection, newest: int) -> RangeSet:
    """The delivered ranges of a file of version 1, which had a table. Raises SpoolDamaged."""
    rows = database.execute("SELECT first, last FROM delivered").fetchall()
    if not all(isinstance(each, int) for row in rows for each in row):
        raise SpoolDamaged("what is noted as delivered is no whole number")
    return clipped(rows, newest)


def write(database: sqlite3.Connection, kind: str, epoch: str, ranges: RangeSet) -> None:
    """Write down what is `kind`, within a transaction of the caller's."""
    put(database, kind, line(kind, epoch, ranges))


def put(database: sqlite3.Connection, name: str, value: str) -> None:
    """One line of the table."""
    database.execute(
        "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def memos(database: sqlite3.Connection) -> dict[str, int]:
    """The whole numbers that are remembered, by name; one that is none is forgotten."""
    rows = database.execute("SELECT name, value FROM note").fetchall()
    return {
        name.removeprefix(_MEMO): int(value)
        for name, value in rows
        if str(name).startswith(_MEMO) and re.fullmatch(r"-?[0-9]{1,19}", str(value))
    }


def remember(database: sqlite3.Connection, name: str, value: int) -> None:
    """Write down a whole number, within a transaction of the caller's."""
    put(database, _MEMO + name, str(value))
