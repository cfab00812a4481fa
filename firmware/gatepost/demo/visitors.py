"""The order in which invented people come to the demo's gate; each kind of code once at first."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from gatepost.demo import signed, unsigned
from gatepost.demo.issuers import Issuers
from gatepost.demo.people import Carrier, Presentation, Side, Visitor, present
from gatepost.errors import UsageError
from gatepost.model import Direction, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[int, random.Random, Issuers], Visitor]

__all__ = ["CASES", "EVERY_KIND", "Carrier", "Presentation", "Side", "Visitor", "make_visitors"]

OUT = " out"
# A case, who makes it, and its share of those who come after the first of each. The first eight
# are the mission's own.
CASES: tuple[tuple[Maker | None, int], ...] = (
    (unsigned.personal, 12),
    (unsigned.card, 6),
    (signed.passport, 4),
    (unsigned.on_behalf, 4),
    (unsigned.poster, 2),
    (unsigned.link, 2),
    (unsigned.label, 1),
    (None, 10),  # somebody comes back, and leaves
    (unsigned.insurance, 4),
    (signed.staff, 2),
    (signed.expired, 1),
    (signed.stranger, 1),
    (signed.health_card, 1),
    (signed.nz_pass, 1),
    (signed.ticket, 1),
    (signed.revoked, 1),
    (unsigned.licence, 1),
)
EVERY_KIND = len(CASES)  # so many visitors show all that a gate meets
_MAKERS = [maker for maker, _ in CASES]
_WEIGHTS = [weight for _, weight in CASES]
APART = 5  # visitors before one comes back: well past the gate's time for "seen already"


def make_visitors(count: int, seed: int, *, time_known: bool = True) -> list[Visitor]:
    """Invent `count` visitors, the same ones for the same seed.

    The first `EVERY_KIND` are one of each case, in a fixed order; the rest come as at a gate.
    Each has a code of their own, but for those who come back: they show the same code and leave.
    Signatures are those of `Issuers(seed)`; `time_known`: whether the gate knows the time, so
    that it can tell what has expired.

    Raises UsageError when `count` is negative.
    """
    if count < 0:
        raise UsageError(f"there cannot be {count} visitors; ask for none or more")
    rng, issuers = random.Random(seed), Issuers(seed)
    visitors: list[Visitor] = []
    for number in range(count):
        later = rng.choices(_MAKERS, _WEIGHTS)[0]
        maker = _MAKERS[number] if number < EVERY_KIND else later
        back = None if maker else _come_back(visitors, rng)
        visitor = back or (maker or unsigned.personal)(number, rng, issuers)
        visitors.append(visitor if time_known else _without_time(visitor))
    return visitors


def _come_back(before: list[Visitor], rng: random.Random) -> Visitor | None:
    """Let one of those who went in, long enough ago, leave; None when there is nobody."""
    texts = [visitor.text for visitor in before]
    inside = [
        visitor
        for visitor in before[: max(0, len(before) - APART)]
        if visitor.expected_direction is Direction.IN and texts.count(visitor.text) == 1
    ]
    if not inside:
        return None
    visitor = rng.choice(inside)
    return replace(
        visitor,
        name=f"{visitor.name}{OUT}",
        expected_direction=Direction.OUT,
        presentation=replace(present(rng, 1.0), module_px=visitor.presentation.module_px),
    )


def _without_time(visitor: Visitor) -> Visitor:
    """What is expected at a gate without time: it says that it cannot tell, and refuses nobody."""
    if not visitor.timed or visitor.expected_direction is Direction.OUT:
        return visitor
    reason, way = Reason.RECORDED_TIME_UNKNOWN, Direction.IN
    return replace(visitor, expected_reason=reason, expected_direction=way)
