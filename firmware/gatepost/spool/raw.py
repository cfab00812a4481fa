"""The bodies in the raw pages of a database and its WAL, whatever state these are in.

Read without SQLite, which needs a sound header, tables and checksums. A body is found by the
head of its record (sqlite.org/fileformat2.html, "Record Format"), which says how long it is, or
by its own form: a flat JSON object. That it is one of ours its hash chain must prove.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from gatepost.spool.paging import page_bytes
from gatepost.wire import MOST_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

WAL_HEAD, FRAME_HEAD = 32, 24
DATABASE, WAL = 0, 1
_START = b'{"'
_PAIR = rb'"[ !#-~]+":(?:"(?:[^"\\\x00-\x1f]|\\.)*+"|-?[0-9]+)'
_FLAT = re.compile(rb"\{" + _PAIR + rb"(?:," + _PAIR + rb")*+\}")
# In the order in which they stand, as keys are sorted.
_LINKS = (
    (b'"epoch":"', re.compile(rb'"epoch":"([0-9a-f]{32})"')),
    (b'"previous":"', re.compile(rb'"previous":"([0-9a-f]{64})"')),
    (b'"sequence":', re.compile(rb'"sequence":([0-9]{1,15}),')),
)
_SHORT = 16  # bytes of a hash that tell bodies apart


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a body begins: in which file, at which offset; and its length, bytes.

    `order`: where its further pages are looked for first, of one that is longer than a page.
    """

    file: int
    offset: int
    length: int
    order: int


@dataclass(frozen=True, slots=True)
class Found:
    """A body as it was found. `pages`: file and offset of each page that it was read from."""

    spot: Spot
    body: bytes
    epoch: str
    sequence: int
    previous: str
    pages: tuple[tuple[int, int], ...]

    @property
    def hash(self) -> str:
        """SHA-256 of the body, hex."""
        return hashlib.sha256(self.body).hexdigest()


