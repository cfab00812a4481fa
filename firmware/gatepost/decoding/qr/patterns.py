"""A placement moved to where finder and alignment patterns are seen."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from gatepost.decoding.qr.placing import Matrix, Placement, Plane, Reals, laid_out, matrix_between

FINDER = 3.5  # modules from the outer edge to a finder pattern's centre
ALIGNMENT = 6.5  # to the centre of the last alignment pattern
_FINE = 4  # pixels a module while looking for patterns
REACH = 3.0  # modules that a finder pattern may be off at first


class _Found(NamedTuple):
    """Where a pattern is, modules, and how alike it is, -1 to 1."""

    x: float
    y: float
    alike: float


@lru_cache(maxsize=4)
def _picture_of_rings(radius: int) -> Reals:
    """A finder (radius 4, with its separator) or an alignment pattern (2), light is high."""
    steps = np.abs(np.arange(-radius, radius + 1))
    ring = np.maximum(steps[:, None], steps[None, :])
    light = ring == 1 if radius == 2 else (ring == 2) | (ring == 4)
    large = np.repeat(np.repeat(light.astype(np.float32), _FINE, axis=0), _FINE, axis=1)
    rings = np.asarray(cv2.GaussianBlur(large, (0, 0), _FINE * 0.3), np.float32)
    rings.setflags(write=False)
    return rings


def by_patterns(plane: Plane, placed: Placement, reach: float = REACH) -> tuple[Placement, bool]:
    """`placed` moved to the three finder patterns and the last alignment pattern.

    Args:
        plane: uint8[H,W].
        placed: where they are, about.
        reach: modules that a finder pattern may be off.

    Returns:
        The placement, and whether there was an alignment pattern to move to.
    """
    n = placed.modules
    far = n - FINDER
    ideal = [(FINDER, FINDER), (far, FINDER), (FINDER, far)]
    seen = [_look_for(plane, placed, place, 4, reach) for place in ideal]
    there = [(it.x, it.y) if it.alike > 0.4 else at for it, at in zip(seen, ideal, strict=True)]
    turn = cv2.getAffineTransform(np.array(ideal, np.float32), np.array(there, np.float32))
    anchor, anchored = _fourth(plane, placed, np.asarray(turn))
    where = (n - ALIGNMENT, n - ALIGNMENT) if n > 21 else (far, far)
    change = matrix_between([*ideal[:2], where, ideal[2]], [*there[:2], anchor, there[2]])
    if change is None:
        return placed, False
    return placed._replace(matrix=placed.matrix @ change), anchored


def _fourth(plane: Plane, placed: Placement, turn: Matrix) -> tuple[tuple[float, float], bool]:
    """Where the last alignment pattern is: seen, or as the three finder patterns have it."""
    n = placed.modules
    ideal = n - (ALIGNMENT if n > 21 else FINDER)
    x, y = (float(value) for value in turn @ (ideal, ideal, 1.0))
    if n > 21:
        reach = min(4.0, 2.0 + n / 16)
        seen = _look_for(plane, placed, (x, y), 2, reach)
        if seen.alike > 0.6:
            return (seen.x, seen.y), True
    return (x, y), False


def _look_for(
    plane: Plane, placed: Placement, place: tuple[float, float], radius: int, reach: float
) -> _Found:
    """Look for rings around `place`, modules, at most `reach` away."""
    rings = _picture_of_rings(radius)
    half = radius + 0.5
    left, top = (round((at - half - reach) * _FINE) for at in place)
    side = len(rings) + round(2 * reach * _FINE)
    part = laid_out(plane, placed, (left / _FINE, top / _FINE), _FINE, (side, side))
    matched = cv2.matchTemplate(part, rings, cv2.TM_CCOEFF_NORMED)
    alike = np.nan_to_num(np.asarray(matched, np.float32), posinf=0.0, neginf=0.0)
    row, column = np.unravel_index(int(alike.argmax()), alike.shape)
    across = _peak(alike[row, :], int(column))
    down = _peak(alike[:, column], int(row))
    x, y = ((at + first) / _FINE + half for at, first in ((across, left), (down, top)))
    return _Found(x, y, float(alike[row, column]))


def _peak(values: Reals, at: int) -> float:
    """The top of the parabola through the highest value and its neighbours."""
    if not 0 < at < len(values) - 1:
        return float(at)
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bow = before - 2 * here + after
    return at if bow >= 0 else at + float(np.clip((before - after) / (2 * bow), -0.5, 0.5))
