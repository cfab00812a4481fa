"""Rules and trust lists: taken when they come, and when another process wrote the card."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.commands.refusals import MOST_ACTOR, MOST_DETAIL, Hourly, Refusals, plain
from gatepost.desired import Desire, NotKept, Order, Refused
from gatepost.model import AuditRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.desired import Desired, Held
    from gatepost.ports import Clock

_LOG = logging.getLogger(__name__)
_LOOK_S = 1.0
_PACE_S = 0.2
_AGAIN_S = 30.0


@dataclass(slots=True)
class Desires:
    """Takes them. `pause` waits so many seconds; `most_refusals`: recorded in an hour."""

    held: Held
    clock: Clock
    pause: Callable[[float], object]
    most_refusals: int
    _refusals: Refusals = field(init=False)
    _look_at: float = 0.0
    _later: dict[Desire, bytes] = field(default_factory=dict)
    _later_at: float = 0.0
    _problems: dict[Desire, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._refusals = Refusals("desired states", Hourly(self.most_refusals))

    def tidy(self) -> None:
        """Remove what a torn write has left."""
        try:
            self.held.tidy()
        except NotKept as error:
            _LOG.warning("leftovers stay", extra={"fields": {"why": str(error)}})

    def take(self, token: bytes, kind: Desire) -> list[Order]:
        """What came from the broker."""
        if not token:  # nobody desires anything any more: what is held holds on
            return []
        order = self._take(token, kind)
        return [order] if order is not None else []

    def due(self) -> list[Order]:
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

    def _tell_problems(self) -> None:
        for kind, why in self.held.problems.items():
            if self._problems.get(kind) != why:
                fields = {"kind": kind.value, "why": why[:MOST_DETAIL]}
                _LOG.error("what is held is not believed", extra={"fields": fields})
        self._problems = dict(self.held.problems)

    def _applied(self, desired: Desired, actor: str) -> Order:
        kind, version = desired.kind.value, desired.version
        fields = {"kind": kind, "version": version, "signer": desired.signer, "by": actor}
        _LOG.info("desired state taken", extra={"fields": fields})
        detail = f"version {version}, signed by {desired.signer}"
        return Order(AuditRecord(f"apply-{kind}", actor[:MOST_ACTOR], "applied", detail), desired)

    def _refused(self, token: bytes, kind: Desire, why: Refused) -> Order | None:
        if not self._refusals.news(kind.value, token, self.clock.boottime()):
            return None
        detail, actor = plain(str(why), MOST_DETAIL), plain(why.signer, MOST_ACTOR)
        fields = {"kind": kind.value, "signer": actor, "why": detail}
        _LOG.warning("desired state refused", extra={"fields": fields})
        return Order(AuditRecord(f"apply-{kind.value}", actor, "refused", detail))
