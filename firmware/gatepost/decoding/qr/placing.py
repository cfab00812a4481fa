"""Where the modules of a QR code are in a picture, and its picture laid flat.

Module coordinates: x to the right, y down, in modules, (0, 0) at the outer corner of the top
left finder pattern, (n, n) at the opposite one; the middle of a module is at a half. Pixels as
OpenCV counts them: (0, 0) is the middle of the first pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.model import Corners

Plane = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
LEAST_MODULES, MOST_MODULES = 21, 177  # versions 1 and 40, ISO/IEC 18004, 6.3.1
_FAR = np.float32(30000)  # pixels
_SHARPER = 4.0  # pixels a module below which the cubic is worth its time


class Placement(NamedTuple):
    """Where a symbol's modules are.

    Attributes:
        matrix: float64[3,3], from modules to pixels (a homography).
        modules: a side, 21 to 177.
        score: how well the function patterns agree with the picture, -1 to 1.
        bend: float32[n,n,2], how far each module lies from where `matrix` has it, (x, y) in
            modules, for paper that is not flat; None: it is flat.
    """

    matrix: Matrix
    modules: int
    score: float = 0.0
    bend: Reals | None = None

    def pixels_at(self, places: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Where `places` are, float[m,2] in modules: float64[m,2] in pixels; without the bend."""
        whole = np.column_stack([places, np.ones(len(places))]) @ self.matrix.T
        return np.asarray(whole[:, :2] / whole[:, 2:], np.float64)

    def corners(self) -> Corners:
        """The symbol's outer corners: top left, top right, bottom right, bottom left, pixels."""
        n = self.modules
        places = self.pixels_at(np.array([(0, 0), (n, 0), (n, n), (0, n)], np.float64))
        one, two, three, four = ((round(float(x)), round(float(y))) for x, y in places)
        return one, two, three, four

    def middles(self) -> npt.NDArray[np.float64]:
        """Where the middle of each module is, with the bend: float64[n,n,2], (x, y) in pixels."""
        n = self.modules
        steps = np.arange(n) + 0.5
        flat = np.stack(np.meshgrid(steps, steps), axis=2)
        seen = flat if self.bend is None else flat + self.bend
        return self.pixels_at(seen.reshape(-1, 2)).reshape(n, n, 2)

    def module_px(self) -> float:
        """The size of a module in the middle of the symbol, pixels."""
        middle = self.modules / 2
        places = [(middle, middle), (middle + 1, middle), (middle, middle + 1)]
        here, right, below = self.pixels_at(np.array(places, np.float64))
        return float(np.sqrt(np.linalg.norm(right - here) * np.linalg.norm(below - here)))


def square(modules: float) -> Reals:
    """The corners of a square of `modules` a side, clockwise from (0, 0): float32[4,2]."""
    return np.array([(0, 0), (modules, 0), (modules, modules), (0, modules)], np.float32)


def matrix_between(here: npt.ArrayLike, there: npt.ArrayLike) -> Matrix | None:
    """The homography that lays four places on four others; None where there is none.

    None also where they are not the corners of a convex figure: no camera sees a square so.
    """
    figure = np.asarray(there, np.float64)
    if not np.isfinite(figure).all():
        return None
    sides = np.roll(figure, -1, axis=0) - figure
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if np.abs(turns).min() < 1.0 or abs(np.sign(turns).sum()) != 4:
        return None
    given = np.asarray(here, np.float32), figure.astype(np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(*given), np.float64)
    return matrix if np.isfinite(matrix).all() else None


def laid_flat(plane: Plane, placement: Placement, fine: int, margin: int = 0) -> Reals:
    """The symbol's picture with `fine` pixels a module and `margin` modules around it.

    Args:
        plane: uint8[H,W].
        placement: where it is; parts outside of the picture repeat its edge.
        fine: pixels a module, more than 0.
        margin: modules.

    Returns:
        float32[s,s] with s = fine * (n + 2 * margin), luma.
    """
    if placement.bend is None:
        side = fine * (placement.modules + 2 * margin)
        return laid_out(plane, placement, (-margin, -margin), fine, (side, side))
    return looked_up(plane, *_bent_maps(placement, fine, margin), _way(placement))


def looked_up(plane: Plane, x: Reals, y: Reals, way: int = cv2.INTER_LINEAR) -> Reals:
    """The luma at places that are given by their `x` and `y`, in pixels.

    Args:
        plane: uint8[H,W]; its edge goes on beyond it.
        x: float32[h,w]; what is beyond 30000 counts as this, since OpenCV counts in 16 bits.
        y: the same.
        way: one of OpenCV's interpolations.

    Returns:
        float32[h,w].
    """
    across, down = (np.minimum(np.maximum(it, -_FAR), _FAR) for it in (x, y))
    seen = cv2.remap(plane, across, down, way, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def laid_out(
    plane: Plane,
    placement: Placement,
    begin: tuple[float, float],
    fine: int,
    size: tuple[int, int],
) -> Reals:
    """A part of the symbol's picture, without the bend.

    Args:
        plane: uint8[H,W].
        placement: where the symbol is.
        begin: the part's upper left corner, (x, y) in modules.
        fine: pixels a module, more than 0.
        size: of the part, width and height in pixels.

    Returns:
        float32[height,width], luma.
    """
    x, y = (at + 0.5 / fine for at in begin)
    flat = np.array([(1 / fine, 0, x), (0, 1 / fine, y), (0, 0, 1)], np.float64)
    seen = cv2.warpPerspective(
        plane,
        placement.matrix @ flat,
        size,
        flags=_way(placement) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(seen, np.float32)


def _way(placement: Placement) -> int:
    return cv2.INTER_CUBIC if placement.module_px() < _SHARPER else cv2.INTER_LINEAR


def _bent_maps(placement: Placement, fine: int, margin: int) -> tuple[Reals, Reals]:
    """For each pixel of the flat picture the one that it shows: x and y, float32[s,s] both.

    It is told for the middle of each module, and between these by lines: within a module the
    perspective is none.
    """
    around = margin + 1  # one more, so that there is a middle beyond the last
    bend = np.asarray(placement.bend, np.float32)
    bend = np.pad(bend, ((around, around), (around, around), (0, 0)), mode="edge")
    steps = np.arange(len(bend), dtype=np.float32) + np.float32(0.5 - around)
    x, y = bend[:, :, 0] + steps, bend[:, :, 1] + steps[:, None]
    (a, b, c), (d, e, f), (g, h, i) = placement.matrix.astype(np.float32)
    depth = g * x + h * y + i
    depth = np.where(np.abs(depth) < 1e-6, np.float32(1e-6), depth)
    across, down = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
    return _grown(across, fine), _grown(down, fine)


def _grown(middles: Reals, fine: int) -> Reals:
    """`fine` pixels for each module, of all but the outermost."""
    side = fine * len(middles)
    seen = cv2.resize(middles, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(seen[fine:-fine, fine:-fine], np.float32)
