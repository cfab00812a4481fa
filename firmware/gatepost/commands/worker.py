"""Worker: what the centre desires and commands -> checked -> deciding's inbox, and the uplink.

Rules and trust lists come retained over MQTT, or from another process that wrote the card;
commands come as they are given.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.commands.checking import Checker
from gatepost.commands.desires import Desires
from gatepost.commands.done import FILE, Done
from gatepost.commands.obeying import Acts, Obeying
from gatepost.desired import Desire

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from gatepost.asked import Asked
    from gatepost.desired import Held, Order
    from gatepost.model import Message
    from gatepost.ports import Clock
    from gatepost.wire import Topics

_LOG = logging.getLogger(__name__)
WAITING = 8  # messages that may wait, of up to 4 MiB each
_WAIT_S = 0.5


@dataclass(slots=True)
class Commands:
    """What the worker needs.

    Attributes:
        received: what came from the broker; a desired state that does not fit in comes again,
            and commands are repeated by whoever gets no answer.
        inbox: the deciding worker's.
        asked: the uplink's.
        acts: what the station can do.
        confirmer: the common name of whoever signs receipts; "": the signer of all else.
        data: the folder in which it is remembered what was done; None: in memory alone.
        most_refusals: how many of a sort are recorded in an hour.
    """

    received: queue.Queue[Message]
    inbox: queue.Queue[Order]
    held: Held
    topics: Topics
    clock: Clock
    asked: queue.Queue[Asked] = field(default_factory=queue.Queue)
    acts: Acts = field(default_factory=Acts)
    confirmer: str = ""
    data: Path | None = None
    boot_id: str = ""
    most_refusals: int = 20
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: a flush of a slow card, a lock that is not let go, a selftest."""
        desires = Desires(self.held, self.clock, self.pause, self.most_refusals)
        obeying = self._obeying()
        desires.tidy()
        while True:
            yield
            try:
                orders = self._message(self.received.get(timeout=_WAIT_S), desires, obeying)
            except queue.Empty:
                orders = []
            yield
            for each in [*orders, *desires.due(), *obeying.due()]:
                yield from self._hand(each)

    def _obeying(self) -> Obeying:
        centre = self.held.centre
        return Obeying(
            checker=Checker(centre, self.confirmer or centre.signer, self.topics.root),
            done=Done(self.data / FILE if self.data is not None else None),
            held=self.held,
            topics=self.topics,
            clock=self.clock,
            boot_id=self.boot_id,
            asked=self.asked,
            acts=self.acts,
            pause=self.pause,
            most_refusals=self.most_refusals,
        )

    def _message(self, message: Message, desires: Desires, obeying: Obeying) -> list[Order]:
        way, _, name = message.topic.rpartition("/")
        if message.topic in self.topics.desired:
            return desires.take(message.payload, Desire(name))
        if way == f"{self.topics.root}/command":
            return obeying.take(message.payload, name)
        _LOG.debug("not for us", extra={"fields": {"topic": message.topic[:100]}})
        return []

    def _hand(self, order: Order) -> Generator[None, None, None]:
        """Into the inbox, when there is room: what is kept must be applied, too."""
        while True:
            try:
                self.inbox.put(order, timeout=_WAIT_S)
            except queue.Full:
                yield
            else:
                return
