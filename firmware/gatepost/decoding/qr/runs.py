"""Cross-sections of finder patterns: dark, light, dark, light, dark runs of 1:1:3:1:1."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Reals


_MOST_EDGES = 250_000  # beyond it, lines are skipped: noise has one every other pixel
_LEAST_MODULE = 1.4  # pixels
_RATIOS = np.array([1, 1, 3, 1, 1], np.float32)
_SLACK = np.array([0.55, 0.55, 0.9, 0.55, 0.55], np.float32)  # by so many modules each may be off


class Hits(NamedTuple):
    """Cross-sections that may be those of finder patterns.

    Attributes:
        line: intp[k], the rows (or columns) that they are on.
        at: float32[k], where on the line their middle is, pixels.
        module: float32[k], a seventh of their length, pixels.
    """

    line: npt.NDArray[np.intp]
    at: Reals
    module: Reals

    def within(self, begin: float, end: float, line: float, line_end: float) -> Hits:
        """Those in a box."""
        inside = (self.at >= begin) & (self.at < end) & (self.line >= line) & (self.line < line_end)
        return Hits(self.line[inside], self.at[inside], self.module[inside])


def hits_of(above: npt.NDArray[np.int16]) -> Hits:
    """The cross-sections along the rows of `above`.

    Args:
        above: C-contiguous int16[H,W], below 0 where it is dark.
    """
    height, width = above.shape
    dark = above < 0
    dark[:, [0, -1]] = False  # so that edges of a row come in pairs
    change = dark[:, 1:] != dark[:, :-1]
    step = 1 + int(np.count_nonzero(change)) // _MOST_EDGES
    if step > 1:
        change[np.arange(height) % step != 0] = False
    edges = np.flatnonzero(change.ravel())
    first, line = _likely(edges, width - 1)
    return _matching(
        above, line, edges[first[:, None] + np.arange(6)] - (line * (width - 1))[:, None]
    )


def _likely(
    edges: npt.NDArray[np.intp], width: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first edges of what fits by whole pixels, and their lines.

    Edges come in pairs, dark from each even one on: three dark runs are six edges.
    """
    runs = np.diff(edges).astype(np.int32)
    first = np.arange(0, max(len(edges) - 5, 0), 2)
    core = runs[2::2][: len(first)]
    rings = runs[0::2][: len(first)], runs[4::2][: len(first)]
    fits = (core > 2) & (rings[0] < core) & (rings[1] < core)
    first = first[fits]
    span = edges[first + 5] - edges[first]
    fits = (span > 7 * _LEAST_MODULE) & (np.abs(7 * runs[first + 2] - 3 * span) < 0.9 * span + 7)
    first, span = first[fits], span[fits]
    for place in (1, 3):
        fits = np.abs(7 * runs[first + place] - span) < 0.55 * span + 7
        first, span = first[fits], span[fits]
    line = edges[first] // width
    fits = edges[first + 5] // width == line
    return first[fits], line[fits]


def _matching(
    above: npt.NDArray[np.int16], line: npt.NDArray[np.intp], before: npt.NDArray[np.intp]
) -> Hits:
    """What fits of the candidates with the edges `before`, intp[k,6]: the pixels before them."""
    at = _sharply(above, line[:, None], before)
    module = (at[:, 5] - at[:, 0]) / np.float32(7)
    off = np.abs(np.diff(at, axis=1) / module[:, None] - _RATIOS)
    fits = (module > _LEAST_MODULE) & (off < _SLACK).all(axis=1)
    at, module = at[fits], module[fits]
    return Hits(line[fits], np.asarray((at[:, 2] + at[:, 3]) / 2, np.float32), module)


def _sharply(
    above: npt.NDArray[np.int16], line: npt.NDArray[np.intp], before: npt.NDArray[np.intp]
) -> Reals:
    """Where between two pixels the line crosses 0, pixels."""
    here = above[line, before].astype(np.float32)
    gap = here - above[line, before + 1]
    share = np.where(np.abs(gap) > 0.5, here / np.where(gap == 0, 1, gap), np.float32(0.5))
    return np.asarray(before + np.clip(share, 0, 1), np.float32)
