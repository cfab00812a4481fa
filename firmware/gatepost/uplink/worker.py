"""Worker: spool -> broker -> delivered.

A broker outage is no failure: the worker beats because its loop turns, not because it delivers.
The newest events are not kept waiting by an old backlog, nor by what is asked for again.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from gatepost.errors import BrokerError
from gatepost.pacing import Pace
from gatepost.spool import Spool, suspecting
from gatepost.uplink.answering import Answering
from gatepost.uplink.background import Background
from gatepost.uplink.carrying import Carrying
from gatepost.uplink.facts import Backoff, UplinkFacts
from gatepost.uplink.hearing import Hearing
from gatepost.uplink.live import Live
from gatepost.uplink.replaying import Replays
from gatepost.uplink.sending import Sending
from gatepost.uplink.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from gatepost.asked import Asked
    from gatepost.mailbox import Mailbox
    from gatepost.model import Message
    from gatepost.ports import Broker, Clock, Exchange
    from gatepost.signing import Signer
    from gatepost.spool import Carried
    from gatepost.wire import Topics

_LOG = logging.getLogger(__name__)
_IDLE_S = 0.1
_STEADY_S = 60.0
_FAREWELL_S = 1.5
_FAREWELL_TOKEN = -1


@dataclass(slots=True)
class Uplink:
    """What the worker needs.

    Attributes:
        received: for what the broker sends us; None: nobody wants it.
        asked: what the centre asked of us, from whoever checked it.
        versions: of the rules and of the trust list that are applied, 0: what is built in.
        confirm: what counts as delivered: "broker", its acknowledgement, or "central", the
            receipt of the confirmer. A broker's acknowledgement is the weaker promise:
            mosquitto loses what it acknowledged when it is killed within a second.
        carried: bundles of others and of former epochs that are to be delivered, too.
        keep_days: how long those stay once they are delivered; 0: for good.
        replay_per_s: how many events a second are sent of those and of what is asked for again.
        facts: for health.
    """

    spool_path: Path
    broker: Broker
    topics: Topics
    signer: Signer
    clock: Clock
    boot_id: str
    firmware: str
    notices: Mailbox[Message]
    received: queue.Queue[Message] | None = None
    asked: queue.Queue[Asked] | None = None
    versions: Callable[[], tuple[int, int]] = lambda: (0, 0)
    confirm: Literal["broker", "central"] = "broker"
    carried: Carried | None = None
    keep_days: int = 0
    replay_per_s: float = 500.0
    window: int = 20
    backoff: Backoff = field(default_factory=Backoff)
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    facts: UplinkFacts = field(default_factory=UplinkFacts)
    _retry_at: float = 0.0
    _since: float = 0.0

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: resolver, connect and TLS of a bad network."""
        with suspecting(self.spool_path), Spool(self.spool_path) as spool:
            sending = self._sending(spool)
            hearing = Hearing(self.received, self.topics)
            try:
                while True:
                    yield
                    self._step(sending, hearing)
            finally:
                self._farewell(sending)
                sending.end()

    def _sending(self, spool: Spool) -> Sending:
        tokens = itertools.count(_FAREWELL_TOKEN - 1, -1)  # an event's own is its sequence
        telling = Telling(
            spool,
            self.topics,
            self.signer,
            self.clock,
            self.boot_id,
            self.firmware,
            self.versions,
        )
        confirmed, topic, token = self.confirm == "broker", self.topics.replay, tokens.__next__
        return Sending(
            spool=spool,
            carried=self.carried,
            live=Live(spool, confirmed),
            background=Background(
                Replays(spool, self.carried, topic, token, telling.prove),
                Carrying(self.carried, confirmed, topic, token),
                Pace(self.replay_per_s, self.window),
                self.window,
            ),
            answering=Answering(token),
            telling=telling,
            notices=self.notices,
            facts=self.facts,
            window=self.window,
            keep_days=self.keep_days,
        )

    def _step(self, sending: Sending, hearing: Hearing) -> None:
        try:
            self._obey(sending)
            if self.facts.connected:
                self._turn(sending, hearing)
            elif self.clock.boottime() >= self._retry_at:
                self._begin(sending, hearing)
            else:
                self.pause(min(_IDLE_S * 2, self._retry_at - self.clock.boottime()))
        except BrokerError as error:
            self._lost(error, sending)
        sending.persist(self.clock.boottime())  # also while there is no broker: health tells of it

    def _begin(self, sending: Sending, hearing: Hearing) -> None:
        self.broker.connect(sending.telling.will())
        failures = self.backoff.failures
        self.facts.begun()
        self._since = self.clock.boottime()
        hearing.begin()
        _LOG.info("broker connected", extra={"fields": {"after_failures": failures}})
        self._took(self.broker.exchange(sending.telling.begin(), 0), sending, hearing)

    def _lost(self, error: BrokerError, sending: Sending) -> None:
        now = self.clock.boottime()
        was = self.facts.connected
        if was and now - self._since >= _STEADY_S:
            self.backoff.failures = 0  # a session that held is no reason to wait longer
        wait_s = self.backoff.next_s()
        self._retry_at = now + wait_s
        sending.lost()
        news = self.facts.broken(error, self.clock.wall_us())
        fields = {
            "problem": str(error.problem),
            "why": str(error),
            "retry_in_s": round(wait_s, 1),
        }
        # The same reason again and again is told once: an outage may last for days.
        level = logging.WARNING if news else logging.DEBUG
        told = "broker lost" if was else "broker not reached"
        _LOG.log(level, told, extra={"fields": fields})

    def _turn(self, sending: Sending, hearing: Hearing) -> None:
        now = self.clock.boottime()
        batch = sending.batch(now)
        exchange = self.broker.exchange(batch, sending.wait_s(batch, now, _IDLE_S))
        self._took(exchange, sending, hearing)
        sending.finish()
        steady = now - self._since >= _STEADY_S  # not more often, however much there is of it
        if steady and hearing.room_again:
            self.broker.disconnect()
            raise BrokerError("some of what came in was dropped: it is asked for again")

    def _took(self, exchange: Exchange, sending: Sending, hearing: Hearing) -> None:
        hearing.hear(exchange.received)
        if exchange.acknowledged:
            self.backoff.failures = 0
        try:
            sending.took(exchange, self.clock.boottime())
        except BrokerError:
            self.broker.disconnect()
            raise

    def _obey(self, sending: Sending) -> None:
        """Also without a session: nobody who asks must be kept waiting."""
        while self.asked is not None:
            try:
                sending.obey(self.asked.get_nowait())
            except queue.Empty:
                return

    def _farewell(self, sending: Sending) -> None:
        """A clean stop: answers that wait, a last checkpoint, "offline"; not for long."""
        self._obey(sending)
        if not self.facts.connected:
            return
        try:
            self._say(sending)
            self.broker.disconnect()
        except BrokerError as error:
            _LOG.warning("no farewell", extra={"fields": {"why": str(error)}})

    def _say(self, sending: Sending) -> None:
        checkpoint, state = sending.telling.farewell()
        batch = [checkpoint, replace(state, token=_FAREWELL_TOKEN)]
        said = False
        until = self.clock.boottime() + _FAREWELL_S
        while self.clock.boottime() < until and not (said and not sending.answering.busy):
            exchange = self.broker.exchange([*sending.answering.take(), *batch], _IDLE_S)
            batch = []
            sending.settled(exchange, self.clock.boottime())
            said = said or _FAREWELL_TOKEN in exchange.acknowledged
