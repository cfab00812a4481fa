"""Pictures made to keep a decoder busy: full of finder patterns.

zxing-cpp tries their combinations: 14,000 of them in a 720p frame take it 60 times as long as noise
does. Counting what looks like one in a sample of rows costs a thousandth of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.planes import Plane


_ROWS = 13  # one of so many, and the next: odd, as patterns of 8, 16 or 24 rows are likely
_STEEP = 20.0  # mean change from pixel to pixel: a code that fills the picture has less
MOST = 200  # hits that zxing-cpp goes through in about the time that noise of 720p takes


def finder_rows(plane: Plane) -> int:
    """How often two rows of the sample run 1:1:3:1:1 at one place, as a finder pattern does.

    Noise does so in one row often enough, in two below each other hardly ever.
    """
    upper, lower = plane[_ROWS // 2 : -1 : _ROWS], plane[_ROWS // 2 + 1 :: _ROWS]
    if upper.size == 0 or upper.shape[1] < 8:
        return 0
    if cv2.absdiff(upper[:, 1:].copy(), upper[:, :-1].copy()).mean() < _STEEP:
        return 0
    return sum(len(_hits(one) & _hits(other)) for one, other in zip(upper, lower, strict=False))


def uncrowded(plane: Plane, most: int = MOST) -> Plane:
    """`plane`, or where it is crowded the part in its middle that is not too much."""
    hits = finder_rows(plane)
    if hits <= most:
        return plane
    share = (most / hits) ** 0.5
    height, width = (max(1, int(side * share)) for side in plane.shape)
    top, left = (plane.shape[0] - height) // 2, (plane.shape[1] - width) // 2
    return np.ascontiguousarray(plane[top : top + height, left : left + width])


def _hits(row: npt.NDArray[np.uint8]) -> set[int]:
    """Where the middle of such a run is, in steps of two pixels."""
    dark = row < row.mean()
    edges = np.flatnonzero(dark[1:] != dark[:-1])
    runs = np.diff(edges)
    if len(runs) < 5:
        return set()
    five = np.stack([runs[at : len(runs) - 4 + at] for at in range(5)])
    module = five.sum(axis=0) / 7
    near = np.abs(five[[0, 1, 3, 4]] - module) <= module / 2
    found = near.all(axis=0) & (np.abs(five[2] - 3 * module) <= 1.5 * module)
    middles = (edges[: len(found)] + edges[5:]) // 4
    return set(middles[found].tolist())
