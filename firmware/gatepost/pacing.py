"""How much may happen in a time: a token bucket. Pure; whoever asks says what time it is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """At most `per_s` a second over any long time, and `burst` of them at once.

    Times are seconds of boot time; they never go back.
    """

    per_s: float
    burst: float
    _room: float = field(init=False)
    _at: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._room = self.burst

    def room(self, now: float) -> int:
        """How many may happen at `now`."""
        if self._at is not None:
            self._room = min(self.burst, self._room + (now - self._at) * self.per_s)
        self._at = now
        return int(self._room)

    def use(self, count: int = 1) -> None:
        """So many happened."""
        self._room -= count

    def take(self, now: float) -> bool:
        """One that happens at `now`; False: it may not."""
        if self.room(now) < 1:
            return False
        self.use()
        return True
