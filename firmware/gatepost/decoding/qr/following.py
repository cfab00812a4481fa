"""The same symbol in the next frame, a little further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.decoding.looks import Trace
from gatepost.decoding.qr.refining import refine

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Placement, Plane, Reals

_COARSE = 40  # pixels that a symbol has in the pictures in which its shift is looked for
_REACH = 0.4  # of the symbol's size, how far it may have moved
_STILL_THERE = 0.5  # a score below it: the symbol is gone


def follow(plane: Plane, placement: Placement, previous: Plane) -> Placement | None:
    """Where a symbol is that was there in the frame before.

    Args:
        plane: uint8[H,W], the new frame.
        placement: where the symbol was.
        previous: uint8[H,W], the frame in which it was there, of the same size.

    Returns:
        The placement in `plane`; None where the symbol is gone, or turned by much.
    """
    shift = _shift(plane, placement, previous)
    if shift is None:
        return None
    moved = tuple((x + shift[0], y + shift[1]) for x, y in placement.corners())
    placed = refine(plane, Trace(moved, placement.modules))  # type: ignore[arg-type]
    return placed if placed is not None and placed.score > _STILL_THERE else None


def _shift(plane: Plane, placement: Placement, previous: Plane) -> tuple[int, int] | None:
    """How far the symbol has moved, whole pixels (x, y)."""
    corners = np.array(placement.corners())
    if plane.shape != previous.shape:
        return None
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = int((high - low).max())
    reach = int(size * _REACH)
    limits = np.array(plane.shape[::-1])
    begin, end = np.maximum(low, 0), np.minimum(high, limits)
    wide_begin, wide_end = np.maximum(begin - reach, 0), np.minimum(end + reach, limits)
    if ((end - begin) < size // 2).any() or size < _COARSE // 2:
        return None
    step = max(1.0, size / _COARSE)
    part = _small(previous[begin[1] : end[1], begin[0] : end[0]], step)
    around = _small(plane[wide_begin[1] : wide_end[1], wide_begin[0] : wide_end[0]], step)
    alike = cv2.matchTemplate(around, part, cv2.TM_CCOEFF_NORMED)
    _, _, _, place = cv2.minMaxLoc(np.nan_to_num(alike, posinf=0.0, neginf=0.0))
    x, y = np.array(place) * step + wide_begin - begin
    return round(float(x)), round(float(y))


def _small(part: Plane, step: float) -> Reals:
    """A part of a picture, `step` times smaller: float32."""
    size = tuple(max(1, round(length / step)) for length in part.shape[::-1])
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)
