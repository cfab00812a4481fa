"""Fakes at the seams: what stands below the real workers in tests. No mocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gatepost.errors import BrokerError
from gatepost.model import Frame, Message, Symbol
from gatepost.ports import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

BOOT = "b" * 32
START_US = 1_790_000_000_000_000


@dataclass
class FakeClock:
    """Time that moves only when a test says so."""

    now: float = 1000.0
    wall: int = START_US
    bound: int | None = 500

    def boottime(self) -> float:
        return self.now

    def wall_us(self) -> int:
        return self.wall + round(self.now * 1_000_000)

    def bound_us(self) -> int | None:
        return self.bound

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeBroker:
    """A broker in memory. `up`: takes connections; `answers`: acknowledges.

    `sends`: what it sends in the next turn; `error`: what connecting raises;
    `waits`: how long it was to wait for what comes, in each turn; `answers_at_once`: how many it
    acknowledges in a turn, 0: all; `forgets`: the token that it never acknowledges;
    `takes_s`: has the time of a turn pass.
    """

    error: BrokerError | None = None
    waits: list[float] = field(default_factory=list)
    up: bool = True
    answers: bool = True
    answers_at_once: int = 0
    forgets: int = 0
    takes_s: Callable[[float], object] = lambda _wait_s: None
    break_after: int = -1
    refuses: str = ""
    connections: int = 0
    wills: list[Message] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    sends: list[Message] = field(default_factory=list)
    disconnected: int = 0
    connected: bool = False
    most_in_flight: int = 0
    _waiting: list[int] = field(default_factory=list)

    def connect(self, will: Message) -> None:
        self.connections += 1
        if self.error is not None:
            raise self.error
        if not self.up:
            raise BrokerError("refused")
        self.connected = True
        self._waiting.clear()
        self.wills.append(will)

    def exchange(self, batch: list[Message], wait_s: float) -> Exchange:
        self.waits.append(wait_s)
        self.takes_s(wait_s)
        if not (self.up and self.connected):
            self.connected = False
            raise BrokerError("gone")
        refused = []
        for message in batch:
            if self.break_after == 0:
                self.connected, self.break_after = False, -1
                raise BrokerError("closed in mid-publish")
            self.break_after -= 1
            self.arrived.append(message)
            if self.refuses and message.topic.endswith(self.refuses):
                refused.append((message.token, "Not authorized"))
            elif message.token:
                self._waiting.append(message.token)
        self.most_in_flight = max(self.most_in_flight, len(self._waiting))
        received, self.sends = tuple(self.sends), []
        if not self.answers:
            return Exchange((), received)
        most = self.answers_at_once or len(self._waiting)
        acknowledged = tuple(each for each in self._waiting[:most] if each != self.forgets)
        del self._waiting[:most]
        return Exchange(acknowledged, received, tuple(refused))

    def disconnect(self) -> None:
        self.disconnected += 1
        self.connected = False

    def on(self, end: str) -> list[Message]:
        return [message for message in self.arrived if message.topic.endswith(end)]


def symbol(text: str, x: int = 640, y: int = 360, half: int = 50) -> Symbol:
    corners = (
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
    )
    return Symbol(text.encode(), text, "qr", corners, "zxing")


def frame(taken: float) -> Frame:
    return Frame(np.zeros((720, 1280), np.uint8), taken)
