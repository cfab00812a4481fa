"""Blur undone a second way: what each module adds to its neighbours is estimated and taken off.

The other half of what modems do: from what the modules seem to be, the blur follows as the filter
that explains the picture best; from the blur, what is left over for each module once its
neighbours' share is cancelled; in turns. Better than a linear equaliser where the blur is wide and
the noise small, worse where the light is uneven: an opinion to be averaged with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Reals

REACH = 3  # modules to each side to which a module's share reaches
_TURNS, _STEPS = 6, 4
_RIDGE = 0.003
_LEAST_NOISE = 1e-3  # variance, of values from -1 to 1


def cancelled(seen: Reals, known: npt.NDArray[np.int8], soft: Reals) -> Reals:
    """The modules with their neighbours' share taken off.

    Args:
        seen: float32[n + 2m, n + 2m], +1 dark to -1 light, about; with m >= REACH modules around
            the symbol, which are taken for its quiet zone.
        known: int8[n,n], +1 and -1 where function patterns are, else 0.
        soft: float32[n,n], what the modules seem to be so far, -1 to 1.

    Returns:
        float32[n,n], about +1 dark to -1 light.
    """
    margin = (len(seen) - len(known)) // 2
    fixed = np.pad(known.astype(np.float32), margin, constant_values=-1)
    bits = np.where(fixed != 0, fixed, np.pad(soft, margin)).astype(np.float32)
    left = bits
    for _ in range(_TURNS):
        spread, level, noise = _blur_between(bits, seen)
        energy = float((spread**2).sum()) + 1e-6
        for _ in range(_STEPS):
            rest = seen - level - _filtered(bits, spread)
            left = bits + _filtered(rest, spread[::-1, ::-1]) / np.float32(energy)
            sure = np.tanh(np.clip(0.7 * left * energy / noise, -20, 20))
            bits = np.where(fixed != 0, fixed, (bits + sure) / 2).astype(np.float32)
    inner = slice(margin, -margin)
    return np.ascontiguousarray(left[inner, inner], np.float32)


def _blur_between(bits: Reals, seen: Reals) -> tuple[Reals, np.float32, float]:
    """The filter and the level that make `seen` of `bits`, and the variance of the rest."""
    width = 2 * REACH + 1
    around = np.lib.stride_tricks.sliding_window_view(bits, (width, width))
    wanted = seen[REACH:-REACH, REACH:-REACH].ravel()
    terms = np.ones((len(wanted), width * width + 1), np.float32)
    terms[:, :-1] = around.reshape(len(wanted), -1)
    inner = terms.T @ terms
    little = _RIDGE * float(np.trace(inner)) / len(inner) + 1e-6
    inner += np.float32(little) * np.eye(len(inner), dtype=np.float32)
    solved = np.asarray(np.linalg.solve(inner, terms.T @ wanted), np.float32)
    noise = float(np.mean((wanted - terms @ solved) ** 2))
    return solved[:-1].reshape(width, width), solved[-1], max(noise, _LEAST_NOISE)


def _filtered(field: Reals, weights: Reals) -> Reals:
    """The correlation of `field` with `weights`; nothing lies beyond its edge."""
    kernel = np.ascontiguousarray(weights)
    seen = cv2.filter2D(field, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(seen, np.float32)
