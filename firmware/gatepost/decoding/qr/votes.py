"""The same symbol over several frames: each module by the votes of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatepost.decoding.qr.soft import Solved, checked, grid_for, solve

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.qr.grid import Grid

WINDOW = 12.0  # frames: the weight of all that is kept, 0.4 s of a live camera
LEAST_QUALITY = 0.24  # of a frame that may vote; noise has 0 +- 0.07 in version 1
# Of the likeness that two views of one symbol have by their qualities: to be counted together,
SAME = 0.6
# and for a symbol that was read to be the one in view (PC-Covid codes of two people: up to 0.8).
SAME_AS_READ = 0.85
DEVIATIONS = 2.5  # how surely another symbol must differ


class Votes:
    """Soft values of one symbol, added up over frames; for one thread.

    Older frames fade, so that the weight of all never exceeds `window` frames. Another symbol is
    noticed by its data modules, since function patterns are the same in all, and starts anew.
    """

    def __init__(self, window: float = WINDOW) -> None:
        """Keep the weight of `window` frames, at least 1."""
        if not window >= 1:
            raise ValueError(f"a window of {window} frames holds none")
        self._keep = 1 - 1 / window
        self._total: npt.NDArray[np.float32] | None = None
        self._newest: npt.NDArray[np.float32] | None = None
        self._frames = 0

    @property
    def frames(self) -> int:
        """How many frames have voted on the symbol that is in view now."""
        return self._frames

    def add(self, soft: npt.NDArray[np.floating] | npt.NDArray[np.signedinteger]) -> None:
        """Take a frame's soft values as `solve` takes them.

        A frame whose function patterns are not to be seen has no vote. One of another symbol, or
        of another size, is the first of a new count.

        Raises:
            ValueError: as `solve` does; the votes so far stand.
        """
        plane = checked(soft)
        grid = grid_for(plane)
        if quality(plane, grid) < LEAST_QUALITY:
            return
        if self._total is None or not alike(self._total, plane, grid):
            self._total, self._frames = np.zeros_like(plane), 0
        self._total = self._total * np.float32(self._keep) + plane
        self._newest = plane
        self._frames += 1

    def solve(self, *, least_spare: int = 0, mirrored: bool = False) -> Solved | None:
        """The symbol in view, as `soft.solve` finds it from all votes; None where not certain.

        Older votes alone never tell: what they say must be what the newest frame shows.
        """
        if self._total is None or self._newest is None:
            return None
        peak = max(1.0, float(np.abs(self._total).max()))
        solved = solve(self._total / peak, least_spare=least_spare, mirrored=mirrored)
        if solved is None:
            return None
        seen = solved.matrix.T if solved.mirrored else solved.matrix
        shown = np.where(seen, 1, -1).astype(np.float32)
        return solved if alike(shown, self._newest, grid_for(shown), SAME_AS_READ) else None


def quality(plane: npt.NDArray[np.float32], grid: Grid) -> float:
    """How clearly the function patterns are seen: 1 at best, about 0 where no symbol is."""
    soft = plane.ravel()[grid.patterns]
    weight = float(np.abs(soft).sum())
    return float(soft @ grid.known.ravel()[grid.patterns]) / weight if weight else 0.0


def alike(
    one: npt.NDArray[np.float32],
    other: npt.NDArray[np.float32],
    grid: Grid,
    least: float = SAME,
) -> bool:
    """Whether two views can be of one symbol; True also where too little is seen in both.

    Args:
        one: float32[n, n], soft values of any scale.
        other: the same, of any size.
        grid: of `other`.
        least: of the likeness that their qualities let expect.
    """
    if one.shape != other.shape:
        return False
    both = one.ravel()[grid.data] * other.ravel()[grid.data]
    weights = np.abs(both)
    weight = float(weights.sum())
    if weight == 0:
        return True
    likeness = float(both.sum()) / weight
    deviation = float(np.sqrt(np.square(weights).sum())) / weight
    expected = quality(one, grid) * quality(other, grid)
    return likeness + DEVIATIONS * deviation >= least * expected
