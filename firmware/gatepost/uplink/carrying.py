"""Bundles: events of other stations, and of this one's former epochs, under their own source."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.model import Message
from gatepost.spool import Kept
from gatepost.uplink.telling import JOSE
from gatepost.uplink.wording import message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatepost.spool import Carried, Item

_LOG = logging.getLogger(__name__)
_LOOK_S = 10.0
_HELD_S = 60.0
_PAGE = 64


@dataclass(slots=True)
class Carrying:
    """Sends what is carried, a bundle's checkpoint after its last event.

    Attributes:
        confirmed: whether the broker's acknowledgement is all that there is to wait for.
        topic: where to; `token`: gives a new token.
    """

    carried: Carried | None
    confirmed: bool
    topic: str
    token: Callable[[], int]
    _flying: dict[int, tuple[Item, float]] = field(default_factory=dict)
    _page: deque[Item] = field(default_factory=deque)
    _dry: bool = True
    _look_at: float = 0.0
    _held_until: float = 0.0
    _refusal: str = ""

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    def since(self) -> float | None:
        """When the longest in flight of them was sent, seconds of boot time."""
        first = next(iter(self._flying.values()), None)
        return first[1] if first else None

    def waiting(self, now: float) -> bool:
        """Whether there may be anything to send; looks for new bundles now and then."""
        if self.carried is None or now < self._held_until:
            return False
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            self.carried.look()
            self._dry = not self.carried.bundles
        return not self._dry

    def take(self, places: int, now: float) -> list[Message]:
        """Up to `places` messages."""
        if places <= 0 or not self.waiting(now):
            return []
        self._read()
        worded: list[Message] = []
        while self._page and len(worded) < places:
            worded += self._worded(self._page.popleft(), now)
        return worded

    def acknowledged(self, tokens: Iterable[int]) -> None:
        """The broker has them; those that are not ours are passed over."""
        flown = [self._flying.pop(token, None) for token in tokens]
        items = [each[0] for each in flown if each is not None]
        if self.carried is None or not items:
            return
        self.carried.sent(items)
        self._dry = False  # a checkpoint may have waited for them
        for item in items:
            if self.confirmed and item.kind == "event":
                place = (item.sequence, item.sequence)
                self.carried.delivered(item.source, item.epoch, [place])

    def refused(self, token: int, why: str, now: float) -> bool:
        """The topic is refused, so all of them would be: none is sent for a while."""
        if self._flying.pop(token, None) is None:
            return False
        self._again()
        self._held_until = now + _HELD_S
        if why != self._refusal:
            self._refusal = why
            fields = {"why": why, "topic": self.topic}
            _LOG.error("the broker refuses what is carried for others", extra={"fields": fields})
        return True

    def lost(self) -> None:
        """The session is over: what was in flight is sent again."""
        self._flying.clear()
        self._again()

    def _again(self) -> None:
        self._page.clear()
        self._dry, self._look_at = False, 0.0

    def _read(self) -> None:
        """A page ahead, for each reading opens a file."""
        if self._page or self.carried is None:
            return
        flying = {item.key for item, _ in self._flying.values()}
        self._page.extend(self.carried.pending(_PAGE, flying))
        self._dry = not self._page

    def _worded(self, item: Item, now: float) -> list[Message]:
        """Its message; none for one that has rotted, which nothing that is sent can help.

        That counts as sent, and never as delivered: health goes on to tell of it.
        """
        token = self.token()
        try:
            message = self._message(item, token)
        except SpoolDamaged as error:
            _LOG.error("a carried event is damaged", extra={"fields": {"why": str(error)}})
            if self.carried is not None:
                self.carried.sent([item])
                self._dry = False
            return []
        self._flying[token] = (item, now)
        return [message]

    def _message(self, item: Item, token: int) -> Message:
        """Raises SpoolDamaged."""
        if item.kind == "checkpoint":
            return Message(self.topic, item.payload, content_type=JOSE, token=token)
        kept = Kept(item.sequence, item.payload)
        return message_of((item.source, item.epoch), kept, token, self.topic)
