"""Worker in the uplink's place where there is no spool: what ails the station is told, no more.

No event, no checkpoint, and nothing is listened to. But whoever has to come and change the card
must learn of it, and the broker's last word must not be that all is well.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatepost.errors import BrokerError
from gatepost.uplink.facts import Backoff, UplinkFacts
from gatepost.wire import state_message

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from gatepost.mailbox import Mailbox
    from gatepost.model import Message
    from gatepost.ports import Broker, Clock
    from gatepost.wire import Topics

_LOG = logging.getLogger(__name__)
_IDLE_S = 0.2
_FAREWELL_S = 1.5
_FAREWELL_TOKEN = -1


@dataclass(slots=True)
class Calling:
    """What the worker needs; the same as an uplink, but for events."""

    broker: Broker
    topics: Topics
    clock: Clock
    boot_id: str
    firmware: str
    notices: Mailbox[Message]
    versions: tuple[int, int] = (0, 0)
    backoff: Backoff = field(default_factory=Backoff)
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    facts: UplinkFacts = field(default_factory=UplinkFacts)
    _retry_at: float = 0.0

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: resolver, connect and TLS of a bad network."""
        try:
            while True:
                yield
                self._step()
        finally:
            self._farewell()

    def _step(self) -> None:
        try:
            if self.facts.connected:
                notice = self.notices.take(0)
                self._say([notice] if notice is not None else [])
            elif self.clock.boottime() >= self._retry_at:
                self.broker.connect(self._state("lost"))
                self.facts.begun()
                self.backoff.failures = 0
                self._say([self._state("online")])
            else:
                self.pause(min(_IDLE_S, self._retry_at - self.clock.boottime()))
        except BrokerError as error:
            self._lost(error)

    def _say(self, batch: Sequence[Message]) -> tuple[int, ...]:
        return self.broker.exchange(batch, _IDLE_S).acknowledged

    def _lost(self, error: BrokerError) -> None:
        wait_s = self.backoff.next_s()
        self._retry_at = self.clock.boottime() + wait_s
        news = self.facts.broken(error, self.clock.wall_us())
        fields = {"problem": str(error.problem), "why": str(error), "retry_in_s": round(wait_s, 1)}
        level = logging.WARNING if news else logging.DEBUG
        _LOG.log(level, "no broker to tell of the trouble", extra={"fields": fields})

    def _farewell(self) -> None:
        """A clean stop, as the uplink's; not for long."""
        if not self.facts.connected:
            return
        batch = [replace(self._state("offline"), token=_FAREWELL_TOKEN)]
        until = self.clock.boottime() + _FAREWELL_S
        try:
            while self.clock.boottime() < until and _FAREWELL_TOKEN not in self._say(batch):
                batch = []
            self.broker.disconnect()
        except BrokerError as error:
            _LOG.warning("no farewell", extra={"fields": {"why": str(error)}})

    def _state(self, word: str) -> Message:
        """Without an epoch: it records in none."""
        rules, trust = self.versions
        facts: dict[str, str | int] = {
            "boot_id": self.boot_id,
            "firmware": self.firmware,
            "since_us": self.clock.wall_us(),
            "rules_version": rules,
            "trust_version": trust,
        }
        return state_message(self.topics, word, facts)
