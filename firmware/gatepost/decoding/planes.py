"""Pictures as decoders want them: 2-D, uint8, contiguous, not too large; and back again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.model import Corners

LEAST_SIDE = 11  # modules of the smallest Micro QR: nothing smaller holds a code


def as_plane(picture: Any) -> npt.NDArray[np.uint8] | None:
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


def within(
    plane: npt.NDArray[np.uint8], most_pixels: int
) -> tuple[npt.NDArray[np.uint8], float, float]:
    """`plane` shrunk to at most `most_pixels`, and by which factors: (plane, x, y), each <= 1."""
    height, width = plane.shape
    if height * width <= most_pixels:
        return plane, 1.0, 1.0
    factor = (most_pixels / (height * width)) ** 0.5
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    small = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, size[0] / width, size[1] / height


def grown(corners: Corners, x_factor: float, y_factor: float) -> Corners:
    """`corners` in a picture that `within` shrank by these factors, in pixels of the whole."""
    if x_factor == y_factor == 1.0:
        return corners
    first, second, third, fourth = ((round(x / x_factor), round(y / y_factor)) for x, y in corners)
    return first, second, third, fourth
