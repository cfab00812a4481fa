"""How long a spool's pages are, told by its raw files, whatever state these are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.spool.database import FORMER_PAGE, PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes]

# sqlite.org/fileformat2.html, "The Database Header" and "WAL Header"
_DATABASE, _DATABASE_SIZE, _LARGEST = b"SQLite format 3\0", slice(16, 18), 65536
_WALS, _WAL_SIZE = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"), slice(8, 12)
_LEAF, _FIRST, _LAST = 0x0D, 0x20, 0x7E  # of a table; of printable ASCII, as bodies are
_LOOKS = 4096


def page_bytes(database: Read, wal: Read, size: int) -> int:
    """The page size, bytes: as the headers say; where both are gone, as the pages look.

    Both take an offset and a length, and return fewer bytes at the end; `size`: the database's.
    A wrong answer costs what could have been read out, never an event that was kept.
    """
    head = database(0, _DATABASE_SIZE.stop)
    if head.startswith(_DATABASE):
        told = int.from_bytes(head[_DATABASE_SIZE], "big")
        if _possible(told := _LARGEST if told == 1 else told):
            return told
    head = wal(0, _WAL_SIZE.stop)
    if head.startswith(_WALS) and _possible(told := int.from_bytes(head[_WAL_SIZE], "big")):
        return told
    return _guessed(database, size)


def _possible(size: int) -> bool:
    return 512 <= size <= _LARGEST and size & (size - 1) == 0


def _guessed(database: Read, size: int) -> int:
    """Gatepost made files of two sizes; halfway in a former page there is mostly a body."""
    leaves = bodies = 0
    for offset in range(PAGE, min(size, _LOOKS * FORMER_PAGE), FORMER_PAGE):
        for byte in database(offset, 1):
            leaves += byte == _LEAF
            bodies += _FIRST <= byte <= _LAST
    return FORMER_PAGE if bodies > leaves else PAGE
