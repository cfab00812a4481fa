"""The station's own events that are not sent yet: the newest and the oldest, interleaved."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gatepost.ranges import RangeSet
from gatepost.uplink.wording import message_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.model import Message
    from gatepost.spool import Kept, Spool

_LOG = logging.getLogger(__name__)
_PARKED_S = 60.0
_PAGE = 64


@dataclass(slots=True)
class Live:
    """Chooses what to send, a page of each end read ahead; a token is an event's sequence.

    Attributes:
        confirmed: whether the broker's acknowledgement is all that there is to wait for.
        parked: what the broker refused, and until when it is not tried again.
        refusal: why, as the broker said last.
    """

    spool: Spool
    confirmed: bool
    parked: dict[int, float] = field(default_factory=dict)
    refusal: str = ""
    _flying: dict[int, float] = field(default_factory=dict)
    _newest: deque[Kept] = field(default_factory=deque)
    _oldest: deque[Kept] = field(default_factory=deque)
    _head: int = -1
    _dry: bool = False

    @property
    def in_flight(self) -> int:
        """How many were sent and not acknowledged yet."""
        return len(self._flying)

    def since(self) -> float | None:
        """When the longest in flight of them was sent, seconds of boot time."""
        return next(iter(self._flying.values()), None)  # a dict is in the order of putting in

    def take(self, places: int, now: float) -> list[Message]:
        """Events to send: half of the free places for the newest, half for the oldest.

        `places` is how many may be in flight. They are filled when a quarter is free. Raises
        SpoolDamaged for one that has rotted: the next start then looks at all of the spool.
        """
        free = places - len(self._flying)
        if free <= 0 or free * 4 < places:
            return []
        self._unpark(now)
        chosen = self._choose(free)
        chosen.sort(key=_sequence)
        for kept in chosen:
            self._flying[kept.sequence] = now
        key = self.spool.source, self.spool.epoch
        return [message_of(key, kept, kept.sequence) for kept in chosen]

    def acknowledged(self, tokens: Iterable[int]) -> None:
        """The broker has them."""
        done = RangeSet()
        for token in tokens:
            if self._flying.pop(token, None) is not None:
                done.add(token)
        if done:
            self.spool.sent(done)
            if self.confirmed:
                self.spool.delivered(done)

    def refused(self, token: int, why: str, now: float) -> bool:
        """What the broker will not have is tried again later, and does not stop the rest."""
        if self._flying.pop(token, None) is None:
            return False
        if why != self.refusal:
            self.refusal = why
            _LOG.error("the broker refuses what we publish", extra={"fields": {"why": why}})
        self.parked[token] = now + _PARKED_S
        return True

    def lost(self) -> None:
        """The session is over: what was in flight counts as not sent."""
        self._flying.clear()
        self._again()

    def _unpark(self, now: float) -> None:
        due = [token for token, until in self.parked.items() if now >= until]
        for token in due:
            del self.parked[token]
        if due:
            self._again()

    def _again(self) -> None:
        self._newest.clear()
        self._oldest.clear()
        self._head, self._dry = -1, False

    def _choose(self, free: int) -> list[Kept]:
        self._look(free)
        chosen: list[Kept] = []
        self._pull("newest", (free + 1) // 2, chosen)
        self._pull("oldest", free - len(chosen), chosen)
        while len(chosen) < free and self._newest:
            chosen.append(self._newest.pop())
        return chosen

    def _look(self, free: int) -> None:
        """What came since the last look goes first."""
        head = self.spool.newest()
        if head == self._head:
            return
        if self._newest:
            came = min(head - self._head, free)
            fresh = self.spool.pending("newest", came, self._skip())
            self._newest.extendleft(reversed(fresh))
            while len(self._newest) > 2 * _PAGE:
                self._newest.pop()  # it is still pending, and comes again
        self._head, self._dry = head, False

    def _pull(self, order: Literal["newest", "oldest"], most: int, chosen: list[Kept]) -> None:
        """Up to `most` of a page, which is read when there is none, to `chosen`."""
        page = self._newest if order == "newest" else self._oldest
        if not page and most > 0 and not self._dry:
            page.extend(self.spool.pending(order, _PAGE, self._skip(chosen)))
            self._dry = not page
        chosen += [page.popleft() for _ in range(min(most, len(page)))]

    def _skip(self, chosen: Iterable[Kept] = ()) -> set[int]:
        """What need not be given, for we have it."""
        ahead = {each.sequence for each in itertools.chain(self._newest, self._oldest, chosen)}
        return ahead | self._flying.keys() | self.parked.keys()


def _sequence(kept: Kept) -> int:
    return kept.sequence
