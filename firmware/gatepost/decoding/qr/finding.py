"""Finder patterns and the symbols that three of them make, also where they are blurred or small.

local threshold -> runs of 1:1:3:1:1 along rows and along columns -> where both cross
-> three that stand like the corners of a square -> traces
"""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from gatepost.decoding.looks import Trace
from gatepost.decoding.qr.placing import LEAST_MODULES, MOST_MODULES, Plane, Reals
from gatepost.decoding.qr.runs import Hits, hits_of
from gatepost.decoding.qr.timing import timed

MOST_TRACES = 4
_MOST_PIXELS = 3_000_000  # larger pictures are shrunk for the search
_MOST_PATTERNS = 14  # tried in threes
_MOST_HITS = 6000  # a page full of 1:1:3:1:1: noise
_WINDOW = 41  # pixels around each from which its threshold comes
_SOFT, _GAIN = 7, 4.0  # pixels of the blur that is undone (twice), and by how much
_COARSE = 3  # the second look is at a picture so many times smaller
_CELL = 2  # pixels a side in which hits are gathered
_MOST_TIMED = 12  # threes whose timing patterns are looked at
_WAVE = 0.68  # of timing patterns: nine in ten others have less
_UNLIKELY = 0.7  # a cost so high rules out: symbols have 0.3 at most where they are flat
_CLEARLY = 0.28  # a cost so low convinces by itself: few others have it
_STEEP, _UNEQUAL = 0.45, 1.8  # cosine of the corner's angle; ratio of its sides, at most


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


class _Corner(NamedTuple):
    """Three patterns as a symbol's corner; the lower the cost, the likelier."""

    cost: float
    top_left: Pattern
    top_right: Pattern
    bottom_left: Pattern
    modules: int


def find(plane: Plane) -> list[Trace]:
    """The likeliest QR codes in a picture, found by their finder patterns.

    Args:
        plane: uint8[H,W]. Dark on light; for light on dark give it inverted.

    Returns:
        At most four traces, the likeliest first. Turned by any angle; a mirrored symbol's trace
        is that of its transposed self, which has the same finder patterns.
    """
    corners = [_corners_of(patterns) for patterns in _looks(plane)]
    ranked = sorted((corner for each in corners for corner in each), key=lambda it: it.cost)
    told = [_told(plane, it) for it in ranked[:_MOST_TIMED] if it.cost < _UNLIKELY]
    likely = sorted((it for it in told if it is not None), key=lambda it: it.cost)
    return [_trace(corner) for corner in _unlike(likely)]


def _told(plane: Plane, corner: _Corner) -> _Corner | None:
    """`corner` with what its timing patterns tell; None where neither they nor it convince."""
    centres = np.array([(it.x, it.y) for it in corner[1:4]], np.float64)
    wave, modules = timed(plane, centres, corner.modules)
    if wave < _WAVE and corner.cost > _CLEARLY:
        return None
    return corner._replace(cost=corner.cost + 1 - wave, modules=modules)


def _looks(plane: Plane) -> list[list[Pattern]]:
    """The patterns seen in the picture as it is, and, larger ones, in a smaller one."""
    height, width = plane.shape
    shrink = max(1.0, (height * width / _MOST_PIXELS) ** 0.5)
    near = [_scaled(it, shrink) for it in patterns_in(_shrunk(plane, shrink))]
    far = [_scaled(it, shrink * _COARSE) for it in patterns_in(_shrunk(plane, shrink * _COARSE))]
    return [near, far]


def _shrunk(plane: Plane, times: float) -> Plane:
    if times <= 1:
        return plane
    height, width = plane.shape
    size = (max(1, round(width / times)), max(1, round(height / times)))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scaled(it: Pattern, times: float) -> Pattern:
    shift = (times - 1) / 2
    return Pattern(
        it.x * times + shift, it.y * times + shift, it.across * times, it.down * times, it.hits
    )


def patterns_in(plane: Plane) -> list[Pattern]:
    """The finder patterns in a picture, those with most hits first."""
    if min(plane.shape) < LEAST_MODULES:
        return []
    above = _against_surroundings(plane)
    rows = hits_of(above)
    columns = hits_of(np.ascontiguousarray(above.T))
    if not len(rows.at) or not len(columns.at) or max(len(rows.at), len(columns.at)) > _MOST_HITS:
        return []
    found = _crossings(rows, columns, plane.shape)
    return sorted(found, key=lambda it: -it.hits)[:_MOST_PATTERNS]


def _against_surroundings(plane: Plane) -> npt.NDArray[np.int16]:
    """Sharpened luma less a local threshold: int16[H,W], below 0 is dark."""
    soft = cv2.blur(cv2.blur(plane, (_SOFT, _SOFT)), (_SOFT, _SOFT))
    part = (slice(None, None, 8), slice(None, None, 8))
    noise = float(np.abs(plane[part].astype(np.int16) - soft[part]).mean())
    slack = float(np.clip(3.0 * noise, 2, 12))  # so that flat grounds are light, not noise
    sharp = cv2.addWeighted(plane, 1 + _GAIN, soft, -_GAIN, slack, dtype=cv2.CV_16S)
    window = min(_WINDOW, min(plane.shape) | 1)
    mean = cv2.blur(plane, (window, window))
    return np.asarray(cv2.subtract(sharp, mean, dtype=cv2.CV_16S), np.int16)


