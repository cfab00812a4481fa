"""A keeper with its line, its state and time in our hands."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from contract.sending import NOW_US, Station
from gatepost import wire
from gatepost.central import (
    Delivery,
    Keeper,
    Manners,
    Pace,
    Patience,
    Signer,
    State,
    load_certificates,
)
from gatepost.signing import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from gatepost.central import Finding, FindingKind
    from gatepost.demo.authority import AuthorityFiles
    from gatepost.model import Message

MANNERS = Manners(patience=Patience(3, 10, 40), pace=Pace(100, 20))
REPLAY = wire.Topics("a-site", "st-2").replay


@dataclass
class FakeLine:
    """A broker's end: what comes is put in, what is said is kept."""

    coming: deque[Delivery] = field(default_factory=deque)
    said: list[tuple[str, bytes]] = field(default_factory=list)
    answer: str = ""
    given: int = 0
    acknowledged: int = 0

    def next_message(self, wait_s: float) -> Delivery | None:
        assert wait_s >= 0
        if not self.coming:
            return None
        self.given += 1
        return self.coming.popleft()

    def acknowledge(self) -> None:
        self.acknowledged = self.given

    def publish(self, topic: str, payload: bytes, done: Callable[[str], None]) -> None:
        self.said.append((topic, payload))
        done(self.answer)


@dataclass
class Centre:
    """A keeper with its line, and time in our hands."""

    authority: AuthorityFiles
    path: Path
    manners: Manners = MANNERS
    now: float = 100.0
    signing: bool = True
    line: FakeLine = field(default_factory=FakeLine)

    def __post_init__(self) -> None:
        self.state = State(self.path)
        self.start()

    def start(self) -> None:
        self.state.__enter__()
        files = self.authority
        self.keeper = Keeper(
            self.line,
            load_certificates(files.ca),
            self.state,
            signer=Signer(files.central_certificate, files.central_key) if self.signing else None,
            manners=self.manners,
            monotonic=lambda: self.now,
            wall_us=lambda: NOW_US,
        )

    def killed(self) -> None:
        """As by kill -9: nothing more is saved, and the broker sends again what it was not told."""
        self.state.close()
        self.start()

    def take(self, *messages: Message, retained: bool = False) -> list[Finding]:
        self.give(*messages, retained=retained)
        found = self.keeper.findings(0)
        while more := self.keeper.findings(0):
            found += more
        return found

    def give(self, *messages: Message, retained: bool = False) -> None:
        self.line.coming += [Delivery(each.topic, each.payload, retained) for each in messages]

    def kept(self, *messages: Message, **more: Any) -> list[FindingKind]:
        found = self.take(*messages, **more)
        self.keeper.settle()
        return [each.kind for each in found]

    def after(self, seconds: float) -> list[wire.Command]:
        """What is said by then."""
        self.now += seconds
        self.line.said.clear()
        self.keeper.settle()
        return self.heard()

    def heard(self) -> list[wire.Command]:
        authorities = load_certificates(self.authority.ca)
        at = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
        tokens = [
            verify(told.decode(), wire.COMMAND, authorities, at) for _, told in self.line.said
        ]
        return [wire.parse_command(each.payload) for each in tokens]


def state(word: str, station: str = "st-1") -> Message:
    facts: dict[str, str | int] = {"boot_id": "ab" * 16, "firmware": "0", "since_us": 1}
    return wire.state_message(wire.Topics("a-site", station), word, facts)


def response(command: wire.Command, outcome: str, detail: str, station: str = "st-1") -> Message:
    told = wire.Response(command.name, command.id, outcome, detail)
    stamp = Station().stamp()
    return wire.response_message(wire.Topics("a-site", station), told, stamp)


def names(commands: Iterable[wire.Command]) -> list[str]:
    return [each.name for each in commands]


def ranges(command: wire.Command) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
    return [(each.epoch, each.ranges) for each in command.of]
