"""Whether there are timing patterns between three finder patterns, and how many modules they count.

ISO/IEC 18004, 6.3.5: in row and column 6, dark and light modules alternate from one finder pattern
to the next. Seen along the line that is a wave of two modules: how well it is one, and how many
turns it makes, can be told without knowing the perspective.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from gatepost.decoding.qr.placing import LEAST_MODULES, MOST_MODULES, Plane, Reals

_FINE = 4  # samples a module
_BESIDE = (-0.3, 0.0, 0.3)  # modules: three lines are averaged against noise
_NEAR = 6  # modules over which a wave must hold its beat


def timed(plane: Plane, centres: npt.NDArray[np.float64], side: float) -> tuple[float, int]:
    """Follow both timing patterns.

    Args:
        plane: uint8[H,W].
        centres: float64[3,2], of the top left, top right, bottom left finder patterns, pixels.
        side: modules a side, about: 21 to 177, within a tenth or so.

    Returns:
        How much both are waves, 0 to 1 (0.3 by chance, 0.6 and more for a symbol), and the modules.
    """
    right, below = centres[1] - centres[0], centres[2] - centres[0]
    told = [
        _wave(plane, centres[0], along, beside, side)
        for along, beside in ((right, below), (below, right))
    ]
    quality = (told[0][0] + told[1][0]) / 2
    share = sum(wave * more for wave, more in told) / max(2 * quality, 1e-6)
    exact = 17 + 4 * round((side + share - 17) / 4)
    return quality, int(np.clip(exact, LEAST_MODULES, MOST_MODULES))


def _wave(
    plane: Plane,
    begin: npt.NDArray[np.float64],
    along: npt.NDArray[np.float64],
    beside: npt.NDArray[np.float64],
    side: float,
) -> tuple[float, float]:
    """How much of a wave there is, 0 to 1, and how many modules more it has than expected."""
    module = 1.0 / (side - 7)
    count = max(2 * _FINE, round((side - 15) * _FINE))
    steps = (4.0 + (np.arange(count) + 0.5) / _FINE) * module  # from the separator on
    lines = (3.0 + np.array(_BESIDE)) * module
    places = begin + steps[None, :, None] * along + lines[:, None, None] * beside
    places = np.clip(places, -30000, 30000).astype(np.float32)
    seen = cv2.remap(
        plane, places[:, :, 0], places[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    values = np.asarray(seen, np.float32).mean(axis=0)
    return _beat(values - _mean_of(values, 2 * _FINE))


def _beat(wave: Reals) -> tuple[float, float]:
    carrier = _carrier(len(wave))
    width = min(_NEAR * _FINE, len(wave))
    turned = np.convolve(wave * carrier, np.full(width, 1 / width), "valid")
    loud = float(np.abs(wave).mean())
    if loud < 0.5:
        return 0.0, 0.0
    angles = np.unwrap(np.angle(turned))
    # A wave that makes more turns than expected runs ahead of the carrier.
    drift = float(angles[-1] - angles[0]) / np.pi
    scale = len(wave) / max(len(turned) - 1, 1) if len(turned) > width else 0.0
    return float(np.abs(turned).mean()) / loud / 0.78, drift * scale


@lru_cache(maxsize=64)
def _carrier(count: int) -> npt.NDArray[np.complex128]:
    return np.asarray(np.exp(-1j * np.pi * np.arange(count) / _FINE), np.complex128)


def _mean_of(values: Reals, width: int) -> Reals:
    """The moving mean."""
    row = cv2.blur(values[None, :], (width, 1), borderType=cv2.BORDER_REFLECT)
    return np.asarray(row[0], np.float32)
