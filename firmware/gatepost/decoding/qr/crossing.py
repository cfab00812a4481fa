"""Finder patterns: where cross-sections along rows meet such along columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from gatepost.decoding.qr.placing import LEAST_MODULES
from gatepost.decoding.qr.runs import Hits, hits_of, level_of

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Plane, Reals

MOST_PATTERNS = 14  # of one picture
_MOST_HITS = 6000  # a page full of 1:1:3:1:1: noise
_CELL = 2  # pixels a side in which hits are gathered
_AROUND = np.ones((3, 3), np.uint8)
_WIDELY = np.ones((5, 5), np.uint8)  # cells from which the hits of a crossing are taken


class Pattern(NamedTuple):
    """A finder pattern, as far as its two cross-sections tell.

    Attributes:
        x: of its centre, pixels; y: the same.
        across: a module along the row, pixels: up to 1.4 times its size where it is turned.
        down: the same along the column.
        hits: how many rows and columns saw it.
    """

    x: float
    y: float
    across: float
    down: float
    hits: int

    def scaled(self, times: float) -> Pattern:
        """The same in a picture so many times larger."""
        shift = (times - 1) / 2
        return Pattern(
            self.x * times + shift,
            self.y * times + shift,
            self.across * times,
            self.down * times,
            self.hits,
        )


def patterns_in(plane: Plane, half: Plane) -> list[Pattern]:
    """The finder patterns in a picture, those with most hits first.

    Args:
        plane: C-contiguous uint8[H,W], H and W even.
        half: uint8[H/2,W/2], the same picture, half as large.
    """
    if min(plane.shape) < LEAST_MODULES:
        return []
    level = level_of(plane, half)
    rows = hits_of(plane, level)
    columns = hits_of(_transposed(plane), _transposed(level))
    if not len(rows.at) or not len(columns.at) or max(len(rows.at), len(columns.at)) > _MOST_HITS:
        return []
    return _crossings(rows, columns, plane.shape)


def _transposed(plane: Plane) -> Plane:
    return np.asarray(cv2.transpose(plane), np.uint8)  # six times as fast as NumPy's copy


def _crossings(rows: Hits, columns: Hits, shape: tuple[int, int]) -> list[Pattern]:
    """Where hits along rows meet hits along columns of about the same module."""
    row_cells = rows.line // _CELL + 1, (rows.at / _CELL).astype(np.intp) + 1
    column_cells = (columns.at / _CELL).astype(np.intp) + 1, columns.line // _CELL + 1
    cells = np.zeros((2, shape[0] // _CELL + 3, shape[1] // _CELL + 3), np.uint8)
    cells[0][row_cells] = cells[1][column_cells] = 1
    both = cv2.bitwise_and(cv2.dilate(cells[0], _AROUND), cv2.dilate(cells[1], _AROUND))
    count, labels = cv2.connectedComponents(both, connectivity=8, ltype=cv2.CV_16U)
    near = np.asarray(cv2.dilate(labels, _WIDELY), np.uint16)
    across = _gathered(near[row_cells], rows, count)
    down = _gathered(near[column_cells], columns, count)
    hits = np.where((across.hits > 0) & (down.hits > 0), across.hits + down.hits, 0)
    hits[0] = 0  # no crossing
    hits[np.abs(np.log(across.module / down.module)) > np.log(2.0)] = 0
    order = np.argsort(-hits, kind="stable")[:MOST_PATTERNS]
    table = np.stack([across.at, down.at, across.module, down.module, hits], axis=1)
    return [
        Pattern(x, y, wide, high, int(seen))
        for x, y, wide, high, seen in table[order].tolist()
        if seen
    ]


class _Gathered(NamedTuple):
    """What the hits of each crossing tell together; by crossings.

    Attributes:
        hits: intp[c], how many there are.
        at: float32[c], the median; module: the same.
    """

    hits: npt.NDArray[np.intp]
    at: Reals
    module: Reals


def _gathered(labels: npt.NDArray[np.uint16], hits: Hits, count: int) -> _Gathered:
    numbers = np.bincount(labels, minlength=count)
    middle = np.minimum(np.cumsum(numbers) - numbers + numbers // 2, len(labels) - 1)
    at, module = (values[np.lexsort((values, labels))][middle] for values in (hits.at, hits.module))
    return _Gathered(numbers, at, module)
