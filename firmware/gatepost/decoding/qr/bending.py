"""A placement moved to where the edges of the modules are: flat at first, then bent."""

from __future__ import annotations

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
from gatepost.decoding.qr.sampling import fine_for
from gatepost.decoding.qr.slips import Slips, slips_of
from gatepost.decoding.qr.unwrapping import unwrapped

_WIDTHS = (1.7, 3.0, 2.0)  # of the neighbourhoods, standard deviations in modules


def straightened(plane: Plane, placed: Placement, *, anchored: bool) -> Placement:
    """The homography that lays the edges on whole modules."""
    fine = fine_for(placed.modules)
    reaches = (2.0, 2.0) if anchored else (1.0, 1.3, 1.6, 2.0, 2.0)
    for reach in reaches:
        slips = slips_of(laid_flat(plane, placed, fine), fine)
        change = _change(slips, reach)
        if change is None:
            break
        placed = placed._replace(matrix=placed.matrix @ change)
    return placed


def _change(slips: Slips, reach: float) -> Matrix | None:
    """The homography, modules to modules, that undoes the slips where x + y < reach * n."""
    n = len(slips.across)
    soft = slips.blurred(2.0)
    shifts = soft.shifts()
    middle = (np.arange(n) + 0.5) / n
    trusted = (middle[:, None] + middle[None, :] < reach).astype(np.float64)
    u, v = np.meshgrid(middle, middle)
    one, none = np.ones_like(u), np.zeros_like(u)
    terms = (
        np.stack([one, u, v, none, none, none, u * u, u * v]).reshape(8, -1),
        np.stack([none, none, none, one, u, v, u * v, v * v]).reshape(8, -1),
    )
    square_sum, sums = np.eye(8) * 1e-9, np.zeros(8)
    for term, shift, field in zip(terms, shifts, (soft.across, soft.down), strict=True):
        strength = np.abs(field) * trusted
        weights = (strength / max(float(strength.sum()), 1e-6)).ravel()
        square_sum += (term * weights) @ term.T
        sums += (term * weights) @ shift.ravel()
    ridge = np.diag([1e-6] * 6 + [1e-4] * 2)
    solved = np.linalg.solve(square_sum + ridge, sums)
    return _as_matrix(np.asarray(solved, np.float64), n)


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
    fine = fine_for(placed.modules)
    for turn, width in enumerate(_WIDTHS):
        slips = slips_of(laid_flat(plane, placed, fine), fine).blurred(width)
        moves = [
            _move(
                shift, np.abs(field), width, _seeds(placed.modules, anchored) if turn == 0 else None
            )
            for shift, field in zip(slips.shifts(), slips, strict=True)
        ]
        move = np.stack(moves, axis=2)
        placed = placed._replace(bend=move if placed.bend is None else placed.bend + move)
    return placed


def _move(
    shift: Reals, strength: Reals, width: float, seeds: npt.NDArray[np.bool_] | None
) -> Reals:
    if seeds is not None:
        shift = unwrapped(shift, strength, seeds)
    return _smooth(shift, strength, width)


def _seeds(n: int, anchored: bool) -> npt.NDArray[np.bool_]:
    """Where nothing is off by half a module once the patterns were found."""
    seeds = np.zeros((n, n), np.bool_)
    seeds[1:6, 1:6] = seeds[1:6, n - 6 : n - 1] = seeds[n - 6 : n - 1, 1:6] = True
    if anchored and n > 21:
        seeds[n - 8 : n - 5, n - 8 : n - 5] = True
    return seeds


def _smooth(shift: Reals, strength: Reals, width: float) -> Reals:
    """`shift`, smoothed where edges are strong and small where they are weak."""
    little = np.float32(0.1) * strength.mean() + np.float32(1e-6)
    top = cv2.GaussianBlur(shift * strength, (0, 0), width / 2)
    under = cv2.GaussianBlur(strength, (0, 0), width / 2)
    return np.asarray(top / (under + little), np.float32)
