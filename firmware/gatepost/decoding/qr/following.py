"""The same symbol in the next frame, a little further: for when glare took its finder patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.decoding.looks import Trace

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Placement, Plane

_COARSE = 60  # pixels that a symbol has in the pictures in which it is sought
_LEAST_SIDE = 30  # pixels of a symbol that can be sought at all
_ALIKE = 0.3  # correlation of the two looks: below it, something else is there


def sought(plane: Plane, placement: Placement, previous: Plane) -> Trace | None:
    """Where a symbol is now that was there in an earlier frame, moved but hardly turned.

    Args:
        plane: uint8[H,W], the new frame or a part of it.
        placement: where the symbol was.
        previous: uint8[H,W], the frame, or any part of it, in which it was there.

    Returns:
        A guess; None where nothing is like it, or where it is larger than `plane`.
    """
    corners = np.array(placement.corners())
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = int((high - low).max())
    begin, end = np.maximum(low, 0), np.minimum(high, np.array(previous.shape[::-1]))
    if size < _LEAST_SIDE or ((end - begin) < size // 2).any():
        return None
    step = max(1.0, size / _COARSE)
    part = _small(previous[begin[1] : end[1], begin[0] : end[0]], step)
    around = _small(plane, step)
    if part.shape[0] > around.shape[0] or part.shape[1] > around.shape[1]:
        return None
    alike = cv2.matchTemplate(around, part, cv2.TM_CCOEFF_NORMED)
    _, best, _, place = cv2.minMaxLoc(np.nan_to_num(alike, posinf=0.0, neginf=0.0))
    if best < _ALIKE:
        return None
    moved = np.rint(corners + np.array(place) * step - begin).astype(int).tolist()
    first, second, third, fourth = ((x, y) for x, y in moved)
    return Trace((first, second, third, fourth), placement.modules)


def _small(part: Plane, step: float) -> Plane:
    height, width = part.shape
    size = (max(1, round(width / step)), max(1, round(height / step)))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
