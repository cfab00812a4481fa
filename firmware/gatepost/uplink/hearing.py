"""What the broker sends us, on its way to whoever takes the centre's word."""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.model import Message
    from gatepost.wire import Topics

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Hearing:
    """Passes it on, and never waits for who takes it.

    Attributes:
        received: None: nobody wants it.
        dropped: whether a desired state did not fit in: it is retained, and comes again with
            the next session. A command that does not fit in is lost, and no harm is done:
            receipts and resends are repeated by the centre, and so is what was not answered.
    """

    received: queue.Queue[Message] | None
    topics: Topics
    dropped: bool = False
    _told: bool = False

    def begin(self) -> None:
        """A new session."""
        self.dropped = self._told = False

    def hear(self, messages: tuple[Message, ...]) -> None:
        if self.received is None:
            return
        for message in messages:
            try:
                self.received.put_nowait(message)
            except queue.Full:
                self.dropped |= message.topic in self.topics.desired
                level = logging.DEBUG if self._told else logging.WARNING
                _LOG.log(level, "more comes in than is taken: some of it is dropped")
                self._told = True

    @property
    def room_again(self) -> bool:
        """Whether what was dropped can be asked for again."""
        return self.dropped and self.received is not None and self.received.empty()
