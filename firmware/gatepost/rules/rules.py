"""A gate's rules as the gate reads them: parsed once, nothing in them contradicts the rest."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass names it
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatepost.model import NOBODY, Kind
from gatepost.rules.hours import ALWAYS, Hours
from gatepost.subjects import token

if TYPE_CHECKING:
    from gatepost.model import Direction


class AntiPassback(StrEnum):
    """What becomes of somebody who comes in twice without going out."""

    RECORD = "record"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class KindRules:
    """More on one kind of signed code.

    Attributes:
        required: whether its signature must be good; else an unknown issuer is let through.
        max_age_days: since it was issued; None: any.
        issuers: whose are accepted; empty: everybody's.
    """

    required: bool = True
    max_age_days: int | None = None
    issuers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subjects:
    """A list of people, by what stands for them under its salt."""

    salt: str = ""
    tokens: frozenset[str] = frozenset()

    def has(self, basis: str, identity: str) -> bool:
        """Whether that identity is on the list."""
        return bool(self.tokens) and token(self.salt, basis, identity) in self.tokens


_NOBODY = Subjects()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a gate goes by. Its defaults are the mission's own: PC-Covid, who comes and goes.

    Attributes:
        accept: kinds of code.
        only_way: in or out; None: both.
        repeat_s: the same person the same way within it is "seen already", seconds.
        day_reset: local time at which the day is forgotten.
        hours: when the place is open.
        capacity: how many may be inside; 0: any number.
        kinds: more on signed kinds.
        deny, allow: lists of people; `allow_only`: nobody but who is on `allow`.
    """

    accept: frozenset[Kind] = frozenset({Kind.PC_COVID, Kind.CCCD, Kind.BHYT})
    only_way: Direction | None = None
    repeat_s: float = 10.0
    day_reset: time = time(4)
    hours: Hours = ALWAYS
    capacity: int = 0
    anti_passback: AntiPassback = AntiPassback.RECORD
    kinds: Mapping[Kind, KindRules] = field(default_factory=lambda: MappingProxyType({}))
    deny: Subjects = _NOBODY
    allow: Subjects = _NOBODY
    allow_only: bool = False

    def of(self, kind: Kind) -> KindRules:
        """What holds for a kind."""
        return self.kinds.get(kind, _STRICT)


_STRICT = KindRules()
DEFAULT = Rules()
EVERYTHING = Rules(accept=frozenset(Kind) - NOBODY)
