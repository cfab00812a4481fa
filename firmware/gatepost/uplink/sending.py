"""All that an uplink sends, and what comes of it: events, replays, answers, word of itself."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.asked import Answer, Receipt
from gatepost.errors import BrokerError, Problem, SpoolBusy, SpoolFull
from gatepost.model import Message
from gatepost.timekeeping import stamp
from gatepost.uplink.telling import JOSE
from gatepost.wire import response_message

if TYPE_CHECKING:
    from gatepost.asked import Asked, Resend
    from gatepost.mailbox import Mailbox
    from gatepost.ports import Exchange
    from gatepost.spool import Carried, Spool
    from gatepost.uplink.answering import Answering
    from gatepost.uplink.background import Background
    from gatepost.uplink.facts import UplinkFacts
    from gatepost.uplink.live import Live
    from gatepost.uplink.telling import Telling
    from gatepost.wire import Response

_LOG = logging.getLogger(__name__)
_UNANSWERED_S = 30.0
_FORGOTTEN_S = 300.0  # a whole window on a line of 9,600 baud takes less than one
_MOST_PARKED = 1000
_PERSIST_S = 10.0  # each writes a page to the card; losing it costs duplicates only
_FACTS_S = 1.0
_EARLY_S = 0.2  # the first time
_PURGE_S = 3600.0


@dataclass(slots=True)
class Sending:
    """What is sent over the life of the worker, through any number of sessions.

    Attributes:
        window: most events in flight; answers and word of the station itself are few.
        notices: what others have to say; the newest counts.
        keep_days: how long delivered bundles stay; 0: for good.
    """

    spool: Spool
    carried: Carried | None
    live: Live
    background: Background
    answering: Answering
    telling: Telling
    notices: Mailbox[Message]
    facts: UplinkFacts
    window: int
    keep_days: int = 0
    _persist_at: float = 0.0
    _facts_at: float = 0.0
    _purge_at: float = 0.0
    _early: bool = True
    _answered_at: float = 0.0

    @property
    def in_flight(self) -> int:
        """How many events were sent and not acknowledged yet."""
        return self.live.in_flight + self.background.in_flight

    def wait_s(self, batch: list[Message], now: float, idle_s: float) -> float:
        """How long to wait for what comes back, when `batch` is all that is to be sent."""
        if batch and not self.in_flight:
            return 0.0
        paced = self.background.most / 2 / self.background.pace.per_s
        return min(idle_s, paced) if self.background.waiting(now) else idle_s

    def batch(self, now: float) -> list[Message]:
        """What is to be sent in this turn."""
        behind = self.background
        busy = behind.in_flight > 0 or behind.waiting(now)
        most = self.window - behind.most if busy else self.window
        most = min(max(1, most), self.window - behind.in_flight)
        batch = self.live.take(most, now)
        batch += behind.take(self.window - self.in_flight, now)
        batch += self.answering.take()
        notice = self.notices.take(0)
        if notice is not None:
            batch.append(notice)
        return batch + self.telling.due(now)

    def took(self, exchange: Exchange, now: float) -> None:
        """What the broker acknowledged and refused. Raises BrokerError when it is no use."""
        self.settled(exchange, now)
        if len(self.live.parked) > _MOST_PARKED:
            self.live.parked.clear()
            told = f"the broker refuses what we publish: {self.live.refusal}"
            raise BrokerError(told, Problem.PUBLISH_REFUSED)
        since_s = self._since(now)
        if since_s > _FORGOTTEN_S or min(since_s, now - self._answered_at) > _UNANSWERED_S:
            limit_s = _FORGOTTEN_S if since_s > _FORGOTTEN_S else _UNANSWERED_S
            raise BrokerError(f"no acknowledgement for {limit_s:g} s", Problem.UNACKNOWLEDGED)

    def settled(self, exchange: Exchange, now: float) -> None:
        """What the broker has, and what it will not have, is in flight no more."""
        for token, why in exchange.refused:
            ours = self.live.refused(token, why, now) or self.background.refused(token, why, now)
            if not ours:
                self.answering.refused(token, why)
        if exchange.acknowledged:
            self._answered_at = now
            if self._early:  # else a station that is killed early, again and again, never would
                self._early, self._persist_at = False, now + _EARLY_S
            self.live.acknowledged(exchange.acknowledged)
            self.background.acknowledged(exchange.acknowledged)
            for token in exchange.acknowledged:
                self.answering.acknowledged(token)

    def obey(self, asked: Asked) -> None:
        """Do what the centre asked for."""
        if isinstance(asked, Answer):
            self.answering.put(asked.message)
        elif isinstance(asked, Receipt):
            self._confirmed(asked)
        else:
            self._resend(asked)

    def finish(self) -> None:
        """What there is to say when a replay is over: what proves it, then the answers."""
        proofs, answers = self.background.replays.finished()
        for proof in proofs:
            self.answering.put(Message(self.telling.topics.replay, proof, content_type=JOSE))
        for response, topic in answers:
            self.answering.put(self._response(response, topic))

    def lost(self) -> None:
        """The session is over: what was not acknowledged is sent again."""
        self.live.lost()
        self.background.lost()
        self.answering.lost()

    def end(self) -> None:
        """What is carried is written down for the next start; the spool sees to itself."""
        if self.carried is not None:
            self.carried.persist()

    def persist(self, now: float) -> None:
        """Write down what is sent and delivered, and note the facts, now and then."""
        if now >= self._facts_at:
            self._facts_at = now + _FACTS_S
            self._note()
        if now < self._persist_at:
            return
        self._persist_at = now + _PERSIST_S
        with suppress(SpoolFull, SpoolBusy):  # losing it costs duplicates only; others tell of it
            self.spool.persist()
            if self.carried is not None:
                self.carried.persist()
                self._purge(self.carried, now)

    def _note(self) -> None:
        self.telling.newest = self.spool.head().sequence
        depth = self.spool.depth()
        self.facts.pending, self.facts.newest = depth, self.telling.newest
        self.facts.unconfirmed = self.telling.unconfirmed = depth - self.spool.unsent()
        self.facts.replaying = self.background.replays.left()
        self.facts.carried = self.carried.depth() if self.carried is not None else 0

    def _purge(self, carried: Carried, now: float) -> None:
        """Delivered bundles go, as delivered events do; one that cannot costs room alone."""
        if not self.keep_days or now < self._purge_at:
            return
        self._purge_at = now + _PURGE_S
        try:
            carried.purge(stamp(self.telling.clock, self.telling.boot_id), self.keep_days)
        except (OSError, ValueError, LookupError) as error:  # not ours to remove, or rotted
            fields = {"why": f"{type(error).__name__}: {error}"}
            _LOG.warning("a delivered bundle stays", extra={"fields": fields})

    def _since(self, now: float) -> float:
        """For how long the longest in flight of them has been so, seconds."""
        both = (self.live.since(), self.background.since())
        return now - min((each for each in both if each is not None), default=now)

    def _confirmed(self, receipt: Receipt) -> None:
        """Spool and bundles take what can be true of it: never events that are yet to come."""
        for each in receipt.of:
            if (each.source, each.epoch) == (self.spool.source, self.spool.epoch):
                self.spool.delivered(each.ranges)
            elif self.carried is not None:
                self.carried.delivered(each.source, each.epoch, each.ranges)

    def _resend(self, asked: Resend) -> None:
        response = self.background.replays.ask(asked)
        self.answering.put(self._response(response, asked.topic))

    def _response(self, response: Response, topic: str) -> Message:
        telling = self.telling
        now = stamp(telling.clock, telling.boot_id)
        return response_message(telling.topics, response, now, topic)
