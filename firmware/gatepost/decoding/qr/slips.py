"""How far a symbol's lattice lies off, told from where its modules' edges are.

In a picture that is laid flat, edges lie on whole modules. The strength of all edges in a
neighbourhood, summed up with the angle 2 pi x, is a complex number whose angle tells how far the
lattice is shifted there, within half a module either way. Data modules have edges everywhere, so
that this sees also what no function pattern tells: creases, cans, and the fourth corner.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Reals


_STRONG = 3.0  # times the mean: an edge beyond it (glare, a crack) counts as this


class Slips(NamedTuple):
    """What the edges tell around each module.

    Attributes:
        across: complex64[n,n], for the x direction; its size is the strength of what it tells.
        down: the same for y.
    """

    across: npt.NDArray[np.complex64]
    down: npt.NDArray[np.complex64]

    def blurred(self, modules: float) -> Slips:
        """Each the mean of its neighbourhood, `modules` standard deviation."""
        return Slips(_blurred(self.across, modules), _blurred(self.down, modules))

    def shifts(self) -> tuple[Reals, Reals]:
        """How far the lattice should move, x and y, in modules: -0.5 to 0.5."""
        turn = np.float32(2 * np.pi)
        return (
            np.asarray(np.angle(self.across) / turn, np.float32),
            np.asarray(np.angle(self.down) / turn, np.float32),
        )


def slips_of(flat: Reals, fine: int) -> Slips:
    """The slips of a picture that is laid flat without margin, float32[n*fine, n*fine]."""
    modules = len(flat) // fine
    turns = _turns(fine)
    cut = (modules, fine, modules, fine)
    across, down = _steps(flat), _steps(flat.T).T
    rows = across.reshape(cut).sum(axis=1) @ turns
    columns = (down.reshape(cut).sum(axis=3).transpose(0, 2, 1)) @ turns
    return Slips(rows.astype(np.complex64), columns.astype(np.complex64))


def _steps(flat: Reals) -> Reals:
    """The size of the step to the right of each pixel; none beside the last."""
    steps = np.zeros_like(flat, order="C")
    np.abs(flat[:, 1:] - flat[:, :-1], out=steps[:, :-1])
    most = np.float32(_STRONG) * steps.mean()
    np.minimum(steps, most, out=steps)
    return steps


@lru_cache(maxsize=8)
def _turns(fine: int) -> npt.NDArray[np.complex64]:
    """A full turn over a module, for steps right of each of its pixels."""
    turns = np.asarray(np.exp(2j * np.pi * (np.arange(fine) + 1) / fine), np.complex64)
    turns.setflags(write=False)
    return turns


def _blurred(field: npt.NDArray[np.complex64], modules: float) -> npt.NDArray[np.complex64]:
    parts = np.ascontiguousarray(field).view(np.float32).reshape(*field.shape, 2)
    soft = cv2.GaussianBlur(parts, (0, 0), modules, borderType=cv2.BORDER_CONSTANT)
    whole = np.ascontiguousarray(soft, np.float32).view(np.complex64)
    return np.asarray(whole[:, :, 0], np.complex64)
