"""Answers to commands, on their way to the broker."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.model import Message

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 256
_MOST_FLYING = 8


@dataclass(slots=True)
class Answering:
    """Sends answers; one that is lost with the session is sent again.

    What does not fit is dropped, the oldest first: whoever asks again is answered again.
    """

    token: Callable[[], int]
    _waiting: deque[Message] = field(default_factory=lambda: deque(maxlen=_MOST_WAITING))
    _flying: dict[int, Message] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether an answer is not with the broker yet."""
        return bool(self._waiting or self._flying)

    def put(self, message: Message) -> None:
        self._waiting.append(message)

    def take(self, most: int = _MOST_FLYING) -> list[Message]:
        """What to send now; not more than `most` at a time."""
        places = min(most - len(self._flying), len(self._waiting))
        messages = []
        for _ in range(max(0, places)):
            message = replace(self._waiting.popleft(), token=self.token())
            self._flying[message.token] = message
            messages.append(message)
        return messages

    def acknowledged(self, token: int) -> None:
        self._flying.pop(token, None)

    def refused(self, token: int, why: str) -> bool:
        """An answer that the broker will not have is dropped: it is no event."""
        message = self._flying.pop(token, None)
        if message is not None:
            fields = {"why": why, "topic": message.topic}
            _LOG.warning("the broker refuses an answer", extra={"fields": fields})
        return message is not None

    def lost(self) -> None:
        """The session is over."""
        for message in reversed(self._flying.values()):
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.appendleft(message)
        self._flying.clear()
