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

from gatepost.decoding.qr.placing import LEAST_MODULES, MOST_MODULES, Plane, Reals, looked_up

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
    waves = _waves(plane, centres[0], np.stack([right, below]), side)
    clear, more = _beats(waves)
    quality = float(clear.mean())
    share = float(clear @ more) / max(2 * quality, 1e-6)
    exact = 17 + 4 * round((side + share - 17) / 4)
    return quality, min(max(exact, LEAST_MODULES), MOST_MODULES)


def _waves(
    plane: Plane, begin: npt.NDArray[np.float64], ways: npt.NDArray[np.float64], side: float
) -> Reals:
    """The luma along both patterns, less its moving mean: float32[2,k]."""
    module = 1.0 / (side - 7)
    count = max(2 * _FINE, round((side - 15) * _FINE))
    steps = (4.0 + (np.arange(count) + 0.5) / _FINE) * module  # from the separator on
    lines = (3.0 + np.array(_BESIDE)) * module
    along = steps[None, None, :, None] * ways[:, None, None, :]
    beside = lines[None, :, None, None] * ways[::-1, None, None, :]
    places = (begin + along + beside).reshape(-1, count, 2).astype(np.float32)
    seen = looked_up(plane, places[:, :, 0], places[:, :, 1])
    values = seen.reshape(2, len(_BESIDE), count).mean(axis=1)
    mean = cv2.blur(values, (2 * _FINE, 1), borderType=cv2.BORDER_REFLECT)
    return np.asarray(values - mean, np.float32)


def _beats(waves: Reals) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How much of a wave each is, 0 to 1, and how many modules more it has than expected."""
    count = waves.shape[1]
    width = min(_NEAR * _FINE, count)
    sums = np.zeros((2, count + 1), np.complex128)
    np.cumsum(waves * _carrier(count), axis=1, out=sums[:, 1:])
    turned = (sums[:, width:] - sums[:, :-width]) / width
    loud = np.abs(waves).mean(axis=1)
    # A wave that makes more turns than expected runs ahead of the carrier.
    drift = np.angle(turned[:, 1:] * turned[:, :-1].conj()).sum(axis=1) / np.pi
    scale = count / (turned.shape[1] - 1) if turned.shape[1] > 1 and count >= 2 * width else 0.0
    heard = loud >= 0.5
    clear = np.where(heard, np.abs(turned).mean(axis=1) / np.maximum(loud, 0.5) / 0.78, 0)
    return clear, np.where(heard, drift * scale, 0)


@lru_cache(maxsize=64)
def _carrier(count: int) -> npt.NDArray[np.complex128]:
    carrier = np.asarray(np.exp(-1j * np.pi * np.arange(count) / _FINE), np.complex128)
    carrier.setflags(write=False)
    return carrier
