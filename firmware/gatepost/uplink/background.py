"""What is sent beside the live events: what was asked for again, and what is carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.model import Message
    from gatepost.pacing import Pace
    from gatepost.uplink.carrying import Carrying
    from gatepost.uplink.replaying import Replays


@dataclass(slots=True)
class Background:
    """Shares the few places and the pace between both.

    Attributes:
        most: how many may be in flight; `window`: how many with the live ones.
    """

    replays: Replays
    carrying: Carrying
    pace: Pace
    window: int

    @property
    def most(self) -> int:
        """Half of the window, so that live events always have places."""
        return max(1, self.window // 2)

    @property
    def in_flight(self) -> int:
        return self.replays.in_flight + self.carrying.in_flight

    def waiting(self, now: float) -> bool:
        """Whether there is anything to send."""
        return self.replays.waiting(now) or self.carrying.waiting(now)

    def take(self, free: int, now: float) -> list[Message]:
        """What to send at `now`, where `free` places of the window are left."""
        places = min(self.most - self.in_flight, free, self.pace.room(now))
        if places <= 0:
            return []
        found = self.replays.take((places + 1) // 2, now)
        found += self.carrying.take(places - len(found), now)
        found += self.replays.take(places - len(found), now)
        self.pace.use(len(found))
        return found

    def acknowledged(self, tokens: tuple[int, ...]) -> None:
        """The broker has them; those that are not ours are passed over."""
        self.carrying.acknowledged([each for each in tokens if not self.replays.acknowledged(each)])

    def refused(self, token: int, why: str, now: float) -> bool:
        """Whether it was one of ours."""
        return self.replays.refused(token, why, now) or self.carrying.refused(token, why, now)

    def since(self) -> float | None:
        """When the longest in flight of them was sent, seconds of boot time."""
        both = (self.replays.since(), self.carrying.since())
        return min((each for each in both if each is not None), default=None)

    def lost(self) -> None:
        """The session is over."""
        self.replays.lost()
        self.carrying.lost()
