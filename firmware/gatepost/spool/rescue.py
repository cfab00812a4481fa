"""Events in the WAL that SQLite does not see any more, because a frame before them is broken.

SQLite stops at the first frame of a WAL whose checksum does not hold, and says nothing: after a
power cut that is the torn end, where nothing was promised. Where a card lost a bit it is not: what
comes after was flushed, its visitors saw green, and the chain would go on from an older event.
So before anything is written, the frames after it are read by hand.
"""

from __future__ import annotations

import re
import struct
import sys
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.spool.raw import FRAME_HEAD, WAL, WAL_HEAD, Found, Raw
from gatepost.spool.sound import sound

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.spool.chain import Head

_SEQUENCE = re.compile(rb'"sequence":([0-9]{1,15}),')
_LITTLE, _BIG = 0x377F0682, 0x377F0683


def beyond(path: Path, head: Head) -> list[bytes]:
    """The bodies that follow `head` in the WAL, proved by the chain; mostly there are none.

    The last of them nothing follows: it counts when its frame is whole (a torn one may be made
    of two events). Raises SpoolDamaged when an event in between is lost; OSError.
    """
    with Raw(path) as raw:
        if not _any(raw, head.sequence):
            return []
        found: dict[int, list[Found]] = {}
        for each in raw.bodies(WAL):
            if each.epoch == head.epoch and each.sequence > head.sequence:
                found.setdefault(each.sequence, []).append(each)
        chain = _linked(found, head)
        sure = {
            sequence
            for sequence, several in found.items()
            if any(sound(each.body) and _whole(raw, each) for each in several)
        }
        while chain and head.sequence + len(chain) not in sure:
            chain.pop()
        lost = head.sequence + len(chain) + 1
        if any(sequence >= lost for sequence in sure):
            raise SpoolDamaged(f"{path}: event {lost} is lost, a later one is in the WAL")
        return [each.body for each in chain]


def _any(raw: Raw, newest: int) -> bool:
    return any(
        int(match[1]) > newest for _, page in raw.pages(WAL) for match in _SEQUENCE.finditer(page)
    )


def _linked(found: dict[int, list[Found]], head: Head) -> list[Found]:
    """The chain from `head` on, as far as it goes."""
    chain: list[Found] = []
    previous, sequence = head.hash, head.sequence + 1
    while fitting := [each for each in found.get(sequence, ()) if each.previous == previous]:
        named = {each.previous for each in found.get(sequence + 1, ())}
        chain.append(next((each for each in fitting if each.hash in named), fitting[0]))
        previous, sequence = chain[-1].hash, sequence + 1
    return chain


def _whole(raw: Raw, found: Found) -> bool:
    """Whether every frame that it was read from is as it was written."""
    return all(
        file == WAL and (offset - FRAME_HEAD - WAL_HEAD) % raw.frame == 0 and _holds(raw, offset)
        for file, offset in found.pages
    )


def _holds(raw: Raw, offset: int) -> bool:
    """Whether a frame's checksum holds on the one that the frame before it names.

    sqlite.org/fileformat2.html, "Checksum Algorithm": whether that one holds is not asked.
    """
    frame = offset - FRAME_HEAD
    before = 24 if frame == WAL_HEAD else frame - raw.frame + 16
    seed, own = raw.read(WAL, before, 8), raw.read(WAL, frame + 16, 8)
    data = raw.read(WAL, frame, 8) + raw.read(WAL, offset, raw.page)
    if len(seed) + len(own) + len(data) != 16 + 8 + raw.page:
        return False
    one, two = struct.unpack(">2I", seed)
    return _checksum(data, one, two, _order(raw)) == struct.unpack(">2I", own)


def _order(raw: Raw) -> str:
    """The byte order of the WAL's words, by its magic number; where that is gone, ours."""
    magic = int.from_bytes(raw.read(WAL, 0, 4), "big")
    known = {_LITTLE: "<", _BIG: ">"}
    return known.get(magic, "<" if sys.byteorder == "little" else ">")


def _checksum(data: bytes, one: int, two: int, order: str) -> tuple[int, int]:
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two
