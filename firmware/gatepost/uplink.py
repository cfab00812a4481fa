"""Worker: spool -> broker -> delivered.

A broker outage is no failure: the worker beats because its loop turns, not because it delivers.
The newest events are not kept waiting by an old backlog: both are interleaved.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatepost.errors import BrokerError, SpoolFull
from gatepost.model import Message
from gatepost.ranges import RangeSet
from gatepost.signing import CHECKPOINT
from gatepost.spool import Spool, suspecting
from gatepost.timekeeping import stamp
from gatepost.wire import checkpoint_claims, event_message, state_message

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from gatepost.mailbox import Mailbox
    from gatepost.ports import Broker, Clock
    from gatepost.signing import Signer
    from gatepost.spool import Kept
    from gatepost.wire import Topics

_LOG = logging.getLogger(__name__)
_IDLE_S = 0.1
_PERSIST_S = 1.0
_CHECKPOINT_S = 60.0
_CHECKPOINT_EVENTS = 100
_UNANSWERED_S = 30.0
_PARKED_S = 60.0
_MOST_PARKED = 1000
_STEADY_S = 60.0
_FAREWELL_S = 1.5
_FAREWELL_TOKEN = -1


@dataclass(slots=True)
class Backoff:
    """Full jitter: any time up to a bound that doubles with each failure, and is capped."""

    base_s: float = 1.0
    cap_s: float = 60.0
    draw: Callable[[float, float], float] = random.uniform
    failures: int = 0

    def next_s(self) -> float:
        """How long to wait after one more failure, seconds."""
        self.failures += 1
        return self.draw(0.0, min(self.cap_s, self.base_s * 2 ** min(self.failures, 16)))


@dataclass(slots=True)
class UplinkFacts:
    """What the uplink knows, for health. Written by the uplink, read by anybody."""

    connected: bool = False
    pending: int = 0
    newest: int = 0
    why: str = "not tried yet"


@dataclass(slots=True)
class Uplink:
    """What the worker needs.

    Attributes:
        received: for what the broker sends us; None: nobody wants it.
        versions: of the rules and of the trust list that are applied, 0: what is built in.
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
    versions: Callable[[], tuple[int, int]] = lambda: (0, 0)
    window: int = 20
    backoff: Backoff = field(default_factory=Backoff)
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    facts: UplinkFacts = field(default_factory=UplinkFacts)
    _in_flight: dict[int, float] = field(default_factory=dict)
    _parked: dict[int, float] = field(default_factory=dict)
    _refusal: str = ""
    _retry_at: float = 0.0
    _since: float = 0.0
    _since_us: int = 0
    _said: tuple[int, int] = (0, 0)
    _dropped: bool = False
    _persist_at: float = 0.0
    _checkpoint_at: float = 0.0
    _checkpoint_of: int = 0

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: resolver, connect and TLS of a bad network."""
        with suspecting(self.spool_path), Spool(self.spool_path) as spool:
            try:
                while True:
                    yield
                    self._step(spool)
            finally:
                self._farewell(spool)

    def _step(self, spool: Spool) -> None:
        try:
            if self.facts.connected:
                self._turn(spool)
            elif self.clock.boottime() >= self._retry_at:
                self._begin(spool)
            else:
                self.pause(min(_IDLE_S * 2, self._retry_at - self.clock.boottime()))
        except BrokerError as error:
            self._lost(error)

    def _begin(self, spool: Spool) -> None:
        """A new session: everything that a newcomer must know is said again."""
        self.broker.connect(self._state("lost", spool))
        self.facts.connected, self.facts.why = True, ""
        self._in_flight.clear()
        self._since, self._since_us = self.clock.boottime(), self.clock.wall_us()
        self._dropped = False
        _LOG.info("broker connected")
        first = [self._online(spool), self._checkpoint(spool)]
        self._hear(self.broker.exchange(first, 0).received)

    def _lost(self, error: BrokerError) -> None:
        now = self.clock.boottime()
        if self.facts.connected and now - self._since >= _STEADY_S:
            self.backoff.failures = 0  # a session that held is no reason to wait longer
        wait_s = self.backoff.next_s()
        self._retry_at = self.clock.boottime() + wait_s
        self._in_flight.clear()
        known = not self.facts.connected and self.facts.why == str(error)
        told = "broker lost" if self.facts.connected else "broker not reached"
        self.facts.connected, self.facts.why = False, str(error)
        fields = {"why": str(error), "retry_in_s": round(wait_s, 1)}
        # The same reason again and again is told once: an outage may last for days.
        _LOG.log(logging.DEBUG if known else logging.WARNING, told, extra={"fields": fields})

    def _turn(self, spool: Spool) -> None:
        now = self.clock.boottime()
        batch = self._due(spool, now)
        wait_s = _IDLE_S if self._in_flight or not batch else 0.0
        exchange = self.broker.exchange(batch, wait_s)
        self._refused(exchange.refused, now)
        self._hear(exchange.received)
        if exchange.acknowledged:
            self._acknowledged(spool, exchange.acknowledged)
        elif self._in_flight and now - min(self._in_flight.values()) > _UNANSWERED_S:
            self.broker.disconnect()
            raise BrokerError(f"no acknowledgement for {_UNANSWERED_S:g} s")
        self._ask_again(now)
        if now >= self._persist_at:
            with suppress(SpoolFull):  # losing it costs duplicates only; deciding tells of it
                spool.persist()
            self.facts.pending, self.facts.newest = spool.depth(), spool.head().sequence
            self._persist_at = now + _PERSIST_S

    def _due(self, spool: Spool, now: float) -> list[Message]:
        """What is to be sent in this turn."""
        batch = [event_message(each.body, each.sequence) for each in self._next(spool)]
        for message in batch:
            self._in_flight[message.token] = now
        notice = self.notices.take(0)
        if notice is not None:
            batch.append(notice)
        if self._checkpoint_due(now):
            batch.append(self._checkpoint(spool))
        if self.versions() != self._said:
            batch.append(self._online(spool))
        return batch

    def _hear(self, messages: tuple[Message, ...]) -> None:
        """Pass on what came in. What does not fit is retained: it comes again when we connect."""
        if self.received is None:
            return
        for message in messages:
            try:
                self.received.put_nowait(message)
            except queue.Full:
                level = logging.DEBUG if self._dropped else logging.WARNING
                _LOG.log(level, "more comes in than is taken: some of it is dropped")
                self._dropped = True

    def _ask_again(self, now: float) -> None:
        """What was dropped may have been the newest: a new session brings what is retained."""
        steady = now - self._since >= _STEADY_S  # not more often, however much there is of it
        if self._dropped and steady and self.received is not None and self.received.empty():
            self.broker.disconnect()
            raise BrokerError("some of what came in was dropped: it is asked for again")

    def _next(self, spool: Spool) -> list[Kept]:
        """Events to send: half of the free places for the newest, half for the oldest.

        Places are filled when a quarter is free, so that a drain asks the spool seldom.
        """
        free = self.window - len(self._in_flight)
        if free * 4 < self.window:
            return []
        skip = self._in_flight.keys() | self._parked.keys()
        newest = spool.pending("newest", (free + 1) // 2, skip)
        chosen = {kept.sequence: kept for kept in newest}
        rest = free - len(newest)
        if rest > 0 and newest:
            skip = skip | chosen.keys()
            chosen |= {kept.sequence: kept for kept in spool.pending("oldest", rest, skip)}
        return [chosen[sequence] for sequence in sorted(chosen)]

    def _acknowledged(self, spool: Spool, tokens: tuple[int, ...]) -> None:
        self.backoff.failures = 0
        done = RangeSet()
        for token in tokens:
            if self._in_flight.pop(token, None) is not None:
                done.add(token)
        spool.delivered(done)

    def _refused(self, refused: tuple[tuple[int, str], ...], now: float) -> None:
        """What the broker will not have is tried again later, and does not stop the rest."""
        for token, why in refused:
            if why != self._refusal:
                self._refusal = why
                _LOG.error("the broker refuses what we publish", extra={"fields": {"why": why}})
            if self._in_flight.pop(token, None) is not None:
                self._parked[token] = now + _PARKED_S
        if len(self._parked) > _MOST_PARKED:
            self._parked.clear()
            self.broker.disconnect()
            raise BrokerError(f"the broker refuses what we publish: {self._refusal}")
        for token in [token for token, until in self._parked.items() if now >= until]:
            del self._parked[token]

    def _checkpoint_due(self, now: float) -> bool:
        lag = self.facts.newest - self._checkpoint_of
        waited = now - self._checkpoint_at >= _CHECKPOINT_S
        return lag >= _CHECKPOINT_EVENTS or (lag > 0 and waited)

    def _checkpoint(self, spool: Spool) -> Message:
        head = spool.head()
        claims = checkpoint_claims(
            spool.source,
            spool.site,
            (head.epoch, head.sequence, head.hash),
            stamp(self.clock, self.boot_id),
        )
        self._checkpoint_at, self._checkpoint_of = self.clock.boottime(), head.sequence
        self.facts.newest = head.sequence
        signed = self.signer.sign(claims, CHECKPOINT).encode("ascii")
        kind = "application/jose"
        return Message(self.topics.checkpoint, signed, retain=True, content_type=kind)

    def _online(self, spool: Spool) -> Message:
        self._said = self.versions()
        return self._state("online", spool, self._since_us)

    def _state(self, word: str, spool: Spool, since_us: int | None = None) -> Message:
        rules, trust = self.versions()
        facts = {
            "boot_id": self.boot_id,
            "epoch": spool.epoch,
            "firmware": self.firmware,
            "since_us": self.clock.wall_us() if since_us is None else since_us,
            "rules_version": rules,
            "trust_version": trust,
        }
        return state_message(self.topics, word, facts)

    def _farewell(self, spool: Spool) -> None:
        """A clean stop: a last checkpoint, and "offline" instead of the will's "lost"."""
        if not self.facts.connected:
            return
        try:
            last = [self._checkpoint(spool), self._state("offline", spool)]
            last[-1] = replace(last[-1], token=_FAREWELL_TOKEN)
            until = self.clock.boottime() + _FAREWELL_S
            while self.clock.boottime() < until:
                exchange = self.broker.exchange(last, _IDLE_S)
                last = []
                self._acknowledged(spool, exchange.acknowledged)
                if _FAREWELL_TOKEN in exchange.acknowledged:
                    break
            self.broker.disconnect()
        except BrokerError as error:
            _LOG.warning("no farewell", extra={"fields": {"why": str(error)}})
