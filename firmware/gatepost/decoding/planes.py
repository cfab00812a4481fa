"""Pictures as decoders want them: 2-D, uint8, contiguous, not too large; and back again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gatepost.decoding.looks import Look, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.model import Box, Corners, Symbol

Plane: TypeAlias = npt.NDArray[np.uint8]  # [H,W] luma, C-contiguous

LEAST_SIDE = 11  # modules of the smallest Micro QR: nothing smaller holds a code


def as_plane(picture: Any) -> Plane | None:
    """`picture` as C-contiguous uint8[H,W]; None where no code can be in it.

    Takes what it should (uint8[H,W], copied only where it is not contiguous) and what may come
    by mistake: a third axis of 1, 3 (BGR) or 4 channels, and 16 bits.
    """
    array = np.asarray(picture)
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.dtype != np.uint8 or array.ndim not in {2, 3} or min(array.shape[:2]) < LEAST_SIDE:
        return None
    array = np.ascontiguousarray(array)
    if array.ndim == 2:
        return array
    channels = array.shape[2]
    if channels not in {3, 4}:
        return np.ascontiguousarray(array[:, :, 0]) if channels else None
    code = cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY
    return np.asarray(cv2.cvtColor(array, code), np.uint8)


def within(plane: Plane, most_pixels: float) -> Plane:
    """`plane`, or where it has more than `most_pixels`, shrunk to that."""
    if plane.size <= most_pixels:
        return plane
    return scaled(plane, (most_pixels / plane.size) ** 0.5)


def scaled(plane: Plane, factor: float) -> Plane:
    """`plane`, enlarged by linear interpolation or shrunk by areas; never below 1 pixel a side."""
    height, width = plane.shape
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    while min(plane.shape) > 1 and plane.shape[0] >= 2 * size[1] and plane.shape[1] >= 2 * size[0]:
        # By whole pixels first: the same areas, in a tenth of the time.
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), np.uint8)
    if plane.shape == size[::-1]:
        return plane
    way = cv2.INTER_LINEAR if factor > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, size, interpolation=way), np.uint8)


def moved(symbol: Symbol, x_factor: float, y_factor: float, left: int = 0, top: int = 0) -> Symbol:
    """`symbol` of a plane that was cut out at (left, top) and then scaled by these factors."""
    return replace(symbol, corners=_back(symbol.corners, x_factor, y_factor, left, top))


def traced(trace: Trace, x_factor: float, y_factor: float, left: int = 0, top: int = 0) -> Trace:
    """`trace` of a plane that was cut out at (left, top) and then scaled by these factors."""
    return Trace(_back(trace.corners, x_factor, y_factor, left, top), trace.modules)


def look_back(look: Look, plane: Plane, whole: Plane, box: Box | None = None) -> Look:
    """`look` at `plane`, which was made of `whole`'s `box`, with its corners in `whole`."""
    left, top, right, bottom = box or (0, 0, whole.shape[1], whole.shape[0])
    x, y = plane.shape[1] / (right - left), plane.shape[0] / (bottom - top)
    return Look(
        tuple(moved(symbol, x, y, left, top) for symbol in look.symbols),
        tuple(traced(trace, x, y, left, top) for trace in look.traces),
    )


def cut(plane: Plane, box: Box) -> Plane:
    """The part of `plane` in `box`, C-contiguous. The box lies within the plane."""
    left, top, right, bottom = box
    return np.ascontiguousarray(plane[top:bottom, left:right])


def box_around(points: Iterable[tuple[int, int]], margin: float, shape: tuple[int, ...]) -> Box:
    """The box of `points`, wider by `margin` of its longer side each way, within `shape`."""
    xs, ys = zip(*points, strict=True)
    more = int(margin * max(max(xs) - min(xs), max(ys) - min(ys))) + 4
    height, width = shape[:2]
    left, top = max(0, min(xs) - more), max(0, min(ys) - more)
    return left, top, min(width, max(xs) + more + 1), min(height, max(ys) + more + 1)


def _back(corners: Corners, x: float, y: float, left: int, top: int) -> Corners:
    if x == y == 1.0 and not left and not top:
        return corners
    first, second, third, fourth = (
        (round(across / x) + left, round(down / y) + top) for across, down in corners
    )
    return first, second, third, fourth
