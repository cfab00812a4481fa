"""Where everything stands in a symbol of a version: patterns, codewords, masks, format."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gatepost.decoding.qr.tables import (
    Level,
    alignment_centres,
    blocks,
    codewords,
    side,
)

if TYPE_CHECKING:
    import numpy.typing as npt

VERSION_GENERATOR = 0x1F25  # Annex D: BCH (18, 6)


@dataclass(frozen=True, slots=True)
class Grid:
    """The geometry of a version (ISO/IEC 18004:2015, clauses 5.3 and 7.7). Arrays are read-only.

    Positions are flat: row * n + column.

    Attributes:
        version: 1 to 40.
        n: modules a side.
        known: int8[n, n], +1 where a function pattern or the version information is dark, -1 where
            it is light, 0 elsewhere: in the format information and the encoding region.
        patterns: intp[k], where `known` is not 0.
        data: intp[m], the modules of the codewords, most significant bit first, in the order of
            placement, and after them the remainder bits.
        masks: bool[8, m], where each data mask turns these modules over.
        formats: intp[2, 15], the two copies of the format information, most significant bit first.
    """

    version: int
    n: int
    known: npt.NDArray[np.int8]
    patterns: npt.NDArray[np.intp]
    data: npt.NDArray[np.intp]
    masks: npt.NDArray[np.bool_]
    formats: npt.NDArray[np.intp]


@lru_cache(maxsize=40)
def grid_of(version: int) -> Grid:
    """The grid of a version, 1 to 40."""
    n = side(version)
    known = _known(version)
    formats = _formats(n)
    reserved = known != 0
    reserved.flat[formats] = True
    data = _placement(reserved)
    return Grid(
        version=version,
        n=n,
        known=_frozen(known),
        patterns=_frozen(np.flatnonzero(known)),
        data=_frozen(data),
        masks=_frozen(_masks(data // n, data % n)),
        formats=_frozen(formats),
    )


@lru_cache(maxsize=160)
def layout_of(version: int, level: Level) -> npt.NDArray[np.intp]:
    """Which codeword, as placed, stands where in its block (clause 7.6): intp[blocks, length].

    `length` is that of a long block. A short one begins with the index one past the last
    codeword: put a 0 there, which changes nothing in a Reed-Solomon block.
    """
    cut = blocks(version, level)
    longer = cut.number - cut.short_count
    data = cut.short - cut.ec
    width = cut.short + (longer > 0)
    layout = np.full((cut.number, width), codewords(version), np.intp)
    placed = np.arange(data * cut.number).reshape(data, cut.number).T
    layout[: cut.short_count, width - cut.short : width - cut.ec] = placed[: cut.short_count]
    layout[cut.short_count :, :data] = placed[cut.short_count :]
    layout[cut.short_count :, data : width - cut.ec] = placed.size + np.arange(longer)[:, None]
    first_ec = placed.size + longer
    layout[:, width - cut.ec :] = np.arange(first_ec, codewords(version)).reshape(-1, cut.number).T
    return _frozen(layout)


def _known(version: int) -> npt.NDArray[np.int8]:
    n = side(version)
    known = np.zeros((n, n), np.int8)
    timing = np.where(np.arange(n) % 2 == 0, 1, -1)
    known[6, :] = known[:, 6] = timing
    _align(known, alignment_centres(version))
    finder = _rings(4)  # seven modules and the separator around them
    known[:8, :8] = finder[1:, 1:]
    known[:8, n - 8 :] = finder[1:, :-1]
    known[n - 8 :, :8] = finder[:-1, 1:]
    known[n - 8, 8] = 1  # the dark module
    if version >= 7:
        bits = _version_bits(version).reshape(6, 3)
        known[:6, n - 11 : n - 8] = bits
        known[n - 11 : n - 8, :6] = bits.T
    return known


def _align(known: npt.NDArray[np.int8], centres: tuple[int, ...]) -> None:
    last = known.shape[0] - 7
    for row in centres:
        for column in centres:
            if (row, column) not in {(6, 6), (6, last), (last, 6)}:
                known[row - 2 : row + 3, column - 2 : column + 3] = _rings(2)


def _rings(radius: int) -> npt.NDArray[np.int8]:
    """Squares around a dark centre; of the rings, the 1st in alignments, the 2nd, 4th are light."""
    steps = np.abs(np.arange(-radius, radius + 1))
    ring = np.maximum(steps[:, None], steps[None, :])
    light = ring == 1 if radius == 2 else (ring == 2) | (ring == 4)
    return np.where(light, -1, 1).astype(np.int8)


def _version_bits(version: int) -> npt.NDArray[np.int8]:
    """The 18 bits as +1 and -1, least significant first."""
    rest = version
    for _ in range(12):
        rest = (rest << 1) ^ ((rest >> 11) * VERSION_GENERATOR)
    word = version << 12 | rest
    return np.array([1 if word >> bit & 1 else -1 for bit in range(18)], np.int8)


def _formats(n: int) -> npt.NDArray[np.intp]:
    """Figure 25: bits 14 down to 0 around the upper left finder, and split over the two others."""
    column = [0, 1, 2, 3, 4, 5, 7, 8]
    first = [8 * n + x for x in column] + [y * n + 8 for y in (7, 5, 4, 3, 2, 1, 0)]
    second = [y * n + 8 for y in range(n - 1, n - 8, -1)] + [8 * n + x for x in range(n - 8, n)]
    return np.array([first, second], np.intp)


def _placement(reserved: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Clause 7.7.3: pairs of columns from the right, up and down in turns, past column 6."""
    n = reserved.shape[0]
    rows = np.arange(n)
    parts = []
    for turn, right in enumerate([*range(n - 1, 6, -2), 5, 3, 1]):
        way = rows[::-1] if turn % 2 == 0 else rows
        parts.append((way[:, None] * n + np.array([right, right - 1])).ravel())
    order = np.concatenate(parts)
    free: npt.NDArray[np.intp] = order[~reserved.ravel()[order]]
    return free


def _masks(i: npt.NDArray[np.intp], j: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Table 10, for modules in row i and column j."""
    both = i * j
    return np.stack(
        [
            (i + j) % 2 == 0,
            i % 2 == 0,
            j % 3 == 0,
            (i + j) % 3 == 0,
            (i // 2 + j // 3) % 2 == 0,
            both % 2 + both % 3 == 0,
            (both % 2 + both % 3) % 2 == 0,
            ((i + j) % 2 + both % 3) % 2 == 0,
        ]
    )


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.setflags(write=False)
    return array
