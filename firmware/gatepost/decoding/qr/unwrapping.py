"""Shifts beyond half a module: carried on from where they are known, place by place."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Reals


_REACH = 3  # places around the next one from which it is foretold
# What is held against a slope: few places must not foretell a steep one.
_HELD = np.diag([1e-6, 0.3, 0.3]).astype(np.float32)


def unwrapped(shift: Reals, strength: Reals, known: npt.NDArray[np.bool_]) -> Reals:
    """`shift` with the whole modules that it lacks.

    Ring by ring around what is known, each place is foretold by a plane through its neighbours,
    and gets the whole modules that bring it next to that.

    Args:
        shift: float32[m,m], modules, -0.5 to 0.5.
        strength: float32[m,m], how far each is to be trusted, 0 or more.
        known: bool[m,m], where `shift` lacks nothing; somewhere at least.

    Returns:
        float32[m,m], modules.
    """
    around = np.ones((3, 3), np.uint8)
    whole = np.where(known, shift, 0).astype(np.float32)
    weights = (strength + np.float32(0.02) * strength.mean() + np.float32(1e-6)).astype(np.float32)
    done = known.astype(np.uint8)
    while not done.all():
        ring = (cv2.dilate(done, around) > done).nonzero()
        if not len(ring[0]):
            break
        foretold = _foretold(whole, weights * done, ring)
        there = shift[ring]
        whole[ring] = there + np.round(foretold - there)
        done[ring] = 1
    return whole


@lru_cache(maxsize=1)
def _window() -> tuple[Reals, Reals, Reals]:
    """For the k places around: the terms of a plane, [k,3], their products, [k,9], weights, [k]."""
    steps = np.arange(-_REACH, _REACH + 1, dtype=np.float32)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y], axis=2).reshape(-1, 3)
    products = (terms[:, :, None] * terms[:, None, :]).reshape(-1, 9)
    near = np.exp(-(x * x + y * y) / np.float32(2 * 1.7**2)).ravel()
    return terms, products, np.asarray(near, np.float32)


def _foretold(whole: Reals, weights: Reals, ring: tuple[npt.NDArray[np.intp], ...]) -> Reals:
    planes, products, near = _window()
    size = 2 * _REACH + 1
    padded = [np.zeros(np.array(whole.shape) + 2 * _REACH, np.float32) for _ in range(2)]
    for inside, each in zip(padded, (whole, weights), strict=True):
        inside[_REACH:-_REACH, _REACH:-_REACH] = each
    views = [np.lib.stride_tricks.sliding_window_view(each, (size, size)) for each in padded]
    values, parts = (view[ring].reshape(len(ring[0]), -1) for view in views)
    parts = parts * near
    parts = parts / np.maximum(parts.sum(axis=1, keepdims=True), np.float32(1e-9))
    inner = (parts @ products).reshape(-1, 3, 3) + _HELD
    sums = (parts * values) @ planes
    return np.asarray(np.linalg.solve(inner, sums[:, :, None])[:, 0, 0], np.float32)
