"""Three finder patterns that stand like the corners of a square."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gatepost.decoding.qr.placing import LEAST_MODULES, MOST_MODULES

if TYPE_CHECKING:
    from gatepost.decoding.qr.crossing import Pattern

_MOST_CORNERS = 12  # of one picture
_STEEP, _UNEQUAL = 0.45, 1.8  # cosine of the corner's angle; ratio of its sides, at most
_SPREAD = 1.6  # ratio of the modules that they tell, at most

_Floats = npt.NDArray[np.float64]


class Corner(NamedTuple):
    """Three patterns as a symbol's corner; the lower the cost, the likelier."""

    cost: float
    top_left: Pattern
    top_right: Pattern
    bottom_left: Pattern
    modules: int

    def centres(self) -> _Floats:
        """Those of the patterns: float64[3,2], (x, y) in pixels."""
        return np.array([(it.x, it.y) for it in self[1:4]], np.float64)


def corners_of(patterns: list[Pattern]) -> list[Corner]:
    """Every three of the patterns that may be a symbol's, any of them at its top left."""
    if len(patterns) < 3:
        return []
    table = np.array(patterns, np.float64)
    threes = _square_ones(table)
    cost, side = _costs(table[threes])
    fits = (side > LEAST_MODULES - 3) & (side < MOST_MODULES + 12)
    threes, cost, side = threes[fits], cost[fits], side[fits]
    order = np.argsort(cost, kind="stable")[:_MOST_CORNERS]
    return [
        Corner(told, patterns[first], patterns[one], patterns[two], whole(width))
        for told, (first, one, two), width in zip(
            cost[order].tolist(), threes[order].tolist(), side[order].tolist(), strict=True
        )
    ]


@lru_cache(maxsize=16)
def _threes(count: int) -> npt.NDArray[np.intp]:
    """Each of so many patterns with two others: intp[k,3]."""
    pairs = [
        (first, *others)
        for first in range(count)
        for others in combinations([it for it in range(count) if it != first], 2)
    ]
    threes = np.array(pairs, np.intp).reshape(-1, 3)
    threes.setflags(write=False)
    return threes


def _square_ones(table: _Floats) -> npt.NDArray[np.intp]:
    """The threes whose angle, sides and modules are about those of a square's corner.

    Clockwise: the top left one, the top right one, the bottom left one.
    """
    first, one, two = _threes(len(table)).T
    x, y = table[:, 0], table[:, 1]
    across, down = x[None, :] - x[:, None], y[None, :] - y[:, None]
    length = np.log(np.hypot(across, down) + 1e-9)
    size = np.log(table[:, 2] * table[:, 3]) / 2
    to_one, to_two = first * len(table) + one, first * len(table) + two  # flat, which is faster
    x_one, y_one, x_two, y_two = (
        it.ravel()[at] for at in (to_one, to_two) for it in (across, down)
    )
    lengths = length.ravel()[to_one], length.ravel()[to_two]
    cosine = np.abs(x_one * x_two + y_one * y_two) / np.exp(lengths[0] + lengths[1])
    fits = (cosine < _STEEP) & (np.abs(lengths[0] - lengths[1]) < np.log(_UNEQUAL))
    sizes = size[first], size[one], size[two]
    spread = np.maximum.reduce(sizes) - np.minimum.reduce(sizes)
    at = np.flatnonzero(fits & (spread < np.log(_SPREAD)))
    turned = (x_one[at] * y_two[at] - y_one[at] * x_two[at]) < 0
    one, two = one[at], two[at]
    return np.stack([first[at], np.where(turned, two, one), np.where(turned, one, two)], axis=1)


def _costs(three: _Floats) -> tuple[_Floats, _Floats]:
    """How unlike a symbol's corner each three is, and its modules a side: float64[k] both."""
    right, below = three[:, 1, :2] - three[:, 0, :2], three[:, 2, :2] - three[:, 0, :2]
    long, high = np.hypot(*right.T) + 1e-9, np.hypot(*below.T) + 1e-9
    cosine = np.abs((right * below).sum(axis=1)) / (long * high)
    # A turned square is cut longer than it is wide: by 1 / max(|cos|, |sin|).
    cut = np.abs(right).max(axis=1) / long
    sizes = np.sqrt(three[:, :, 2] * three[:, :, 3]) * cut[:, None]
    across = 2 * long / (sizes[:, 0] + sizes[:, 1]) + 7
    down = 2 * high / (sizes[:, 0] + sizes[:, 2]) + 7
    uneven = np.abs(np.log(across / down)) + sizes.std(axis=1) / sizes.mean(axis=1)
    unlike = np.abs(np.log(long / high))
    cost = cosine + uneven + 0.3 * unlike + 1.0 / three[:, :, 4].min(axis=1)
    return cost, (across + down) / 2


def whole(side: float) -> int:
    """The number of modules of the version nearest to `side`."""
    return min(max(4 * round((side - 17) / 4) + 17, LEAST_MODULES), MOST_MODULES)
