"""Blur undone: what neighbours leak into a module is learnt from the modules that are known.

A linear equaliser, as modems have: each module becomes a weighted sum of what is seen around it.
The weights are those that give the function patterns back best; then those that also give back
the modules that are sure by now, in turns. It needs no model of the blur: lens, motion in any
direction and the printer's ink are one to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Reals


REACH = 3  # modules to each side that are taken into account
_RIDGE_FIRST, _RIDGE = 0.03, 0.003  # against few patterns; against noise
_TURNS = 5
_MANY = 6000  # modules a side squared beyond which fewer turns do


def equalised(seen: Reals, known: npt.NDArray[np.int8]) -> Reals:
    """The modules without their neighbours' share.

    Args:
        seen: float32[n + 2 * REACH, n + 2 * REACH], +1 dark to -1 light, about; with the modules
            around the symbol.
        known: int8[n,n], +1 and -1 where function patterns are, else 0.

    Returns:
        float32[n,n], about +1 dark to -1 light.
    """
    n = len(known)
    width = 2 * REACH + 1
    around = np.lib.stride_tricks.sliding_window_view(seen, (width, width))
    terms = np.ones((n * n, width * width + 1), np.float32)
    terms[:, :-1] = around.reshape(n * n, -1)
    sure = known.ravel().astype(np.float32)
    taught = sure != 0
    soft = _through(terms, terms[taught], sure[taught], np.abs(sure[taught]), _RIDGE_FIRST)
    before = None
    for _ in range(_TURNS if n * n < _MANY else 2):
        wanted = np.where(taught, sure, np.sign(soft))
        if before is not None and np.array_equal(wanted, before):
            break
        before = wanted
        weights = np.where(taught, 2, np.clip(1.5 * np.abs(soft) - 0.3, 0, 1))
        soft = _through(terms, terms, wanted, weights.astype(np.float32), _RIDGE)
    return np.asarray(soft.reshape(n, n), np.float32)


def _through(terms: Reals, lessons: Reals, wanted: Reals, weights: Reals, ridge: float) -> Reals:
    """`terms` through the filter that turns `lessons` into `wanted` with the least error."""
    weighted = lessons * weights[:, None]
    inner = weighted.T @ lessons
    little = ridge * float(np.trace(inner)) / len(inner) + 1e-6
    inner += np.float32(little) * np.eye(len(inner), dtype=np.float32)
    return np.asarray(terms @ np.linalg.solve(inner, weighted.T @ wanted), np.float32)
