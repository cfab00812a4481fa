"""From a symbol's place in a picture to a soft value for each of its modules."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.decoding.qr.cancelling import cancelled
from gatepost.decoding.qr.equalising import REACH, equalised
from gatepost.decoding.qr.grid import grid_of
from gatepost.decoding.qr.placing import Placement, Plane, Reals, laid_flat

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN = REACH + 1  # modules around the symbol that are looked at
_SHARE = 0.3  # standard deviation of the weight within a module, modules
_LEVELS = 5  # modules a side in which there is a dark and a light one
_SPARKS = 9  # modules a side beside which a single one is a spark or not
_BURNT = 245.0  # luma: at the sensor's end
_FAINT, _CLEAR = 0.12, 0.35  # of the symbol's usual contrast: below unknown, above all right


def fine_for(modules: int) -> int:
    """Pixels a module in pictures laid flat: fewer for large symbols, whose time it bounds."""
    if modules <= 69:
        return 6
    return 4 if modules <= 101 else 3


def module_means(flat: Reals, fine: int) -> Reals:
    """The centre-weighted mean of each module of a picture laid flat: float32[n,n], luma."""
    weights = _weights(fine)
    count = len(flat) // fine
    rows = weights @ flat.reshape(count, fine, -1).transpose(1, 0, 2).reshape(fine, -1)
    return np.asarray(rows.reshape(count, count, fine) @ weights, np.float32)


@lru_cache(maxsize=8)
def _weights(fine: int) -> Reals:
    away = (np.arange(fine) + 0.5) / fine - 0.5
    weights = np.exp(-0.5 * (away / _SHARE) ** 2)
    shares = np.asarray(weights / weights.sum(), np.float32)
    shares.setflags(write=False)
    return shares


def levelled(means: Reals) -> tuple[Reals, Reals]:
    """Module means against the light around them.

    Args:
        means: float32[m,m], luma.

    Returns:
        +1 for dark to -1 for light (it may go beyond), and the local contrast, half of light less
        dark in luma; float32[m,m] both.
    """
    box = np.ones((_LEVELS, _LEVELS), np.uint8)
    means = _without_sparks(means)
    light = cv2.dilate(means, box, borderType=cv2.BORDER_REPLICATE)
    dark = cv2.erode(means, box, borderType=cv2.BORDER_REPLICATE)
    way = (_LEVELS, _LEVELS)
    light = cv2.blur(light, way, borderType=cv2.BORDER_REPLICATE)
    dark = cv2.blur(dark, way, borderType=cv2.BORDER_REPLICATE)
    half = np.maximum((light - dark) / 2, np.float32(0.5))
    return np.asarray(((light + dark) / 2 - means) / half, np.float32), half


def _without_sparks(means: Reals) -> Reals:
    """Single modules far brighter or darker than all around count as these: they set no level."""
    for _ in range(2):
        way = (_SPARKS, _SPARKS)
        middle = cv2.blur(means, way, borderType=cv2.BORDER_REPLICATE)
        squares = cv2.blur(means * means, way, borderType=cv2.BORDER_REPLICATE)
        reach = 2.5 * np.sqrt(np.maximum(squares - middle * middle, 0))
        means = np.asarray(np.clip(means, middle - reach, middle + reach), np.float32)
    return means


def sample(plane: Plane, placement: Placement, *, equal: bool = True) -> Reals:
    """Soft values of a symbol's modules.

    Args:
        plane: uint8[H,W], dark modules on a light ground.
        placement: where the modules are.
        equal: undo blur.

    Returns:
        float32[n,n], +1 dark to -1 light, 0 unknown: where contrast is small beside the symbol's
        (a finger), and where the sensor was at its end (glare).
    """
    seen, trust = _seen(plane, placement)
    inner = slice(MARGIN, -MARGIN)
    values = _equalised(seen, placement) if equal else seen[inner, inner]
    return np.ascontiguousarray(np.clip(values * trust, -1, 1), np.float32)


def opinions(plane: Plane, placement: Placement) -> Iterator[Reals]:
    """Soft values of a symbol's modules, told in several ways; each as from `sample`.

    First what `sample` tells, then the mean of that and of a second way to undo blur, which takes
    twice the time: for where the first was not enough.
    """
    seen, trust = _seen(plane, placement)
    values = np.clip(_equalised(seen, placement), -1, 1)
    yield np.ascontiguousarray(values * trust, np.float32)
    known = grid_of((placement.modules - 17) // 4).known
    other = np.clip(cancelled(seen, known, values), -1, 1)
    yield np.ascontiguousarray((values + other) / 2 * trust, np.float32)


def _seen(plane: Plane, placement: Placement) -> tuple[Reals, Reals]:
    """The modules against the light around them, with MARGIN; how far each counts, without."""
    fine = fine_for(placement.modules)
    means = module_means(laid_flat(plane, placement, fine, MARGIN), fine)
    soft, half = levelled(means)
    inner = slice(MARGIN, -MARGIN)
    return soft, _trust(half[inner, inner]) * _unburnt(means[inner, inner])


def _equalised(seen: Reals, placement: Placement) -> Reals:
    edge = slice(MARGIN - REACH, REACH - MARGIN)
    return equalised(seen[edge, edge], grid_of((placement.modules - 17) // 4).known)


def _unburnt(means: Reals) -> Reals:
    """0 where the sensor is at its end and the paper elsewhere is far from it: a lamp's image."""
    dark, light = (float(value) for value in np.quantile(means, (0.25, 0.75)))
    over = (means - light) / max(light - dark, 1.0)
    burnt = (means > _BURNT) * np.clip(2 * over - 1, 0, 1)
    return np.asarray(1 - burnt, np.float32)


def _trust(half: Reals) -> Reals:
    """How far local contrast lets a value count, 0 to 1."""
    share = half / np.median(half)
    return np.asarray(np.clip((share - _FAINT) / (_CLEAR - _FAINT), 0, 1), np.float32)
