"""Motion blur, undone: a hand that moves while the shutter is open draws each point out to a line.

The direction shows in the picture itself: along it hardly anything changes. The length does not,
so the likely ones are tried. Inverse filtering after Wiener, with a box along the line as the
point spread function.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.decoding.filters import enlarged
from gatepost.decoding.gradients import tensor_of
from gatepost.decoding.looks import Look
from gatepost.decoding.planes import look_back, within

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.limits import Limit
    from gatepost.decoding.looks import Pass
    from gatepost.decoding.planes import Plane

MOST_PIXELS = 300_000
LENGTHS = (5.0, 9.0, 13.0)  # pixels: shorter ones are read as they are, longer ones are lost
_SMEARED = 0.75  # change along the line to across it: 0.8 and more where nothing moved
_NOISE = 0.02  # to signal, of power: less makes grain of what is not there
_EDGE = 20  # pixels of mirrored border, so that the picture's edge makes no waves


class SmearPass:
    """Other passes over the picture with its motion blur undone; nothing where there is none.

    Args:
        quick: tried for each of the likely lengths.
        thorough: tried for one of them, which is another each time.
        limit: no other length is tried after it.
    """

    name = "smear"
    ns_per_pixel = 450.0

    def __init__(self, quick: Pass, thorough: Pass, limit: Limit) -> None:
        self._quick = quick
        self._thorough = thorough
        self._limit = limit
        self._turns = 0

    def look(self, plane: Plane) -> Look:
        """Look until something is read."""
        small = within(plane, MOST_PIXELS)
        tensor = tensor_of(cv2.GaussianBlur(small, (0, 0), 1.0).astype(np.float32))
        if tensor.evenness > _SMEARED:
            return Look()
        self._turns += 1
        for length in LENGTHS:
            if not self._limit.left_s():
                return Look()
            large = enlarged(undone(small, length, tensor.level))
            look = look_back(self._quick.look(large), large, plane)
            if look.symbols:
                return self._named(look)
        if not self._limit.left_s():
            return Look()
        sharp = undone(small, LENGTHS[self._turns % len(LENGTHS)], tensor.level)
        return self._named(look_back(self._thorough.look(sharp), sharp, plane))

    def _named(self, look: Look) -> Look:
        return Look(tuple(replace(symbol, pass_name=self.name) for symbol in look.symbols))


def undone(plane: Plane, length: float, angle: float) -> Plane:
    """`plane` without a motion blur of `length` pixels along `angle` (radians)."""
    height, width = plane.shape
    tall, wide = (cv2.getOptimalDFTSize(side + 2 * _EDGE) for side in (height, width))
    framed = cv2.copyMakeBorder(
        plane,
        _EDGE,
        tall - height - _EDGE,
        _EDGE,
        wide - width - _EDGE,
        cv2.BORDER_REFLECT if min(height, width) > wide - width else cv2.BORDER_REPLICATE,
    )
    response = np.fft.rfft2(_line(round(length * 4), round(np.degrees(angle)), (tall, wide)))
    inverse = np.conj(response) / (np.abs(response) ** 2 + _NOISE)
    sharp = np.fft.irfft2(np.fft.rfft2(framed.astype(np.float32)) * inverse, s=(tall, wide))
    part = sharp[_EDGE : _EDGE + height, _EDGE : _EDGE + width]
    return np.ascontiguousarray(part.clip(0, 255).astype(np.uint8))


def _line(quarters: int, degrees: int, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """A line through the origin, `quarters` of a pixel long, wrapped around `shape`; sum 1."""
    line = np.zeros(shape, np.float32)
    along = (np.arange(2 * quarters + 1) / (2 * quarters) - 0.5) * quarters / 4
    angle = np.radians(degrees)
    x, y = along * np.cos(angle), along * np.sin(angle)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for right in (0, 1):
        for below in (0, 1):
            share = (1 - np.abs(x - left - right)) * (1 - np.abs(y - top - below))
            np.add.at(line, ((top + below) % shape[0], (left + right) % shape[1]), share)
    line /= line.sum()
    return line
