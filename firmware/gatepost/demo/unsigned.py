"""The demo's visitors with codes that nobody signed, or that name no visitor at all."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from gatepost.demo.people import CARD_NAMES, FAMILIES, LETTERS, Carrier, Visitor, present
from gatepost.model import Direction, Kind, Reason

if TYPE_CHECKING:
    import random

    from gatepost.demo.issuers import Issuers
    from gatepost.demo.people import Presentation

CARD_PLACES = (
    "Thôn Ví Dụ, Xã Mẫu, Huyện Thử, Tỉnh Không Có",
    "Số 0 Phố Tưởng Tượng, P. Mẫu, TP Ví Dụ",
    "Tổ 99, Ấp Giả Định, Xã Thử Nghiệm, Tỉnh Mẫu",
)
INSURED = ("DN", "HC", "GD", "HS")  # groups of an insurance card


def _comes_in(
    name: str,
    text: str,
    kind: Kind,
    carrier: Carrier,
    shown: Presentation,
    reason: Reason = Reason.RECORDED,
) -> Visitor:
    return Visitor(name, text, kind, carrier, reason, Direction.IN, shown)


def _nobody(
    name: str, text: str, kind: Kind, carrier: Carrier, shown: Presentation, reason: Reason
) -> Visitor:
    return Visitor(name, text, kind, carrier, reason, Direction.NONE, shown)


def _pc_covid(rng: random.Random, number: int, flag: int, ext: str) -> str:
    middle = rng.choice(("VAN", "THI"))
    name = f"{rng.choice(FAMILIES)} {middle} {rng.choice(LETTERS)}"
    paper = f"******{rng.randrange(1_000_000):06}"
    return f"{paper}|{name}|{rng.randint(1940, 2012)}-**-**|{flag}|{_qid(number, rng)}|{ext}"


def _qid(number: int, rng: random.Random) -> str:
    """Make an invented QID, unique within a run by the visitor's number."""
    return f"QID{number:04}{rng.randrange(100_000):05}"


def personal(number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """A PC-Covid code on a phone."""
    text = _pc_covid(rng, number, 0, str(rng.randint(0, 1)))
    shown = present(rng, rng.uniform(4.6, 6))
    return _comes_in("PC-Covid on phone", text, Kind.PC_COVID, "phone", shown)


def on_behalf(number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """One that somebody else declared, printed for who has no phone."""
    text = _pc_covid(rng, number, 1, f"{rng.randint(0, 1)}<{_qid(9000 + number % 1000, rng)}")
    shown, reason = present(rng, rng.uniform(4.2, 5.2)), Reason.RECORDED_FOR_ANOTHER
    return _comes_in("PC-Covid by proxy", text, Kind.PC_COVID, "paper", shown, reason)


def card(_number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """A citizen card."""
    year, woman = rng.randint(1945, 2005), rng.randint(0, 1)
    sex = woman + (2 if year >= 2000 else 0)
    citizen = f"099{sex}{year % 100:02}{rng.randrange(1_000_000):06}"
    old = f"{rng.randrange(10**9):09}" if rng.random() < 0.6 else ""
    name = rng.choice([name for name in CARD_NAMES if ("Thị" in name) == bool(woman)])
    born = f"{rng.randint(1, 28):02}{rng.randint(1, 12):02}{year}"
    issued = f"{rng.randint(1, 28):02}{rng.randint(3, 12):02}2021"
    place, gender = rng.choice(CARD_PLACES), ("Nam", "Nữ")[woman]
    text = f"{citizen}|{old}|{name}|{born}|{gender}|{place}|{issued}"
    return _comes_in("citizen card", text, Kind.CCCD, "card", present(rng, rng.uniform(3.3, 3.7)))


def insurance(_number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """A health-insurance card."""
    number = f"{rng.choice(INSURED)}4{rng.choice(('01', '48', '79'))}{rng.randrange(10**10):010}"
    name = rng.choice(CARD_NAMES).encode().hex()
    born = f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(1945, 2005)}"
    text = f"{number}|{name}|{born}|{rng.randint(1, 2)}|$"
    return _comes_in(
        "insurance card", text, Kind.BHYT, "paper", present(rng, rng.uniform(4.2, 5.2))
    )


def poster(_number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """Somebody who shows what hangs at the door."""
    text = f"https://qr.tokhaiyte.vn/vi-du/dia-diem/{rng.getrandbits(40):010x}"
    shown = present(rng, rng.uniform(5, 6.5))
    return _nobody("a place's poster", text, Kind.SITE, "paper", shown, Reason.POSTER_SHOWN)


def link(_number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """A web link that names nobody."""
    text = f"https://example.com/thuc-don/{rng.randrange(10_000)}"
    carrier: Carrier = rng.choice(("phone", "paper"))
    shown = present(rng, rng.uniform(5.5, 7))
    return _nobody("an unrelated link", text, Kind.URL, carrier, shown, Reason.LINK_SHOWN)


def label(_number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """A text of no kind."""
    text = f"THU VIEN VI DU / KE {rng.randrange(100):02} / SACH {rng.randrange(10**6):06}"
    shown = present(rng, rng.uniform(5, 6.5))
    return _nobody("a library's label", text, Kind.UNKNOWN, "paper", shown, Reason.KIND_UNKNOWN)


def licence(_number: int, rng: random.Random, _issuers: Issuers) -> Visitor:
    """A mobile driving licence."""
    offer = base64.urlsafe_b64encode(rng.randbytes(96)).decode()
    shown = present(rng, rng.uniform(4.6, 6))
    return _nobody(
        "driving licence", f"mdoc:{offer}", Kind.MDOC, "phone", shown, Reason.LICENCE_SHOWN
    )
