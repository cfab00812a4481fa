"""What ISO/IEC 18004:2015 tabulates for model 2, versions 1 to 40: sizes, blocks, centres."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

Level = Literal["L", "M", "Q", "H"]
LEVELS: tuple[Level, ...] = ("L", "M", "Q", "H")

# Table 9, versions 1 to 40: error correction codewords of each block, and how many blocks.
_EC = {
    "L": "7 10 15 20 26 18 20 24 30 18 20 24 26 30 22 24 28 30 28 28 28 28 30 30 26 28"
    + " 30" * 14,
    "M": "10 16 26 18 24 16 18 22 22 26 30 22 22 24 24 28 28 26 26 26 26" + " 28" * 19,
    "Q": "13 22 18 26 18 24 18 22 20 24 28 26 24 20 30 24 28 28 26 30 28 30 30 30 30 28"
    + " 30" * 14,
    "H": "17 28 22 16 22 28 26 26 24 28 24 28 22 24 24 30 28 28 26 28 30 24" + " 30" * 18,
}
_BLOCKS = {
    "L": "1 1 1 1 1 2 2 2 2 4 4 4 4 4 6 6 6 6 7 8 8 9 9 10 12 12 12 13 14 15 16 17 18 19 19 20 "
    "21 22 24 25",
    "M": "1 1 1 2 2 4 4 4 5 5 5 8 9 9 10 10 11 13 14 16 17 17 18 20 21 23 25 26 28 29 31 33 35 37 "
    "38 40 43 45 47 49",
    "Q": "1 1 2 2 4 4 6 6 8 8 8 10 12 16 12 17 16 18 21 20 23 23 25 27 29 34 34 35 38 40 43 45 48 "
    "51 53 56 59 62 65 68",
    "H": "1 1 2 4 4 4 5 6 8 8 11 11 16 16 18 16 19 21 25 25 25 34 30 32 35 37 40 42 45 48 51 54 "
    "57 60 63 66 70 74 77 81",
}
# Table 9, note b: codewords that are not to be spent on correction, against misdecoding.
_PROTECTION = {
    (1, "L"): 3,
    (1, "M"): 2,
    (1, "Q"): 1,
    (1, "H"): 1,
    (2, "L"): 2,
    (3, "L"): 1,
}


class Blocks(NamedTuple):
    """How the codewords of a symbol are divided into Reed-Solomon blocks.

    Attributes:
        number: of blocks.
        ec: error correction codewords of each.
        short: codewords of a short block, data and error correction; a long one has one more.
        short_count: how many of the blocks are short; they come first.
        protection: of `ec`, those that ISO keeps against misdecoding.
    """

    number: int
    ec: int
    short: int
    short_count: int
    protection: int


def side(version: int) -> int:
    """Modules a side of a version, 1 to 40."""
    return 17 + 4 * version


def version_of(modules: int) -> int | None:
    """The version with so many modules a side; None where there is none."""
    version, rest = divmod(modules - 17, 4)
    return version if rest == 0 and 1 <= version <= 40 else None


def alignment_centres(version: int) -> tuple[int, ...]:
    """Rows, and columns, of the alignment patterns' centres (Annex E); none in version 1."""
    if version == 1:
        return ()
    count = version // 7 + 2
    step = (8 * version + 3 * count + 5) // (4 * count - 4) * 2
    last = side(version) - 7
    return (6, *(last - step * back for back in range(count - 2, -1, -1)))


def codewords(version: int) -> int:
    """Codewords of a version, data and error correction together (Table 1)."""
    modules = (16 * version + 128) * version + 64
    if version >= 2:
        count = version // 7 + 2
        modules -= (25 * count - 10) * count - 55
    if version >= 7:
        modules -= 36
    return modules // 8


@lru_cache(maxsize=160)
def blocks(version: int, level: Level) -> Blocks:
    """The blocks of a version, 1 to 40, and a level (Table 9)."""
    count = int(_BLOCKS[level].split()[version - 1])
    short, longer = divmod(codewords(version), count)
    ec = int(_EC[level].split()[version - 1])
    return Blocks(count, ec, short, count - longer, _PROTECTION.get((version, level), 0))
