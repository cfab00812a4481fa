"""Whether it is worth to look: motion and light, at low resolution, for next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.planes import Plane

_CELL = 16  # pixels of the frame: noise averages out, a hand does not
_CHANGED = 4.0  # luma steps of a cell, beyond what all changed by: noise stays below 2
_FLASHED = 3.0  # luma steps of the whole: a lamp was switched, a cloud is slower
_ANCHOR_S = 0.5  # a slow hand is seen against a picture that is not too new
_BEGIN_S = 0.5  # of a clip, or after a camera came back: somebody may be there already
_ACTIVE_S = 2.0  # after the last change: whoever holds still has only just moved
_NOTED_S = 1.0  # after something code-like was there
_ATTEMPT_S = 0.33  # all the same: three full attempts a second at least
_DEEP_S = 12.0  # after the last change, what is still there is furniture
_DEEP_EVERY = 3  # attempts, while nothing happens: one a second


class Sight(NamedTuple):
    """What a frame looks like from afar.

    Attributes:
        brightness: mean luma, 0 to 255.
        moving: mean change since the frame before, luma steps.
        occupied: somebody is there: something changed a short while ago, or was read.
        attempt: this frame is to be looked at.
        deep: where nothing is read at once, it is worth to look deeper.
    """

    brightness: float
    moving: float
    occupied: bool
    attempt: bool
    deep: bool


class Watch:
    """Follows the frames of one camera by their times, seconds; they need not be even."""

    def __init__(self) -> None:
        self._last: npt.NDArray[np.float32] | None = None
        self._anchor: npt.NDArray[np.float32] | None = None
        self._anchored = self._attempted = self._newest = float("-inf")
        self._attempts = 0
        self._changed = self._deep_from = self._noted = self._read = float("-inf")

    def see(self, plane: Plane, taken: float) -> Sight:
        """Look at the next frame."""
        small = _small(plane)
        begins = self._last is None or self._last.shape != small.shape or not taken > self._newest
        if begins:
            self._begin(small, taken)
        moving = self._change(small, taken)
        next_one = taken + (0.0 if begins else taken - self._newest)
        self._newest = taken
        occupied = taken - self._changed <= _ACTIVE_S or taken - self._read <= _NOTED_S
        deep = taken - max(self._deep_from, self._changed, self._read) <= _DEEP_S
        noted = deep and taken - self._noted <= _NOTED_S
        due = begins or next_one - self._attempted > _ATTEMPT_S  # it would be too late then
        attempt = occupied or noted or due
        if attempt:
            self._attempted = taken
            self._attempts += 1
        deep = deep and (occupied or noted or self._attempts % _DEEP_EVERY == 0)
        return Sight(float(small.mean()), moving, occupied, attempt, deep)

    def note(self, taken: float, *, read: bool) -> None:
        """Something code-like was in the frame of that time, or a code was even read in it."""
        self._noted = taken
        if read:
            self._read = taken

    def _begin(self, small: npt.NDArray[np.float32], taken: float) -> None:
        """The first frame, or of another size, or of another time: it is looked at."""
        self._last = self._anchor = small
        self._anchored = self._deep_from = taken
        self._attempted = self._changed = self._read = float("-inf")
        self._noted = taken - _NOTED_S + _BEGIN_S

    def _change(self, small: npt.NDArray[np.float32], taken: float) -> float:
        if self._last is None or self._anchor is None:
            return 0.0
        since_last, since_anchor = small - self._last, small - self._anchor
        if _differs(since_last) or _differs(since_anchor):
            self._changed = taken
        if taken - self._anchored >= _ANCHOR_S:
            self._anchor, self._anchored = small, taken
        self._last = small
        return float(np.abs(since_last).mean())


def _small(plane: Plane) -> npt.NDArray[np.float32]:
    height, width = plane.shape
    size = (max(1, width // _CELL), max(1, height // _CELL))
    half = cv2.resize(
        plane, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA
    )
    small = cv2.resize(half, size, interpolation=cv2.INTER_AREA)  # in two steps: half the time
    return np.asarray(small, np.float32)


def _differs(change: npt.NDArray[np.float32]) -> bool:
    """Whether part of the picture changed, or the light all over it did at once."""
    everywhere = float(change.mean())
    if abs(everywhere) > _FLASHED:
        return True
    return float(np.abs(change - everywhere).max()) > _CHANGED + abs(everywhere)
