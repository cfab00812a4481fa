"""How long the card takes to keep an event: of the last thousand, and of all."""

from __future__ import annotations

_KEPT = 1000


class Flushes:
    """One thread tells each, any may ask. A worn card shows here first."""

    def __init__(self) -> None:
        self.count = 0
        self._most_s = 0.0
        self._last: list[float] = []

    def took(self, seconds: float) -> None:
        """An event was on the card after so long."""
        if len(self._last) < _KEPT:
            self._last.append(seconds)
        else:
            self._last[self.count % _KEPT] = seconds
        self._most_s = max(self._most_s, seconds)
        self.count += 1

    def told(self) -> dict[str, int]:
        """For a health report, microseconds: p50, p99 of the last, the longest since the start."""
        last = sorted(self._last.copy())
        if not last:
            return {}
        return {
            "flushes": self.count,
            "flush_p50_us": round(last[len(last) // 2] * 1e6),
            "flush_p99_us": round(last[len(last) * 99 // 100] * 1e6),
            "flush_most_us": round(self._most_s * 1e6),
        }
