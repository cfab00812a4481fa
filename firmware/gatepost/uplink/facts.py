"""How long to wait for a broker, and what the uplink knows of it, for health."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.errors import BrokerError


@dataclass(slots=True)
class Backoff:
    """Full jitter: any time up to a bound that doubles with each failure, and is capped."""

    base_s: float = 1.0
    cap_s: float = 60.0
    draw: Callable[[float, float], float] = random.uniform
    failures: int = 0

    def next_s(self) -> float:
        """How long to wait after one more failure, seconds."""
        self.failures += 1
        return self.draw(0.0, min(self.cap_s, self.base_s * 2 ** min(self.failures, 16)))


@dataclass(slots=True)
class UplinkFacts:
    """What the uplink knows, for health. Written by the uplink, read by anybody.

    Attributes:
        pending: events that are not delivered; `unconfirmed`: those of them that the broker
            acknowledged, and that the centre has not confirmed yet.
        replaying: events that were asked for again, and are not sent yet.
        carried: what is carried for others, or from former epochs, and is not delivered.
        problem, why: that keep us from the broker now, "" while connected.
        sessions, lost: how many began, and how many broke, since the start.
        last_problem, last_why, last_at_us: of the last time that it was lost or not reached.
    """

    connected: bool = False
    pending: int = 0
    newest: int = 0
    unconfirmed: int = 0
    replaying: int = 0
    carried: int = 0
    problem: str = ""
    why: str = "not tried yet"
    sessions: int = 0
    lost: int = 0
    last_problem: str = ""
    last_why: str = ""
    last_at_us: int = 0

    def begun(self) -> None:
        """A session stands."""
        self.connected, self.problem, self.why = True, "", ""
        self.sessions += 1

    def broken(self, error: BrokerError, wall_us: int) -> bool:
        """It was lost, or not reached. Tells whether that is news."""
        known = not self.connected and (self.problem, self.why) == (error.problem, str(error))
        self.lost += self.connected
        self.connected, self.problem, self.why = False, str(error.problem), str(error)
        self.last_problem, self.last_why, self.last_at_us = self.problem, self.why, wall_us
        return not known
