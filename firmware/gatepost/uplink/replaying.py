"""Events that the centre asked for again: kept as ranges, read page by page as they are sent."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.ranges import RangeSet
from gatepost.uplink.asking import Ask, Key, reply
from gatepost.uplink.wording import message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatepost.asked import Resend
    from gatepost.model import Message
    from gatepost.spool import Carried, Kept, Spool
    from gatepost.wire import Response

_LOG = logging.getLogger(__name__)
_HELD_S = 60.0
_MOST_RANGES = 10_000
_MOST_ASKS = 64
_MOST_REMEMBERED = 256
_MOST_READS = 20


@dataclass(slots=True)
class _Job:
    """What of one epoch is to be sent again.

    Attributes:
        asked: all of it; who asks for it twice gets it once, until it was all sent.
        wanted: what is not read yet; `reading`: what is being read, from `at` to `last`.
        lacking: what was looked for in vain.
    """

    read: Callable[[int, int], Iterator[Kept]]
    asked: RangeSet = field(default_factory=RangeSet)
    wanted: RangeSet = field(default_factory=RangeSet)
    lacking: RangeSet = field(default_factory=RangeSet)
    flying: int = 0
    reading: Iterator[Kept] | None = None
    at: int = 0
    last: int = 0

    def add(self, first: int, last: int) -> None:
        for gap in self.asked.gaps(first, last):
            self.wanted.add(*gap)
        self.asked.add(first, last)

    def next(self) -> Kept | None:
        """The next event; None: the range that was begun has no more."""
        if self.reading is None:
            self.at, self.last = next(iter(self.wanted))
            self.wanted.remove(self.at, self.last)
            self.reading = self.read(self.at, self.last)
        kept = next(self.reading, None)
        end = self.last if kept is None else kept.sequence - 1
        if self.at <= end:
            self.lacking.add(self.at, end)
        if kept is None:
            self.reading = None
        else:
            self.at = kept.sequence + 1
        return kept

    def rewind(self) -> None:
        """What is not read of the range that was begun is wanted again."""
        if self.reading is not None and self.at <= self.last:
            self.wanted.add(self.at, self.last)
        self.reading = None

    def left(self) -> int:
        """How many are still to be sent, as far as they are held."""
        begun = self.last - self.at + 1 if self.reading is not None else 0
        return self.wanted.count() + begun + self.flying

    @property
    def idle(self) -> bool:
        """Whether there is nothing to read."""
        return self.reading is None and not self.wanted

    @property
    def done(self) -> bool:
        return self.idle and self.flying == 0


@dataclass(slots=True)
class Replays:
    """What is to be sent again on request.

    Attributes:
        topic: where to; `token`: gives a new token; `prove`: called when all of it was sent.
        carried: events of others and of former epochs that can be asked for, too.
    """

    spool: Spool
    carried: Carried | None
    topic: str
    token: Callable[[], int]
    prove: Callable[[], None]
    _jobs: dict[Key, _Job] = field(default_factory=dict)
    _asks: list[Ask] = field(default_factory=list)
    _answered: OrderedDict[str, Response] = field(default_factory=OrderedDict)
    _flying: dict[int, tuple[Key, int, float]] = field(default_factory=dict)
    _held_until: float = 0.0
    _refusal: str = ""

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    def since(self) -> float | None:
        """When the longest in flight of them was sent, seconds of boot time."""
        first = next(iter(self._flying.values()), None)
        return first[2] if first else None

    def waiting(self, now: float) -> bool:
        """Whether there is anything to send."""
        return now >= self._held_until and any(not job.idle for job in self._jobs.values())

    def left(self) -> int:
        """How many events are still to be sent."""
        return sum(job.left() for job in self._jobs.values())

    def ask(self, resend: Resend) -> Response:
        """Take a request; what to answer now. `finished` gives the last word on it."""
        if (known := self._answered.get(resend.id)) is not None:
            return known
        ask = Ask.of(resend)
        ask.cut(self._own, self.spool.newest())
        if len(self._asks) >= _MOST_ASKS or self._ranges() >= _MOST_RANGES:
            return reply(resend.id, "refused", "too much is asked for at once: ask again later")
        if not ask.wanted:
            return self._remember(ask.told())
        for key, ranges in ask.wanted.items():
            job = self._jobs.setdefault(key, _Job(self._reader(key)))
            for first, last in ranges:
                job.add(first, last)
        self._asks.append(ask)
        return self._remember(reply(resend.id, "accepted", "it is being sent again"))

    def take(self, places: int, now: float) -> list[Message]:
        """Up to `places` events; few reads, so that a turn is short. Raises SpoolDamaged."""
        messages: list[Message] = []
        for _ in range(places + _MOST_READS):
            job = self._current()
            if job is None or len(messages) >= places or now < self._held_until:
                break
            key, work = job
            kept = work.next()
            message = self._worded(key, work, kept) if kept is not None else None
            if kept is not None and message is not None:
                self._flying[message.token] = (key, kept.sequence, now)
                work.flying += 1
                messages.append(message)
        return messages

    def _worded(self, key: Key, work: _Job, kept: Kept) -> Message | None:
        """None for a carried one that has rotted: it is not held any more.

        Raises SpoolDamaged for one of our own.
        """
        try:
            return message_of(key, kept, self.token(), self.topic)
        except SpoolDamaged as error:
            if key == self._own:
                raise
            work.lacking.add(kept.sequence)
            _LOG.warning("a carried event is damaged", extra={"fields": {"why": str(error)}})
        return None

    def acknowledged(self, token: int) -> bool:
        """Whether it was one of ours."""
        flown = self._flying.pop(token, None)
        if flown is not None:
            self._jobs[flown[0]].flying -= 1
        return flown is not None

    def refused(self, token: int, why: str, now: float) -> bool:
        """The topic is refused, so all of them would be: none is sent for a while."""
        flown = self._flying.pop(token, None)
        if flown is None:
            return False
        self._back(flown[0], flown[1])
        self._held_until = now + _HELD_S
        if why != self._refusal:
            self._refusal = why
            fields = {"why": why, "topic": self.topic}
            _LOG.error("the broker refuses what is sent again", extra={"fields": fields})
        return True

    def lost(self) -> None:
        """The session is over: what was in flight is sent again."""
        for key, sequence, _ in self._flying.values():
            self._back(key, sequence)
        self._flying.clear()
        for job in self._jobs.values():
            job.rewind()

    def finished(self) -> tuple[list[bytes], list[tuple[Response, str]]]:
        """What is to be said now that all was sent.

        Signed checkpoints (JWS) of what is carried; the last word on requests, each with the
        topic for it.
        """
        over = [key for key, job in self._jobs.items() if job.done]
        if not over:
            return [], []
        proofs: list[bytes] = []
        for key in over:
            job = self._jobs.pop(key)
            proofs += self._proofs(key)
            for ask in self._asks:
                ask.over(key, job.lacking)
        told = [ask for ask in self._asks if not ask.wanted.keys() & self._jobs.keys()]
        self._asks = [ask for ask in self._asks if ask.wanted.keys() & self._jobs.keys()]
        return proofs, [(self._remember(ask.told()), ask.topic) for ask in told]

    def _proofs(self, key: Key) -> list[bytes]:
        """By its checkpoint the centre sees that it has everything of an epoch."""
        if key == self._own:
            self.prove()
            return []
        bundles = self.carried.bundles if self.carried is not None else []
        return [
            each.trailer.checkpoint.encode("ascii")
            for each in bundles
            if (each.header.source, each.header.epoch) == key and each.trailer.checkpoint
        ]

    @property
    def _own(self) -> Key:
        return self.spool.source, self.spool.epoch

    def _ranges(self) -> int:
        return sum(len(job.asked) for job in self._jobs.values())

    def _reader(self, key: Key) -> Callable[[int, int], Iterator[Kept]]:
        if key == self._own:
            return self.spool.range
        if self.carried is None:
            return lambda _first, _last: iter(())
        source, epoch = key
        return partial(self.carried.find, source, epoch)

    def _current(self) -> tuple[Key, _Job] | None:
        return next((each for each in self._jobs.items() if not each[1].idle), None)

    def _back(self, key: Key, sequence: int) -> None:
        job = self._jobs[key]
        job.flying -= 1
        job.wanted.add(sequence)

    def _remember(self, answer: Response) -> Response:
        self._answered[answer.id] = answer
        while len(self._answered) > _MOST_REMEMBERED:
            self._answered.popitem(last=False)
        return answer
