"""From luma to luma: what makes a code readable that is not, as it is.

Pure functions, uint8[H,W] in and out. What each is for was measured on photos and clips
(`make bench-decoding`); modules are the squares of a code.
"""

from __future__ import annotations

import cv2
import numpy as np

from gatepost.decoding.planes import Plane, scaled

MOST_PIXELS = 4_000_000  # of a filtered plane: beyond it, enlarging only costs
# Squares brighten nothing above the middle: what glare washed out comes apart again.
_DARKER = (255 * (np.arange(256) / 255.0) ** 2.5).astype(np.uint8)


def enlarged(plane: Plane, factor: float = 2.0) -> Plane:
    """`factor` times as large, by linear interpolation, up to MOST_PIXELS: for small modules."""
    return scaled(plane, max(1.0, min(factor, (MOST_PIXELS / plane.size) ** 0.5)))


def halved(plane: Plane) -> Plane:
    """Half as large: for modules that are large and blurred, torn or made of dots."""
    return scaled(plane, 0.5)


def blurred(plane: Plane, sigma: float) -> Plane:
    """Blurred by a Gaussian of `sigma` pixels: against noise, dots and moiré."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.uint8)


def sharpened(plane: Plane, sigma: float, amount: float) -> Plane:
    """Unsharp masking by `amount` with a Gaussian of `sigma` pixels: undoes a soft lens."""
    soft = cv2.GaussianBlur(plane, (0, 0), sigma)
    return np.asarray(cv2.addWeighted(plane, 1 + amount, soft, -amount, 0), np.uint8)


def darkened(plane: Plane) -> Plane:
    """Luma to the power of 2.5: contrast where it is bright, against glare."""
    return np.asarray(cv2.LUT(plane, _DARKER), np.uint8)


def equalised(plane: Plane) -> Plane:
    """Its histogram made flat: against dusk and a screen that is dimmed."""
    return np.asarray(cv2.equalizeHist(plane), np.uint8)


def locally_contrasted(plane: Plane, limit: float = 4.0, tiles: int = 4) -> Plane:
    """Contrast-limited adaptive histogram equalisation: against uneven light and shade."""
    # Made each time: one that is shared keeps buffers, which two threads would write at once.
    return np.asarray(cv2.createCLAHE(limit, (tiles, tiles)).apply(plane), np.uint8)


def flattened(plane: Plane, side: int = 15, least: float = 12.0) -> Plane:
    """Stretched from the darkest to the lightest within about `side` pixels: against glare.

    Where these differ by less than `least` luma steps it is not stretched further: noise.
    """
    smooth, square = cv2.GaussianBlur(plane, (0, 0), 1.0), np.ones((side, side), np.uint8)
    light = cv2.blur(cv2.dilate(smooth, square), (side, side)).astype(np.float32)
    dark = cv2.blur(cv2.erode(smooth, square), (side, side)).astype(np.float32)
    stretched = (plane - dark) * (255 / np.maximum(light - dark, least))
    return np.asarray(stretched.clip(0, 255).astype(np.uint8))


def thresholded(plane: Plane, side: int = 31, below: float = 5.0) -> Plane:
    """Black where it is darker than its surroundings of `side` pixels by `below`, else white."""
    way, kind = cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY
    return np.asarray(cv2.adaptiveThreshold(plane, 255, way, kind, side, below), np.uint8)
