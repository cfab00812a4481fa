r"""Bundles: events of one epoch in a file, to be carried from one station to another.

UTF-8 text, one JSON value a line, each line ended by "\n" (JSON Lines). Header and trailer are
ASCII; the bodies are what was hashed, RFC 8785, byte for byte:

    {"type": "gatepost-export", "version": 1, "source": ..., "site": ..., "epoch": ...,
     "first": ..., "last": ..., "count": ..., "hash": ..., "made_us": ...}
    one body a line, by rising sequence; any may lack
    {"checkpoint": "eyJ..." or "", "certificates": ["-----BEGIN CERTIFICATE-----...", ...]}

`hash` is the SHA-256 (hex) of all lines of bodies, their ends included; `made_us` the wall clock
as it stood. `checkpoint` is a JWS as on the topic `checkpoint`, made for the bundle by the key of
`source`, over the newest event of the epoch; where it is not empty that event is the last line,
so that the chain leads to it. Empty: the key was not at hand, or the spool was damaged.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from gatepost.errors import ContractError, SpoolError, SpoolFull
from gatepost.ranges import RangeSet
from gatepost.spool.chain import Kept
from gatepost.spool.places import flush_folder, room
from gatepost.wire import MOST_PAYLOAD
from gatepost.wire.bodies import HEX32, HEX64, NAME, number_of, object_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

TYPE, VERSION = "gatepost-export", 1
SUFFIX = ".gatepost"
MOST_TRAILER = 256 * 1024
_EXTRA = 512 * 1024  # header, trailer, and what a file system takes for itself
_SEQUENCE = re.compile(rb'"sequence":([0-9]{1,16}),')
_KEYS = {"type", "version", "source", "site", "epoch", "first", "last", "count", "hash", "made_us"}


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a bundle. `hash` "": not known yet."""

    source: str
    site: str
    epoch: str
    first: int
    last: int
    count: int
    made_us: int
    hash: str = "0" * 64

    def line(self) -> bytes:
        """As it stands in the file."""
        told = {"type": TYPE, "version": VERSION}
        told |= {name: getattr(self, name) for name in _NAMES}
        return json.dumps(told).encode("ascii") + b"\n"

    def name(self, *, signed: bool) -> str:
        """A file's name that tells which events these are; any file system takes it."""
        words = [self.source, self.epoch[:8], self.first, self.last, self.hash[:8]]
        return "-".join(map(str, words if signed else [*words, "unsigned"])) + SUFFIX


_NAMES = ("source", "site", "epoch", "first", "last", "count", "hash", "made_us")


def parse_header(line: bytes) -> Header:
    """Raises ContractError."""
    data = object_of(line)
    if data.get("type") != TYPE or data.get("version") != VERSION:
        raise ContractError(f"is no bundle of version {VERSION}")
    if data.keys() != _KEYS:
        raise ContractError(f"its header must hold {', '.join(sorted(_KEYS))} alone")
    header = Header(
        source=text_of(data, "source", NAME),
        site=text_of(data, "site", NAME),
        epoch=text_of(data, "epoch", HEX32),
        first=number_of(data, "first", least=1),
        last=number_of(data, "last", least=1),
        count=number_of(data, "count", least=1),
        made_us=number_of(data, "made_us", least=0),
        hash=text_of(data, "hash", HEX64),
    )
    if not header.count <= header.last - header.first + 1:
        raise ContractError("first, last and count do not fit together")
    return header


@dataclass(frozen=True, slots=True)
class Trailer:
    """The last line of a bundle: a JWS or "", and the certificates of its signer, PEM."""

    checkpoint: str = ""
    certificates: tuple[str, ...] = ()

    def line(self) -> bytes:
        """As it stands in the file."""
        told = {"checkpoint": self.checkpoint, "certificates": list(self.certificates)}
        return json.dumps(told).encode("ascii") + b"\n"


def parse_trailer(line: bytes) -> Trailer:
    """Raises ContractError."""
    data: dict[str, Any] = object_of(line)
    if data.keys() != {"checkpoint", "certificates"}:
        raise ContractError("its last line must hold checkpoint and certificates alone")
    certificates = data["certificates"]
    if not isinstance(certificates, list) or any(type(each) is not str for each in certificates):
        raise ContractError("certificates: must be a list of texts")
    return Trailer(text_of(data, "checkpoint"), tuple(certificates))


