"""What is refused is recorded once, and not more than some in an hour.

A hostile broker can fill neither the log nor the card with it.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from dataclasses import dataclass, field

_LOG = logging.getLogger(__name__)
_HOUR_S = 3600.0
_MOST_REMEMBERED = 256
MOST_DETAIL = 200
MOST_ACTOR = 64


@dataclass(slots=True)
class Hourly:
    """At most `most` in any hour."""

    most: int
    _at: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> bool:
        """One more at `now`, seconds of boot time; False: it is too many."""
        while self._at and now - self._at[0] >= _HOUR_S:
            self._at.popleft()
        if len(self._at) >= self.most:
            return False
        self._at.append(now)
        return True


@dataclass(slots=True)
class Refusals:
    """Which refusals are told. `what`: of which sort they are, for the log."""

    what: str
    hourly: Hourly
    _told: deque[bytes] = field(default_factory=lambda: deque(maxlen=_MOST_REMEMBERED))
    _quiet: bool = False

    def news(self, kind: str, token: bytes, now: float) -> bool:
        """Whether the refusal of `token` is to be told; it counts as told then."""
        mark = hashlib.sha256(kind.encode() + token.strip()).digest()
        if mark in self._told:
            return False
        room = self.hourly.take(now)
        if not room and not self._quiet:
            _LOG.warning("many %s are refused: not all are told any more", self.what)
        self._quiet = not room
        if room:
            self._told.append(mark)
        return room


def plain(text: str, most: int) -> str:
    """It may quote what somebody sent: one line of plain letters, not too long."""
    told = text.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(each if each.isprintable() else "?" for each in told)[:most]