def _crossings(rows: Hits, columns: Hits, shape: tuple[int, int]) -> list[Pattern]:
    """Where hits along rows meet hits along columns of about the same module."""
    size = (shape[0] // _CELL + 3, shape[1] // _CELL + 3)
    cells = np.zeros((2, *size), np.uint8)
    cells[0, (rows.line // _CELL + 1), (rows.at / _CELL).astype(int) + 1] = 1
    cells[1, (columns.at / _CELL).astype(int) + 1, (columns.line // _CELL + 1)] = 1
    around = np.ones((3, 3), np.uint8)
    both = cv2.bitwise_and(cv2.dilate(cells[0], around), cv2.dilate(cells[1], around))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(both, connectivity=8)
    order = np.argsort(-boxes[1:count, cv2.CC_STAT_AREA])[: 4 * _MOST_PATTERNS] + 1
    found = [_crossing(rows, columns, boxes[label]) for label in order]
    return [it for it in found if it is not None]


def _crossing(rows: Hits, columns: Hits, box: npt.NDArray[np.int32]) -> Pattern | None:
    left, top, wide, high = (int(value) for value in box[:4])
    x, x_end = (left - 2) * _CELL, (left + wide + 1) * _CELL
    y, y_end = (top - 2) * _CELL, (top + high + 1) * _CELL
    one = rows.within(x, x_end, y, y_end)
    two = columns.within(y, y_end, x, x_end)
    if not len(one.at) or not len(two.at):
        return None
    across, down = _middle(one.module), _middle(two.module)
    if not 0.5 < across / down < 2.0:
        return None
    hits = len(one.at) + len(two.at)
    return Pattern(_middle(one.at), _middle(two.at), across, down, hits)


def _middle(values: Reals) -> float:
    """The median, or the value beside it: NumPy's takes ten times as long for a few."""
    return float(np.sort(values)[len(values) // 2])


def _corners_of(patterns: list[Pattern]) -> list[_Corner]:
    """Every three of the patterns that may be a symbol's, any of them at its top left."""
    threes = np.array(list(permutations(range(len(patterns)), 3)), np.intp).reshape(-1, 3)
    table = np.array(patterns, np.float64).reshape(-1, 5)
    place = table[threes][:, :, :2]
    right, below = place[:, 1] - place[:, 0], place[:, 2] - place[:, 0]
    clockwise = right[:, 0] * below[:, 1] - right[:, 1] * below[:, 0] > 0
    threes, right, below = threes[clockwise], right[clockwise], below[clockwise]
    cost, side = _costs(table[threes], right, below)
    order = np.argsort(cost)[: 8 * MOST_TRACES]
    return [
        _corner(patterns, threes[at], float(cost[at]), float(side[at]))
        for at in order
        if np.isfinite(cost[at])
    ]


def _corner(
    patterns: list[Pattern], three: npt.NDArray[np.intp], cost: float, side: float
) -> _Corner:
    one, two, other = (patterns[int(it)] for it in three)
    return _Corner(cost, one, two, other, _whole(side))


def _costs(
    three: npt.NDArray[np.float64], right: npt.NDArray[np.float64], below: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How unlike a symbol's corner each three is (infinite: it is none), and its modules a side."""
    long, high = np.linalg.norm(right, axis=1) + 1e-9, np.linalg.norm(below, axis=1) + 1e-9
    cosine = np.abs((right * below).sum(axis=1)) / (long * high)
    # A turned square is cut longer than it is wide: by 1 / max(|cos|, |sin|).
    cut = np.abs(right).max(axis=1) / long
    sizes = np.sqrt(three[:, :, 2] * three[:, :, 3]) * cut[:, None]
    across = 2 * long / (sizes[:, 0] + sizes[:, 1]) + 7
    down = 2 * high / (sizes[:, 0] + sizes[:, 2]) + 7
    side = (across + down) / 2
    spread = sizes.max(axis=1) / sizes.min(axis=1)
    uneven = np.abs(np.log(across / down)) + sizes.std(axis=1) / sizes.mean(axis=1)
    unlike = np.abs(np.log(long / high))
    cost = cosine + uneven + 0.3 * unlike + 1.0 / three[:, :, 4].min(axis=1)
    fits = (cosine < _STEEP) & (unlike < np.log(_UNEQUAL)) & (spread < 1.6)
    fits &= (side > LEAST_MODULES - 3) & (side < MOST_MODULES + 12)
    return np.where(fits, cost, np.inf), side


def _whole(side: float) -> int:
    """The number of modules of the version nearest to `side`."""
    return int(np.clip(4 * round((side - 17) / 4) + 17, LEAST_MODULES, MOST_MODULES))


def _unlike(ranked: list[_Corner]) -> list[_Corner]:
    """The first few that do not share two patterns with one before them."""
    kept: list[_Corner] = []
    for corner in ranked:
        places = {(it.x, it.y) for it in corner[1:4]}
        if all(len(places & {(it.x, it.y) for it in other[1:4]}) < 2 for other in kept):
            kept.append(corner)
            if len(kept) == MOST_TRACES:
                break
    return kept


def _trace(corner: _Corner) -> Trace:
    """The corners of the outer edge, three and a half modules beyond the patterns' centres."""
    places: Reals = np.array(
        [(it.x, it.y) for it in (corner.top_left, corner.top_right, corner.bottom_left)]
    )
    right = (places[1] - places[0]) / (corner.modules - 7)
    below = (places[2] - places[0]) / (corner.modules - 7)
    begin = places[0] - 3.5 * (right + below)
    n = corner.modules
    one, two, three, four = (
        (round(float(x)), round(float(y)))
        for x, y in (begin, begin + n * right, begin + n * (right + below), begin + n * below)
    )
    return Trace((one, two, three, four), n)
