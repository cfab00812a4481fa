"""Where something code-like is: fine contrast both across and down, by the square inch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.decoding.planes import scaled

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.planes import Plane
    from gatepost.model import Box

_CELL = 16
_FINE = 4
_MOST_PIXELS = 4_000_000
_LEAST = 6  # quarters of a luma step over the picture's own middle: noise is everywhere alike
_SHARE = 0.4  # of what the busiest part has
_MARGIN = 1.5  # cells: edges blur over them


def code_like(plane: Plane) -> Box | None:
    """The box that most looks like a code, in pixels; None where nothing does."""
    busy = _busy(plane)
    if busy is None:
        return None
    floor, top = float(np.median(busy)), float(busy.max())
    if top < floor + _LEAST:
        return None
    mask = busy >= max(floor + _LEAST, floor + _SHARE * (top - floor))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    weights = np.bincount(labels.ravel().astype(np.intp), weights=busy.ravel(), minlength=count)
    weights[0] = 0  # the background
    left, top_row, wide, high, _ = (int(value) for value in boxes[int(weights.argmax())])
    across, down = plane.shape[1] / busy.shape[1], plane.shape[0] / busy.shape[0]
    return (
        max(0, int((left - _MARGIN) * across)),
        max(0, int((top_row - _MARGIN) * down)),
        min(plane.shape[1], int((left + wide + _MARGIN) * across)),
        min(plane.shape[0], int((top_row + high + _MARGIN) * down)),
    )


def _busy(plane: Plane) -> npt.NDArray[np.uint8] | None:
    """How much each cell changes in the direction in which it changes less."""
    while plane.size > _MOST_PIXELS:
        plane = scaled(plane, 0.5)
    height, width = plane.shape
    if min(height, width) < 2 * _CELL:
        return None
    # Of two by two: noise is half then, and a module of two pixels still there.
    half = cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    size = (width // _CELL, height // _CELL)
    cells = [
        # In quarters of a luma step, so that averages are not rounded away.
        cv2.resize(cv2.convertScaleAbs(change, alpha=_FINE), size, interpolation=cv2.INTER_AREA)
        for change in (
            cv2.absdiff(half[:, 1:], half[:, :-1]),
            cv2.absdiff(half[1:], half[:-1]),
        )
    ]
    return np.asarray(cv2.blur(cv2.min(*cells), (3, 3), borderType=cv2.BORDER_REPLICATE), np.uint8)
