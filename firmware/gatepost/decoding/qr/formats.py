"""Format information: the level and the data mask of a symbol, by soft correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.qr.grid import Grid
    from gatepost.decoding.qr.tables import Level

GENERATOR = 0x537  # clause 7.9.1: BCH (15, 5)
XOR_MASK = 0x5412
_LEVELS: tuple[Level, ...] = ("M", "L", "H", "Q")  # by the two bits that stand for them


class Format(NamedTuple):
    """What the format information says."""

    level: Level
    mask: int


def bits_of(form: Format) -> npt.NDArray[np.bool_]:
    """The 15 modules that say so, most significant first, True: dark (clause 7.9)."""
    bits: npt.NDArray[np.bool_] = _BITS[_LEVELS.index(form.level) << 3 | form.mask]
    return bits


def candidates(soft: npt.NDArray[np.float32], grid: Grid, most: int, apart: float) -> list[Format]:
    """The most likely formats, the best first; none where nothing is known of any module.

    Args:
        soft: float32[n * n], -1 surely light to +1 surely dark.
        grid: of the symbol's version.
        most: how many at most.
        apart: those whose correlation (-1 to 1) is lower than the best by more are left out.
    """
    modules = soft[grid.formats].sum(axis=0)
    weight = float(np.abs(soft[grid.formats]).sum())
    if weight == 0:
        return []
    correlations = (_SIGNS @ modules) / weight
    order = np.argsort(-correlations, kind="stable")[:most]
    least = max(0.0, float(correlations[order[0]]) - apart)
    return [
        Format(_LEVELS[number >> 3], int(number & 7))
        for number in order
        if correlations[number] >= least
    ]


def _words() -> npt.NDArray[np.bool_]:
    words = []
    for data in range(32):
        rest = data
        for _ in range(10):
            rest = (rest << 1) ^ ((rest >> 9) * GENERATOR)
        words.append((data << 10 | rest) ^ XOR_MASK)
    return (np.array(words)[:, None] >> np.arange(14, -1, -1) & 1).astype(np.bool_)


_BITS = _words()
_BITS.setflags(write=False)
_SIGNS = np.where(_BITS, 1, -1).astype(np.float32)
