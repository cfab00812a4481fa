"""Pictures made to keep a decoder busy: full of finder patterns.

zxing-cpp tries their combinations: 14,000 of them in a 720p frame take it 60 times as long as noise
does. Counting what looks like one in a sample of rows costs a two-hundredth of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.planes import Plane
    from gatepost.model import Box


_ROWS = 13  # one pair of so many,
_MOST_PAIRS = 64  # but no more than these
_ROUND = 31  # pixels along a row: dark is what is darker than these on average,
_DARKER = 4  # and by so many luma steps: not a sensor's noise
NOISE = 6400.0  # pixels of noise that give a hit: not crowded, and what a pass is priced by
HIT = 11_000.0  # pixels of noise that take zxing-cpp as long as what is around a hit, at worst


def finder_rows(plane: Plane) -> int:
    """How often two rows in 13 run 1:1:3:1:1 at one place, as a finder pattern does; an estimate.

    Noise does so in one row often enough, in two below each other hardly ever.
    """
    height, width = plane.shape
    if height < 2 or width < 8:
        return 0
    step = max(_ROWS, height // _MOST_PAIRS)
    rows = np.arange(0, height - 1, step)
    # Not evenly: a pattern that comes again at the same distance would be hit always or never.
    rows = np.minimum(rows + np.random.default_rng(1).integers(0, step, len(rows)), height - 2)
    hits = int(np.count_nonzero(_hits(plane[rows]) & _hits(plane[rows + 1])))
    return hits * int(step) // _ROWS


def uncrowded(plane: Plane, room: float) -> Box:
    """All of `plane`, or where it is crowded the part in its middle that is not too much.

    Args:
        plane: the picture.
        room: how much time there is beside what noise takes, in pixels of noise.
    """
    height, width = plane.shape
    hits, most = finder_rows(plane), plane.size / NOISE + room / HIT
    share = 1.0 if hits <= most else (most / hits) ** 0.5
    high, wide = max(1, int(height * share)), max(1, int(width * share))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


def _hits(rows: Plane) -> npt.NDArray[np.bool_]:
    """Where the middles of such runs are, one row after the other, in steps of two pixels."""
    found = np.zeros(rows.size // 2 + 1, np.bool_)
    around = cv2.blur(rows, (_ROUND, 1))
    dark = (cv2.subtract(around, rows) >= _DARKER).ravel()
    edges = np.flatnonzero(dark[1:] != dark[:-1])
    runs = np.diff(edges)
    if len(runs) < 5:
        return found
    last = len(runs) - 4
    sevenths = edges[5:] - edges[:last]  # of a module
    # Within half a module of 1:1:3:1:1, half of that for the middle, in fourteenths.
    good = np.abs(14 * runs[2 : last + 2] - 6 * sevenths) <= 3 * sevenths
    for at in (0, 1, 3, 4):
        good &= np.abs(14 * runs[at : last + at] - 2 * sevenths) <= sevenths
    found[(edges[:last] + edges[5:])[good] // 4] = True
    return found
