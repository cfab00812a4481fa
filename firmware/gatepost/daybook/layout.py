"""The bytes of a daybook: a header, then a record an entry, each with a CRC-32. Big-endian.

    header  magic 6, version 2, day 4 (0: unknown), boot id 32, aged us 8, seen us 8, inside 4,
            key 32, CRC 4
    record  pseudonym 16, direction 1, known way 1, nothing 2, inside from now on 4,
            boot time us 8 (all ones: in an earlier boot), CRC 4 (goes on from the header's)

As a record's CRC goes on from its header's, none of another day can pass for one of this.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from zlib import crc32

from gatepost.gate.memory import LONG_AGO, MOST_REMEMBERED, UNNAMED, Entry, Memory, Passage
from gatepost.model import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"gp-day"
_VERSION = 1
_HEADER = struct.Struct(">6sHi32sQQI32s")
_RECORD = struct.Struct(">16sBBxxIQ")
_CRC = struct.Struct(">I")
_WAYS = (Direction.NONE, Direction.IN, Direction.OUT)
_MICRO = 1_000_000
_LONG_AGO = 2**64 - 1
_MOST_US = 2**53 - 1  # as in the wire contract; beyond these two nothing fits into the file
_MOST_INSIDE = 2**31
HEADER_BYTES = _HEADER.size + _CRC.size
RECORD_BYTES = _RECORD.size + _CRC.size


class Damaged(ValueError):
    """Not a daybook, or not any more. Raised within `daybook` alone."""


def header(memory: Memory) -> bytes:
    """The header for a memory as it is."""
    fields = _HEADER.pack(
        _MAGIC,
        _VERSION,
        memory.day or 0,
        memory.boot_id.encode("ascii", "replace"),
        memory.aged_us,
        memory.seen_us,
        memory.inside,
        memory.key,
    )
    return fields + _CRC.pack(crc32(fields))


def record(entry: Entry, head: bytes) -> bytes:
    """The record for an entry under the header `head`."""
    passage = entry.passage
    at = _LONG_AGO if passage.at == LONG_AGO else max(0, round(passage.at * _MICRO))
    ways = _WAYS.index(passage.shown), _WAYS.index(passage.way)
    fields = _RECORD.pack(entry.whom, *ways, entry.inside, at)
    return fields + _CRC.pack(crc32(fields, _seed(head)))


def whole(memory: Memory) -> bytes:
    """A file that says all of a memory and nothing that it has forgotten."""
    head = header(memory)
    entries = (Entry(whom, last, memory.inside) for whom, last in memory.passages.items())
    return b"".join([head, *(record(entry, head) for entry in entries)])


def key_of(head: bytes) -> bytes:
    """The key in what may be a header, whole or not."""
    return head[_HEADER.size - 32 : _HEADER.size]


def read(content: bytes) -> tuple[Memory, str]:
    """A memory and what of the file was left out, "" for nothing. Raises Damaged."""
    memory = _memory(content)
    records = memoryview(content)[HEADER_BYTES:]
    torn, bad, newest = len(records) % RECORD_BYTES, 0, memory.seen_us
    for entry, at in _entries(records[: len(records) - torn], _seed(content[:HEADER_BYTES])):
        if entry is None:
            bad += 1
            continue
        newest = newest if at == _LONG_AGO else max(newest, at)
        memory.inside = entry.inside
        memory.passages.pop(entry.whom, None)
        if entry.whom != UNNAMED:
            memory.passages[entry.whom] = entry.passage
        if len(memory.passages) > MOST_REMEMBERED:
            del memory.passages[next(iter(memory.passages))]
    memory.aged_us += newest - memory.seen_us
    memory.seen_us = newest
    told = ([f"{bad} records"] if bad else []) + ([f"{torn} bytes at its end"] if torn else [])
    return memory, ", ".join(told)


def _memory(content: bytes) -> Memory:
    head = content[:HEADER_BYTES]
    if len(head) < HEADER_BYTES or not head.startswith(_MAGIC):
        raise Damaged("no whole header")
    if crc32(head[: _HEADER.size]) != _seed(head):
        raise Damaged("a header that is wrong")
    _, version, day, boot_id, aged_us, seen_us, inside, key = _HEADER.unpack(head[: _HEADER.size])
    if version != _VERSION:
        raise Damaged(f"of another version: {version}")
    if max(aged_us, seen_us) > _MOST_US or inside > _MOST_INSIDE:
        raise Damaged("a header of numbers that cannot be")
    boot = boot_id.rstrip(b"\x00").decode("ascii", "replace")
    return Memory(key, day or None, boot, aged_us, seen_us, inside)


def _entries(records: memoryview, seed: int) -> Iterator[tuple[Entry | None, int]]:
    """Each record with its time in microseconds; None for one that is not whole."""
    for place in range(0, len(records), RECORD_BYTES):
        fields = records[place : place + _RECORD.size]
        (crc,) = _CRC.unpack(records[place + _RECORD.size : place + RECORD_BYTES])
        whom, shown, way, inside, at = _RECORD.unpack(fields)
        possible = max(shown, way) < len(_WAYS) and inside <= _MOST_INSIDE
        if crc32(fields, seed) != crc or not (possible and (at <= _MOST_US or at == _LONG_AGO)):
            yield None, 0
            continue
        passage = Passage(_WAYS[shown], _WAYS[way], LONG_AGO if at == _LONG_AGO else at / _MICRO)
        yield Entry(whom, passage, inside), at


def _seed(head: bytes) -> int:
    (crc,) = _CRC.unpack(head[_HEADER.size : HEADER_BYTES])
    return int(crc)
