"""The demo's visitors with signed codes: good ones, and those that are not to be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.central.passes import PassRequest, sign_pass
from gatepost.demo.dcc import LONG_PAST, NEVER_AGES, invent_passport
from gatepost.demo.foreign import invent_health_card, invent_nz_pass, invent_ticket
from gatepost.demo.issuers import REVOKED_PASS
from gatepost.demo.people import CARD_NAMES, Visitor, holder, present
from gatepost.model import Direction, Kind, Reason

if TYPE_CHECKING:
    import random

    from gatepost.demo.issuers import Issuers
    from gatepost.demo.people import Carrier


def passport(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """A vaccine passport, good."""
    text = invent_passport(holder(rng), rng, issuers.passports)
    carrier: Carrier = rng.choice(("phone", "paper"))
    shown = present(rng, rng.uniform(3.5, 3.9))
    return Visitor(
        f"passport on {carrier}",
        text,
        Kind.DCC,
        carrier,
        Reason.RECORDED,
        Direction.IN,
        shown,
        timed=True,
    )


def expired(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """One that is past its last day."""
    text = invent_passport(holder(rng), rng, issuers.passports, LONG_PAST)
    shown = present(rng, rng.uniform(3.5, 3.9))
    return Visitor(
        "passport, expired",
        text,
        Kind.DCC,
        "phone",
        Reason.EXPIRED,
        Direction.NONE,
        shown,
        timed=True,
    )


def stranger(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """One by an issuer whom nobody lists."""
    text = invent_passport(holder(rng), rng, issuers.stranger)
    shown = present(rng, rng.uniform(3.5, 3.9))
    name = "passport, stranger's"
    return Visitor(name, text, Kind.DCC, "phone", Reason.ISSUER_UNKNOWN, Direction.NONE, shown)


def health_card(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """A SMART Health Card with one vaccination."""
    text = invent_health_card(holder(rng), rng, issuers.health_cards)
    shown = present(rng, rng.uniform(3.5, 3.8))
    return Visitor(
        "SMART Health Card",
        text,
        Kind.SHC,
        "paper",
        Reason.RECORDED,
        Direction.IN,
        shown,
        timed=True,
    )


def nz_pass(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """A NZ COVID Pass."""
    text = invent_nz_pass(holder(rng), rng, issuers.nz_passes)
    shown = present(rng, rng.uniform(3.8, 4.4))
    return Visitor(
        "NZ COVID Pass", text, Kind.NZCP, "phone", Reason.RECORDED, Direction.IN, shown, timed=True
    )


def ticket(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """A ticket of pretix."""
    text = invent_ticket(rng, issuers.tickets)
    shown = present(rng, rng.uniform(4.4, 5.2))
    return Visitor(
        "pretix ticket", text, Kind.PRETIX, "paper", Reason.RECORDED, Direction.IN, shown
    )


def staff(_number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """Our own pass."""
    asked = PassRequest(
        "staff", NEVER_AGES, name=rng.choice(CARD_NAMES), identifier=rng.randbytes(12)
    )
    text = sign_pass(issuers.passes, asked)
    shown = present(rng, rng.uniform(4.4, 5.2))
    return Visitor(
        "staff pass", text, Kind.PASS, "paper", Reason.RECORDED, Direction.IN, shown, timed=True
    )


def revoked(number: int, rng: random.Random, issuers: Issuers) -> Visitor:
    """A pass of ours that was taken back."""
    asked = PassRequest(
        "guest", NEVER_AGES + number, name=rng.choice(CARD_NAMES), identifier=REVOKED_PASS
    )
    text = sign_pass(issuers.passes, asked)
    shown = present(rng, rng.uniform(4.4, 5.2))
    return Visitor(
        "guest pass, revoked", text, Kind.PASS, "phone", Reason.REVOKED, Direction.NONE, shown
    )
