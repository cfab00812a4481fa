"""The centre's half of the delivery: the real keeper with its state, and a server that stores."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.central.asking import Patience
from gatepost.central.findings import ALARMS, Finding, FindingKind
from gatepost.central.keeper import Keeper, Manners
from gatepost.central.receipts import Pace
from gatepost.central.state import State
from gatepost.wire import body_hash

if TYPE_CHECKING:
    from pathlib import Path

    from delivery_post import Post
    from delivery_station import Key, Time

_MANNERS = Manners(patience=Patience(1.0, 4.0, 20.0), pace=Pace(5, 3.0))


@dataclass
class Centre:
    """Follows `post`; `asks`: signs requests and receipts.

    Attributes:
        kept: by (epoch, sequence): the hash of what the server stored, for good.
        times: how often each was given out as new.
        alarms: what must never be found, in words.
        lost: what the station says that it does not hold any more.
    """

    path: Path
    post: Post
    time: Time
    key: Key
    asks: bool
    kept: dict[tuple[str, int], str] = field(default_factory=dict)
    times: Counter[tuple[str, int]] = field(default_factory=Counter)
    alarms: list[str] = field(default_factory=list)
    lost: set[tuple[str, int]] = field(default_factory=set)
    _fresh: list[Finding] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        state = self._stack.enter_context(State(self.path))
        self.keeper = Keeper(
            self.post,
            [self.key.authority],
            state,
            signer=self.key.central if self.asks else None,
            manners=_MANNERS,
            monotonic=self.time.boottime,
            wall_us=self.time.true_us,
        )
        self.post.resume()

    def hear(self, most: int = 200) -> int:
        """Take what came; how much that was. It is not stored yet."""
        found = self.keeper.findings(0.0, most)
        self._fresh += found
        self.alarms += [f"{each.kind}: {each.detail}" for each in found if each.kind in ALARMS]
        return len(found)

    def settle(self) -> None:
        """Store what came; then say so."""
        for finding in self._fresh:
            place = (finding.epoch, finding.sequence)
            if finding.kind is FindingKind.EVENT:
                self.times[place] += 1
                self.kept[place] = body_hash(finding.body)
            elif finding.kind is FindingKind.LOST:
                numbers = range(finding.sequence, finding.last + 1)
                self.lost |= {(finding.epoch, number) for number in numbers}
        self._fresh.clear()
        self.keeper.settle()

    def killed(self) -> None:
        """kill -9, and started again: what was not settled comes once more."""
        self._fresh.clear()
        self._stack.close()
        self._start()

    def complete(self, source: str) -> bool:
        """Whether everything is here, proved."""
        return self.keeper.follower.complete(source)

    def end(self) -> None:
        self._stack.close()
