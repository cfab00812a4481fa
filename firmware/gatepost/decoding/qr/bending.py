"""A placement moved to where the edges of the modules are: flat at first, then bent."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from gatepost.decoding.qr.placing import (
    Matrix,
    Placement,
    Plane,
    Reals,
    laid_flat,
    matrix_between,
    square,
)
from gatepost.decoding.qr.slips import Slips, slips_of
from gatepost.decoding.qr.unwrapping import unwrapped

_FINE, _FINE_LARGE = 5, 3  # pixels a module in which edges are looked at
_LARGE = 69  # modules a side beyond which fewer pixels do
_WIDTHS = (1.7, 3.0, 2.0)  # of the neighbourhoods, standard deviations in modules
_RIDGE = np.diag([1e-6] * 6 + [1e-4] * 2)


def straightened(plane: Plane, placed: Placement, *, anchored: bool) -> Placement:
    """The homography that lays the edges on whole modules."""
    for reach in (2.0, 2.0) if anchored else (1.0, 1.3, 1.6, 2.0, 2.0):
        slips = _slips(plane, placed)
        change = _change(slips, reach)
        if change is None:
            break
        placed = placed._replace(matrix=placed.matrix @ change)
    return placed


def _slips(plane: Plane, placed: Placement) -> Slips:
    fine = _FINE if placed.modules <= _LARGE else _FINE_LARGE
    return slips_of(laid_flat(plane, placed, fine), fine)


def _change(slips: Slips, reach: float) -> Matrix | None:
    """The homography, modules to modules, that undoes the slips where x + y < reach * n."""
    n = len(slips.across)
    soft = slips.blurred(2.0)
    terms, place = _terms(n)
    square_sum, sums = _RIDGE.copy(), np.zeros(8)
    for term, shift, field in zip(terms, soft.shifts(), soft, strict=True):
        strength = np.abs(field).ravel() * (place < reach)
        weighted = term * (strength / max(float(strength.sum()), 1e-6))
        square_sum += weighted @ term.T
        sums += weighted @ shift.ravel()
    return _as_matrix(np.asarray(np.linalg.solve(square_sum, sums), np.float64), n)


@lru_cache(maxsize=40)
def _terms(n: int) -> tuple[tuple[Reals, Reals], Reals]:
    """What a homography moves by, along x and y, at each module: float32[8,n*n]; and x + y."""
    middle = (np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n)
    u, v = (it.ravel() for it in np.meshgrid(middle, middle))
    one, none = np.ones_like(u), np.zeros_like(u)
    across = np.stack([one, u, v, none, none, none, u * u, u * v])
    down = np.stack([none, none, none, one, u, v, u * v, v * v])
    place = u + v
    for array in (across, down, place):
        array.setflags(write=False)
    return (across, down), place


def _as_matrix(solved: npt.NDArray[np.float64], n: int) -> Matrix | None:
    corners = square(1.0).astype(np.float64)
    u, v = corners[:, 0], corners[:, 1]
    a, b = solved[:3], solved[3:6]
    bow = solved[6] * u + solved[7] * v
    move = np.column_stack(
        [a[0] + a[1] * u + a[2] * v + bow * u, b[0] + b[1] * u + b[2] * v + bow * v]
    )
    return matrix_between(square(n), corners * n + np.clip(move, -3, 3))


def bent_to_fit(plane: Plane, placed: Placement, *, anchored: bool = True) -> Placement:
    """`placed` with a bend that lays the edges on whole modules, from coarse to fine."""
    for width in _WIDTHS:
        slips = _slips(plane, placed).blurred(width)
        shifts, strengths = np.stack(slips.shifts()), np.abs(np.stack(slips))
        if placed.bend is None:
            shifts = unwrapped(shifts, strengths, anchored=anchored)
        move = _smooth(shifts, strengths, width)
        placed = placed._replace(bend=move if placed.bend is None else placed.bend + move)
    return placed


def _smooth(shifts: Reals, strengths: Reals, width: float) -> Reals:
    """`shifts`, smoothed where edges are strong and small where they are weak: float32[n,n,2]."""
    strong = np.ascontiguousarray(strengths.transpose(1, 2, 0))
    little = np.float32(0.1) * strong.mean(axis=(0, 1)) + np.float32(1e-6)
    top = cv2.GaussianBlur(shifts.transpose(1, 2, 0) * strong, (0, 0), width / 2)
    under = cv2.GaussianBlur(strong, (0, 0), width / 2)
    return np.asarray(top / (under + little), np.float32)