class Raw:
    """The files of a spool, between `with` and its end. Unreadable parts count as zeros.

    Of a spool's files, `page` is what a page takes, bytes, and `frame` what it takes in the WAL.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (path, path.with_name(path.name + "-wal"))
        self._files: list[int | None] = []
        self._frames: dict[int, int] | None = None
        self._ended = ExitStack()

    def __enter__(self) -> Self:
        """Open what there is. Raises OSError."""
        for each in self._paths:
            if each.is_file():
                file = os.open(each, os.O_RDONLY)
                self._ended.callback(os.close, file)
                self._files.append(file)
            else:
                self._files.append(None)
        self.page = page_bytes(
            partial(self.read, DATABASE), partial(self.read, WAL), self.size(DATABASE)
        )
        self.frame = FRAME_HEAD + self.page
        self._local = self.page - 35  # of a table's leaf
        self._least_local = (self.page - 12) * 32 // 255 - 23
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.close()

    def size(self, file: int) -> int:
        """Bytes of one of the files, 0 where there is none."""
        opened = self._files[file]
        return os.fstat(opened).st_size if opened is not None else 0

    def pages(self, file: int) -> Iterator[tuple[int, bytes]]:
        """Each page with its offset; the last may be shorter."""
        offset, step = (WAL_HEAD, self.frame) if file == WAL else (0, self.page)
        size = self.size(file)
        while offset < size:
            if file == WAL:
                yield offset + FRAME_HEAD, self.read(file, offset + FRAME_HEAD, self.page)
            else:
                yield offset, self.read(file, offset, self.page)
            offset += step

    def read(self, file: int, offset: int, length: int) -> bytes:
        """Bytes of one of the files; fewer at its end, zeros for a bad sector. Raises OSError."""
        opened = self._files[file]
        if opened is None:
            return b""
        try:
            return os.pread(opened, length, offset)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return bytes(length)

    def bodies(self, file: int) -> Iterator[Found]:
        """Every body that is found in one of the files, stale ones and repetitions among them."""
        for offset, page in self.pages(file):
            at = 0
            while (start := page.find(_START, at)) >= 0:
                at = start + len(_START)
                for found in self._at(file, offset, page, start):
                    if not found.spot.order:  # of a longer one, others follow its beginning
                        at = start + len(found.body)
                    yield found

    def body(self, spot: Spot) -> bytes:
        """A body again, by where it was found."""
        if not spot.order:
            return self.read(spot.file, spot.offset, spot.length)
        at = self._page_of(spot.file, spot.offset)
        page = self.read(spot.file, at, self.page)
        return self._long(page, spot.offset - at, spot.length, spot.order)[0]

    def _at(self, file: int, offset: int, page: bytes, at: int) -> Iterator[Found]:
        length = _length(page, at)
        own = (file, offset)
        if length and at + length <= len(page):
            body = page[at : at + length]
            if found := _found(Spot(file, offset + at, length, 0), body, (own,)):
                yield found
                return
        elif length and len(page) == self.page:
            seen: set[bytes] = set()
            for order in (1, 2):
                body, others = self._long(page, at, length, order)
                spot = Spot(file, offset + at, length, order)
                if body not in seen and (found := _found(spot, body, (own, *others))):
                    seen.add(body)
                    yield found
            return
        if flat := _FLAT.match(page, at):
            spot = Spot(file, offset + at, len(flat[0]), 0)
            if found := _found(spot, flat[0], (own,)):
                yield found

    def _long(
        self, page: bytes, at: int, length: int, order: int
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """A body that goes on in other pages ("Cell Payload Overflow Pages")."""
        head = 4 if length * 2 + 12 < 1 << 14 else 5
        total = head + length
        local = self._least_local + (total - self._least_local) % (self.page - 4)
        end = at - head + (local if local <= self._local else self._least_local)
        body, pages = bytearray(page[at:end]), []
        number = int.from_bytes(page[end : end + 4], "big")
        while len(body) < length and number:
            place, more = self._numbered(number, order)
            if place is None:
                break
            pages.append(place)
            body += more[4:]
            number = int.from_bytes(more[:4], "big")
        return bytes(body[:length]), pages

    def _numbered(self, number: int, order: int) -> tuple[tuple[int, int] | None, bytes]:
        """A page by its number: the WAL's newest, or the database's; `order` says which first."""
        if self._frames is None:
            self._frames = self._numbers()
        places = []
        if number in self._frames:
            places.append((WAL, self._frames[number]))
        places.append((DATABASE, (number - 1) * self.page))
        for place in places if order == 1 else places[::-1]:
            page = self.read(*place, self.page)
            if len(page) == self.page:
                return place, page
        return None, b""

    def _numbers(self) -> dict[int, int]:
        """Where the newest frame of each page is, by what the frames say."""
        found = {}
        for offset in range(WAL_HEAD, self.size(WAL) - self.frame + 1, self.frame):
            number = int.from_bytes(self.read(WAL, offset, 4), "big")
            found[number] = offset + FRAME_HEAD
        return found

    def _page_of(self, file: int, offset: int) -> int:
        """The offset of the page in which `offset` lies."""
        if file == DATABASE:
            return offset - offset % self.page
        inner = (offset - WAL_HEAD) % self.frame
        return offset - inner + FRAME_HEAD


def _length(page: bytes, at: int) -> int:
    """How long the record's head before `at` says that the body is; 0 where there is none.

    It is: its own length, the type of the rowid (0), the type of a blob (12 + twice its length).
    """
    for size in (2, 3):
        head = page[at - size - 2 : at] if at >= size + 2 else b""
        if len(head) == size + 2 and head[0] == size + 2 and head[1] == 0:
            kind = 0
            for each in head[2:]:
                kind = kind << 7 | each & 0x7F
            if all(each & 0x80 for each in head[2:-1]) and not head[-1] & 0x80:
                length = (kind - 12) // 2
                return length if kind % 2 == 0 and 2 < length <= MOST_PAYLOAD else 0
    return 0


def _found(spot: Spot, body: bytes, pages: tuple[tuple[int, int], ...]) -> Found | None:
    if len(body) != spot.length or not body.endswith(b"}"):
        return None
    links: list[str] = []
    at = 0
    for key, pattern in _LINKS:
        at = body.find(key, at)
        match = pattern.match(body, at) if at >= 0 else None
        if match is None:
            return None
        links.append(match[1].decode())
    return Found(spot, body, links[0], int(links[2]), links[1], pages)


_ENTRY = struct.Struct(">Q16s16sBBQI")


def packed(found: Found) -> bytes:
    """What must be remembered of a body, so short that a million of them fit a small RAM.

    It sorts by the sequence, then by the hash.
    """
    spot = found.spot
    own = bytes.fromhex(found.hash)[:_SHORT]
    previous = bytes.fromhex(found.previous)[:_SHORT]
    place = (spot.file, spot.order, spot.offset, spot.length)
    return _ENTRY.pack(found.sequence, own, previous, *place)


def sequence_of(entry: bytes) -> int:
    """The sequence of a packed body."""
    return int.from_bytes(entry[:8], "big")


@dataclass(frozen=True, slots=True)
class Entry:
    """What `packed` remembers; `own` and `previous`: the beginnings of the hashes."""

    sequence: int
    own: bytes
    previous: bytes
    spot: Spot

    @classmethod
    def of(cls, entry: bytes) -> Entry:
        sequence, own, previous, file, order, offset, length = _ENTRY.unpack(entry)
        return cls(sequence, own, previous, Spot(file, offset, length, order))
