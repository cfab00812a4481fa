"""Worker: what the centre desires -> checked -> kept on the card -> deciding's inbox.

Rules and trust lists come retained over MQTT, or from another process that wrote the card.
What is refused is recorded too, but a hostile broker cannot fill the log or the card with it.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.desired import Desire, NotKept, Order, Refused
from gatepost.model import AuditRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gatepost.desired import Desired, Held
    from gatepost.model import Message
    from gatepost.ports import Clock
    from gatepost.wire import Topics

_LOG = logging.getLogger(__name__)
WAITING = 8  # messages that may wait, of up to 4 MiB each
_WAIT_S = 0.5
_LOOK_S = 1.0
_PACE_S = 0.2
_AGAIN_S = 30.0
_HOUR_S = 3600.0
_MOST_REMEMBERED = 256
_MOST_DETAIL = 200
_MOST_ACTOR = 64


@dataclass(slots=True)
class Commands:
    """What the worker needs.

    Attributes:
        received: what came from the broker; what does not fit in comes again.
        inbox: the deciding worker's.
        most_refusals: how many are recorded in an hour.
    """

    received: queue.Queue[Message]
    inbox: queue.Queue[Order]
    held: Held
    topics: Topics
    clock: Clock
    most_refusals: int = 20
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    _told: deque[bytes] = field(default_factory=lambda: deque(maxlen=_MOST_REMEMBERED))
    _refusals: deque[float] = field(default_factory=deque)
    _quiet: bool = False
    _look_at: float = 0.0
    _later: dict[Desire, bytes] = field(default_factory=dict)
    _later_at: float = 0.0
    _problems: dict[Desire, str] = field(default_factory=dict)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: a flush of a slow card, and a lock that is not let go."""
        self._tidy()
        while True:
            yield
            try:
                order = self._message(self.received.get(timeout=_WAIT_S))
            except queue.Empty:
                order = None
            yield
            for each in [*([order] if order else []), *self._due()]:
                yield from self._hand(each)

    def _tidy(self) -> None:
        try:
            self.held.tidy()
        except NotKept as error:
            _LOG.warning("leftovers stay", extra={"fields": {"why": str(error)}})

    def _hand(self, order: Order) -> Generator[None, None, None]:
        """Into the inbox, when there is room: what is kept must be applied, too."""
        while True:
            try:
                self.inbox.put(order, timeout=_WAIT_S)
            except queue.Full:
                yield
            else:
                return

    def _message(self, message: Message) -> Order | None:
        if message.topic not in self.topics.desired or not message.payload:
            # An empty one: nobody desires anything any more. What is held holds on.
            _LOG.debug("not for us", extra={"fields": {"topic": message.topic[:100]}})
            return None
        return self._take(message.payload, Desire(message.topic.rpartition("/")[2]))

    def _take(self, token: bytes, kind: Desire) -> Order | None:
        self._later.pop(kind, None)
        try:
            desired = self.held.take(token, kind, self.held.when(self.clock))
        except NotKept as error:  # the card, not the token: once more in a while
            self._later[kind], self._later_at = token, self.clock.boottime() + _AGAIN_S
            return self._refused(token, kind, Refused(str(error)))
        except Refused as error:
            self.pause(_PACE_S)  # however many there are, the gate goes on
            return self._refused(token, kind, error)
        return self._applied(desired, desired.signer) if desired else None

    def _due(self) -> list[Order]:
        """What another process wrote, and what could not be kept before."""
        now = self.clock.boottime()
        orders = []
        if self._later and now >= self._later_at:
            again = [self._take(token, kind) for kind, token in list(self._later.items())]
            orders += [order for order in again if order is not None]
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            orders += [self._applied(desired, "local") for desired in self.held.look()]
            self._tell_problems()
        return orders

    def _tell_problems(self) -> None:
        for kind, why in self.held.problems.items():
            if self._problems.get(kind) != why:
                fields = {"kind": kind.value, "why": why[:_MOST_DETAIL]}
                _LOG.error("what is held is not believed", extra={"fields": fields})
        self._problems = dict(self.held.problems)

    def _applied(self, desired: Desired, actor: str) -> Order:
        kind, version = desired.kind.value, desired.version
        fields = {"kind": kind, "version": version, "signer": desired.signer, "by": actor}
        _LOG.info("desired state taken", extra={"fields": fields})
        detail = f"version {version}, signed by {desired.signer}"
        return Order(AuditRecord(f"apply-{kind}", actor[:_MOST_ACTOR], "applied", detail), desired)

    def _refused(self, token: bytes, kind: Desire, why: Refused) -> Order | None:
        """Told once, and not more than some in an hour."""
        mark = hashlib.sha256(kind.value.encode() + token.strip()).digest()
        now = self.clock.boottime()
        while self._refusals and now - self._refusals[0] >= _HOUR_S:
            self._refusals.popleft()
        if mark in self._told or not self._room():
            return None
        self._told.append(mark)
        self._refusals.append(now)
        detail, actor = _ascii(str(why), _MOST_DETAIL), _ascii(why.signer, _MOST_ACTOR)
        fields = {"kind": kind.value, "signer": actor, "why": detail}
        _LOG.warning("desired state refused", extra={"fields": fields})
        return Order(AuditRecord(f"apply-{kind.value}", actor, "refused", detail))

    def _room(self) -> bool:
        full = len(self._refusals) >= self.most_refusals
        if full and not self._quiet:
            _LOG.warning("many desired states are refused: not all are told any more")
        self._quiet = full
        return not full


def _ascii(text: str, most: int) -> str:
    """It may quote what somebody sent: one line of plain letters, not too long."""
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(each if each.isprintable() else "?" for each in plain)[:most]
