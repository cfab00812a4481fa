"""When those who look at a frame have to come to an end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = float("inf")


class Limit:
    """Set by who plans the passes of a frame, asked within those that may take long.

    Attributes:
        until: of the clock, seconds; NEVER: nobody waits.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.until = NEVER
        self._clock = clock

    def left_s(self) -> float:
        """Seconds until it is time to come to an end; 0 afterwards."""
        return max(0.0, self.until - self._clock())
