"""Shifts beyond half a module: carried on from where they are known, place by place."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Reals


_REACH = 3  # places around the next one from which it is foretold
# What is held against a slope: few places must not foretell a steep one.
_HELD = np.float32(0.3)
_LITTLE = np.float32(1e-9)


def unwrapped(shifts: Reals, strengths: Reals, *, anchored: bool) -> Reals:
    """`shifts` with the whole modules that they lack.

    Ring by ring around the patterns, each place is foretold by a plane through its neighbours,
    and gets the whole modules that bring it next to that.

    Args:
        shifts: float32[2,n,n], modules, -0.5 to 0.5, along x and along y.
        strengths: float32[2,n,n], how far each is to be trusted, 0 or more.
        anchored: nothing is lacking at the last alignment pattern either.

    Returns:
        float32[2,n,n], modules.
    """
    n = shifts.shape[-1]
    seeds, rings = _order(n, anchored)
    mean = strengths.mean(axis=(1, 2), keepdims=True)
    there = _padded(shifts)
    trust = _padded(strengths + np.float32(0.02) * mean + np.float32(1e-6))
    whole, weights = np.zeros_like(there), np.zeros_like(trust)
    whole[:, seeds] = there[:, seeds]
    weights[:, seeds] = trust[:, seeds]
    around = _window(n).offsets
    for ring in rings:
        places = ring[:, None] + around
        foretold = _foretold(whole.take(places, axis=1), weights.take(places, axis=1), n)
        seen = there[:, ring]
        whole[:, ring] = seen + np.rint(foretold - seen)
        weights[:, ring] = trust[:, ring]
    square = whole.reshape(2, n + 2 * _REACH, n + 2 * _REACH)
    return np.ascontiguousarray(square[:, _REACH:-_REACH, _REACH:-_REACH])


def _padded(fields: Reals) -> Reals:
    """Each with `_REACH` zeros around it, flat: so that windows need no edges."""
    n = fields.shape[-1]
    wide = np.zeros((2, n + 2 * _REACH, n + 2 * _REACH), np.float32)
    wide[:, _REACH:-_REACH, _REACH:-_REACH] = fields
    return wide.reshape(2, -1)


class _Order(NamedTuple):
    """Where nothing is off by half a module, and ring by ring the rest: places when padded."""

    seeds: npt.NDArray[np.intp]
    rings: tuple[npt.NDArray[np.intp], ...]


@lru_cache(maxsize=16)
def _order(n: int, anchored: bool) -> _Order:
    done = np.zeros((n, n), np.uint8)
    done[1:6, 1:6] = done[1:6, n - 6 : n - 1] = done[n - 6 : n - 1, 1:6] = 1
    if anchored and n > 21:
        done[n - 8 : n - 5, n - 8 : n - 5] = 1
    seeds, rings = _places(done), []
    while not done.all():
        grown = cv2.dilate(done, np.ones((3, 3), np.uint8))
        rings.append(_places(grown > done))
        done = np.asarray(grown, np.uint8)
    return _Order(seeds, tuple(rings))


def _places(chosen: npt.NDArray[np.bool_] | npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    places = np.flatnonzero(np.pad(chosen, _REACH))
    places.setflags(write=False)
    return places


class _Window(NamedTuple):
    """The k places around one.

    Attributes:
        offsets: intp[k], to them in a padded field.
        near: float32[k], how much each counts.
        terms: float32[k,3], of a plane: 1, x, y.
        products: float32[k,6], of these: 1, x, y, xx, xy, yy.
    """

    offsets: npt.NDArray[np.intp]
    near: Reals
    terms: Reals
    products: Reals


@lru_cache(maxsize=40)
def _window(n: int) -> _Window:
    steps = np.arange(-_REACH, _REACH + 1)
    down, across = (it.ravel() for it in np.meshgrid(steps, steps, indexing="ij"))
    x, y = across.astype(np.float32), down.astype(np.float32)
    near = np.exp(-(x * x + y * y) / np.float32(2 * 1.7**2)).astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y], axis=1)
    products = np.column_stack([terms, x * x, x * y, y * y])
    window = _Window(down * (n + 2 * _REACH) + across, near, terms, products)
    for array in window:
        array.setflags(write=False)
    return window


def _foretold(values: Reals, weights: Reals, n: int) -> Reals:
    """The plane through what is around each place, there: float32[2,k] of float32[2,k,49]."""
    window = _window(n)
    parts = weights * window.near
    inner = parts @ window.products
    sums = (parts * values) @ window.terms
    total = np.maximum(inner[..., :1], _LITTLE)
    _, b, c, d, e, f = np.moveaxis(inner / total, -1, 0)
    s, t, u = np.moveaxis(sums / total, -1, 0)
    d, f = d + _HELD, f + _HELD
    # Cramer's rule for the first of three unknowns of [1 b c; b d e; c e f] w = [s t u].
    minor = d * f - e * e
    top = s * minor - b * (t * f - e * u) + c * (t * e - d * u)
    under = minor - b * (b * f - e * c) + c * (b * e - d * c)
    return np.asarray(top / np.maximum(under, _LITTLE), np.float32)
