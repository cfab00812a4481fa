"""A broker in memory between one station and one central server, with every vice of a real one.

It acknowledges late or never, refuses, breaks off, dies with what it had acknowledged, and says
the will of whoever vanished. Both sides use it as they use a real one: the station through
`ports.Broker`, the centre through `keeper.Line`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gatepost.central.connection import LOST, Delivery
from gatepost.errors import BrokerError
from gatepost.model import Message
from gatepost.ports import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Mood(StrEnum):
    """What the broker does with what the station publishes."""

    TAKES = "takes"  # and acknowledges
    SILENT = "silent"  # takes it, and acknowledges nothing
    DEAF = "deaf"  # what is sent vanishes
    REFUSES = "refuses"  # says no, for good


@dataclass
class Post:
    """See the module.

    Attributes:
        breaks_after: the session breaks after so many messages more; -1: it does not.
        acknowledged: calls this for each message that the station is told of as taken.
        passed: calls this with seconds that went by while nothing came.
    """

    passed: Callable[[float], None]
    acknowledged: Callable[[Message], None] = lambda _: None
    mood: Mood = Mood.TAKES
    up: bool = True
    breaks_after: int = -1
    loses_commands: bool = False
    doubles_commands: bool = False
    delays_commands: bool = False
    will: Message | None = None
    retained: dict[str, Message] = field(default_factory=dict)
    to_centre: deque[Delivery] = field(default_factory=deque)
    to_station: deque[Message] = field(default_factory=deque)
    late: list[Message] = field(default_factory=list)
    centre_given: list[Delivery] = field(default_factory=list)

    # --- the station's side

    def connect(self, will: Message) -> None:
        if not self.up:
            raise BrokerError("refused")
        self.vanish()
        self.will = will

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        done, refused = [], []
        for message in batch:
            self._session()
            if self.breaks_after == 0:
                self.breaks_after = -1
                self.vanish()
                raise BrokerError("broken off in the middle")
            self.breaks_after = max(-1, self.breaks_after - 1)
            if self.mood is Mood.REFUSES and "/event/" in message.topic:
                refused.append((message.token, "Not authorized"))
                continue
            if self.mood is not Mood.DEAF:
                self._take(message)
            if self.mood is Mood.TAKES:
                self.acknowledged(message)
                done += [message.token] if message.token else []
        self._session()
        received = tuple(self.to_station)
        self.to_station.clear()
        if not (done or refused or received):
            self.passed(wait_s)
        return Exchange(tuple(done), received, tuple(refused))

    def disconnect(self) -> None:
        self.will = None

    def _session(self) -> None:
        if not self.up or self.will is None:
            raise BrokerError("gone")

    def _take(self, message: Message) -> None:
        if message.retain:
            self.retained[message.topic] = message
        self.to_centre.append(Delivery(message.topic, message.payload, retained=False, mid=1))

    def vanish(self) -> None:
        """The station's session ends without a word: the broker says the will."""
        will, self.will = self.will, None
        self.to_station.clear()
        if will is not None and self.up:
            self._take(will)

    # --- the broker's own fate

    def die(self, keeps: int) -> None:
        """Killed: of what it had acknowledged only the first `keeps` are left."""
        self.up, self.will = False, None
        self.retained.clear()
        self.to_station.clear()
        while len(self.to_centre) > keeps:
            self.to_centre.pop()

    # --- the centre's side

    def next_message(self, wait_s: float) -> Delivery | None:
        if not (self.up and self.to_centre):
            self.passed(wait_s)
            return None
        got = self.to_centre.popleft()
        self.centre_given.append(got)
        return got

    def acknowledge(self) -> None:
        self.centre_given.clear()

    def publish(self, topic: str, payload: bytes, done: Callable[[str], None]) -> None:
        """A command. Where no station listens it is gone, as with any broker."""
        if not self.up:
            done(LOST)
            return
        done("")
        if self.will is None or self.loses_commands:
            return
        commands = [Message(topic, payload)] * (2 if self.doubles_commands else 1)
        (self.late if self.delays_commands else self.to_station).extend(commands)

    def deliver_late(self) -> None:
        """What was on its way for long arrives, whatever happened meanwhile."""
        self.to_station.extend(self.late)
        self.late.clear()

    def resume(self) -> None:
        """The centre comes again: what it did not acknowledge is sent once more."""
        self.to_centre.extendleft(reversed(self.centre_given))
        self.centre_given.clear()
        for message in self.retained.values():
            self.to_centre.append(Delivery(message.topic, message.payload, retained=True, mid=1))