def write_bundle(
    folder: Path,
    header: Header,
    events: Iterable[Kept],
    trailer: Trailer,
    size: int,
    spare: int = 0,
    tell: Callable[[int], None] = lambda _done: None,
) -> Path:
    """Write a bundle into `folder`, flushed, under a name that is free; returns its path.

    `size`: how long the bodies are together, bytes; `spare`: what must stay free there. It is
    written beside and renamed when it is whole; one of the same events that is there already
    stays as it is, and is returned. `tell` hears the number of each event written.
    Raises SpoolFull, having written nothing, where there is no room; SpoolError.
    """
    need = size + header.count + _EXTRA
    there = room(folder)
    if there is not None and there - spare < need:
        raise SpoolFull(f"{folder}: needs {_mib(need)} MiB, {_mib(max(0, there - spare))} are free")
    part = folder / f"{header.source}-{header.epoch[:8]}.part"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            digest = _write_lines(file, header, events, trailer, tell)
        whole = folder / _replaced(header, digest).name(signed=bool(trailer.checkpoint))
        if whole.exists():
            part.unlink()
        else:
            part.rename(whole)
        flush_folder(folder)
    except OSError as error:
        part.unlink(missing_ok=True)
        if isinstance(error, SpoolError):
            raise
        raise SpoolError(f"{folder}: cannot be written: {error.strerror}") from error
    return whole


def _write_lines(
    file: BinaryIO,
    header: Header,
    events: Iterable[Kept],
    trailer: Trailer,
    tell: Callable[[int], None],
) -> str:
    """The whole file; its header is written again when the hash of the bodies is known."""
    digest = hashlib.sha256()
    file.write(header.line())
    for number, kept in enumerate(events, 1):
        line = kept.body + b"\n"
        digest.update(line)
        file.write(line)
        tell(number)
    file.write(trailer.line())
    file.seek(0)
    file.write(_replaced(header, digest.hexdigest()).line())
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _replaced(header: Header, digest: str) -> Header:
    told = {name: getattr(header, name) for name in _NAMES}
    return Header(**(told | {"hash": digest}))


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"


class Bundle:
    """A bundle that is read here and there; opened for each reading, in bounded memory."""

    def __init__(self, path: Path) -> None:
        """Read its two ends. Raises ContractError, OSError."""
        self.path = path
        self._absent: RangeSet | None = None
        with path.open("rb") as file:
            self.header = parse_header(file.readline(MOST_PAYLOAD))
            self._begin = file.tell()
            self._end, last = _last_line(file)
        self.trailer = parse_trailer(last)

    def range(self, first: int, last: int) -> Iterator[Kept]:
        """The events from `first` to `last` that are in it, in order. Raises OSError.

        A line that is broken is passed over: it was whole when the bundle was taken.
        """
        with self.path.open("rb") as file:
            file.seek(self._seek(file, first))
            while file.tell() < self._end:
                body = file.readline(MOST_PAYLOAD + 1)
                sequence = _sequence(body)
                if sequence > last:
                    return
                if sequence >= first and body.endswith(b"}\n"):
                    yield Kept(sequence, body[:-1])

    def absent(self) -> RangeSet:
        """What lacks between its first event and its last; read once from end to end."""
        if self._absent is None:
            self._absent = RangeSet()
            header = self.header
            expected = header.first
            holes = header.count < header.last - header.first + 1
            for kept in self.range(header.first, header.last) if holes else ():
                if kept.sequence > expected:
                    self._absent.add(expected, kept.sequence - 1)
                expected = kept.sequence + 1
        return self._absent

    def _seek(self, file: BinaryIO, first: int) -> int:
        """The offset of a line at or before the first one whose sequence is `first` or above."""
        low, high = self._begin, self._end
        while high - low > MOST_PAYLOAD // 4:
            middle = (low + high) // 2
            file.seek(middle)
            file.readline()
            start = file.tell()
            if start >= high:
                high = middle
                continue
            sequence = _sequence(file.readline(MOST_PAYLOAD + 1))
            if 0 < sequence < first:
                low = start
            else:
                high = middle
        return low


def _sequence(line: bytes) -> int:
    match = _SEQUENCE.search(line)
    return int(match[1]) if match else 0


def _last_line(file: BinaryIO) -> tuple[int, bytes]:
    """Where the last line begins, and the line. Raises ContractError."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - MOST_TRAILER)
    file.seek(start)
    tail = file.read(MOST_TRAILER)
    if not tail.endswith(b"\n"):
        raise ContractError("is not whole: its last line has no end")
    at = tail.rfind(b"\n", 0, -1) + 1
    if not at:
        raise ContractError("is not whole: its last line is missing")
    return start + at, tail[at:]
