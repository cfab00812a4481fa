"""What the passes take on this machine, learnt while they run."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gatepost.decoding.looks import Pass

_SAMPLE = (128, 128)
_LATELY = 9  # looks of each pass that are remembered
_FASTEST = 0.2  # no machine that we know is five times faster than that of the benches


class Costs:
    """Expected times of passes. All ratios are to `Pass.ns_per_pixel`, which is noise's.

    What a pass usually takes is the second dearest of its looks of late: a single one may have
    been interrupted. At worst it takes that, or what the machine was measured at on noise.
    """

    def __init__(self) -> None:
        self._lately: dict[str, deque[float]] = {}
        self._usual: dict[str, float] = {}
        self._floor = 1.0

    def took(self, way: Pass, pixels: int, seconds: float) -> None:
        """Learn that `way` took `seconds` for a plane of so many pixels."""
        if pixels < _SAMPLE[0] * _SAMPLE[1] or seconds <= 0:  # what it takes at all tells nothing
            return
        looks = self._lately.setdefault(way.name, deque(maxlen=_LATELY))
        looks.append(seconds * 1e9 / (way.ns_per_pixel * pixels))
        self._usual[way.name] = sorted(looks)[-2] if len(looks) > 1 else looks[0]

    def measured(self, way: Pass, seconds: float) -> None:
        """Learn that `way` took `seconds` for `sample()`: how fast this machine is at least."""
        pixels = _SAMPLE[0] * _SAMPLE[1]
        self._floor = max(_FASTEST, seconds * 1e9 / (way.ns_per_pixel * pixels))

    def usual_s(self, way: Pass, pixels: int) -> float:
        """What `way` usually takes for so many pixels; of one not tried yet: at worst."""
        return self._usual.get(way.name, self._floor) * way.ns_per_pixel * pixels / 1e9

    def worst_s(self, way: Pass, pixels: int) -> float:
        """What `way` takes for so many pixels of noise, or of what it met that was dearer."""
        ratio = max(self._floor, self._usual.get(way.name, 0.0))
        return ratio * way.ns_per_pixel * pixels / 1e9

    def affordable(self, way: Pass, budget_s: float) -> int:
        """The pixels that `way` may be given: usually within the budget, at worst within two."""
        per_pixel = max(self.usual_s(way, 1), self.worst_s(way, 1) / 2)
        return int(budget_s / per_pixel)


def sample() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Noise, uint8[128,128], the same each time: to measure a machine by."""
    return np.random.default_rng(1).integers(0, 256, _SAMPLE, np.uint8)
