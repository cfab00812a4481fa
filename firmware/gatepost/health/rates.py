"""How fast a count grows, over about the last minute."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KEPT = 13  # samples, every 5 s: a minute


class Rates:
    """Of counts by name, which `totals` gives. One thread samples, any may ask."""

    def __init__(self, totals: Callable[[], Mapping[str, int]]) -> None:
        self._totals = totals
        self._samples: deque[tuple[float, dict[str, int]]] = deque(maxlen=_KEPT)

    def sample(self, now: float) -> None:
        """Remember the counts of `now`, seconds; call it every 5 s."""
        self._samples.append((now, dict(self._totals())))

    def per_minute(self) -> dict[str, int]:
        """By how much each grows in a minute, rounded; empty before two samples."""
        samples = list(self._samples)
        if len(samples) < 2:
            return {}
        (since, first), (until, last) = samples[0], samples[-1]
        if until <= since:
            return {}
        return {
            name: max(0, round((count - first.get(name, 0)) * 60 / (until - since)))
            for name, count in last.items()
        }
