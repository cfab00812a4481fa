"""What a USB reader lost: counted, and said now and then; and how many codes it may give."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.model import Read
    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_SAID_S = 10.0
# A hand shows two codes a second at most. A reader that gives more is broken or no reader: what
# it takes from the rest of the station is bounded.
MOST_A_SECOND = 100
MOST_WAITING = 64


class Losses:
    """Counts what was lost, by its reason, and says each reason at most every ten seconds.

    Attributes:
        dropped: codes, or rests of them, that nobody gets.
    """

    def __init__(self, device: object, clock: Clock) -> None:
        self.dropped = 0
        self._device = device
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def drop(self, why: str) -> None:
        """A code is lost. `why` is one of few: it is remembered."""
        self.dropped += 1
        self.say("code dropped", why)

    def say(self, what: str, why: str) -> None:
        """Say it, with how often it came so far, unless that was said just now."""
        count = self._counts[why] = self._counts.get(why, 0) + 1
        now = self._clock.boottime()
        if now - self._said.get(why, float("-inf")) < _SAID_S:
            return
        self._said[why] = now
        fields = {"device": str(self._device), "why": why, "times": count}
        _log.warning("%s: %s", what, why, extra={"fields": fields})


class Waiting:
    """Codes that were read and are not taken yet; too many at once are dropped, and counted."""

    def __init__(self, losses: Losses, clock: Clock) -> None:
        self._losses = losses
        self._clock = clock
        self._reads: deque[Read] = deque()
        self._room = float(MOST_A_SECOND)
        self._at = clock.boottime()

    def __bool__(self) -> bool:
        return bool(self._reads)

    def add(self, read: Read) -> None:
        """Take a code that was read."""
        now = self._clock.boottime()
        self._room = min(MOST_A_SECOND, self._room + (now - self._at) * MOST_A_SECOND)
        self._at = now
        if self._room < 1 or len(self._reads) >= MOST_WAITING:
            self._losses.drop("the reader gives more codes than anybody can show")
            return
        self._room -= 1
        self._reads.append(read)

    def next(self) -> Read | None:
        """The oldest; None without any."""
        return self._reads.popleft() if self._reads else None
