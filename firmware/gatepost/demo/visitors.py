"""Who comes to the demo's gate: invented people with invented codes.

Nobody here exists. Names are Vietnam's "John Doe" (a letter for a given name) or say that they
are examples; citizen numbers carry a province that was never given out (099); places do not exist.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from gatepost.demo.dcc import invent_passport
from gatepost.errors import UsageError
from gatepost.model import Direction, Kind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

Carrier: TypeAlias = Literal["phone", "paper", "card"]
Side: TypeAlias = Literal["left", "right", "below"]

FAMILIES = ("NGUYEN", "TRAN", "LE", "PHAM", "HOANG", "VU", "DANG", "BUI", "DO", "NGO")
LETTERS = "ABCDEGHIKLMNOPQRSTUVXY"
CARD_NAMES = (
    "Nguyễn Văn Mẫu",
    "Trần Thị Ví Dụ",
    "Lê Đức Thử",
    "Phạm Thị Giả Định",
    "Đỗ Hữu Không",
    "Vũ Thị Bịa",
)
CARD_PLACES = (
    "Thôn Ví Dụ, Xã Mẫu, Huyện Thử, Tỉnh Không Có",
    "Số 0 Phố Tưởng Tượng, P. Mẫu, TP Ví Dụ",
    "Tổ 99, Ấp Giả Định, Xã Thử Nghiệm, Tỉnh Mẫu",
)
VERDICTS = {
    Kind.PC_COVID: Verdict.ACCEPTED,
    Kind.CCCD: Verdict.ACCEPTED,
    Kind.DCC: Verdict.ACCEPTED,
    Kind.SITE: Verdict.REFUSED,
    Kind.URL: Verdict.NOT_UNDERSTOOD,
    Kind.UNKNOWN: Verdict.NOT_UNDERSTOOD,
}
# A passport whose issuer's key is missing says nothing that is believed, so not who comes.
KNOWS_WHO = (Kind.PC_COVID, Kind.CCCD)
COMES_BACK = "comes back"
ON_PAPER = ", on paper"
# The first eight show all that a gate meets; whoever comes after them is drawn by weight.
FIRST = ("personal", "card", "passport", "on behalf", "poster", "link", "unknown", COMES_BACK)
WEIGHTS = (6, 3, 2, 2, 1, 1, 1, 4)
APART = 5  # visitors before one comes back: well past the gate's time for "seen already"


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a visitor holds the code to the camera; pixels are those of a picture of 720 lines.

    Attributes:
        module_px: size of the code's smallest square while it is held, pixels.
        approach_s: from out of the picture to where it is held, seconds.
        hold_s: held there, seconds.
        leave_s: out again, seconds.
        side: where it comes in.
        roll_deg: turned in the picture's plane, degrees.
        yaw_deg: turned about the upright axis, degrees.
        pitch_deg: tipped about the level axis, degrees.
        glare: how much of a lamp the surface mirrors, 0 to 1.
        seed: for what is drawn at random: the hand, the creases, the tremor.
    """

    module_px: float
    approach_s: float
    hold_s: float
    leave_s: float
    side: Side
    roll_deg: float
    yaw_deg: float
    pitch_deg: float
    glare: float
    seed: int


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who shows a code, and what a gate with its default settings makes of it.

    Attributes:
        name: what to call the case, for people.
        text: what the code holds.
        kind: what it should be recognised as.
        carrier: what it is shown on.
        expected_verdict: what the gate should decide.
        expected_direction: what a gate of direction "auto" should decide.
        presentation: how it is held.
    """

    name: str
    text: str
    kind: Kind
    carrier: Carrier
    expected_verdict: Verdict
    expected_direction: Direction
    presentation: Presentation


def _present(rng: random.Random, module_px: float) -> Presentation:
    return Presentation(
        module_px=module_px * rng.uniform(0.94, 1.08),
        approach_s=rng.uniform(0.5, 0.8),
        hold_s=rng.uniform(0.9, 1.5),
        leave_s=rng.uniform(0.4, 0.6),
        side=rng.choice(("left", "right", "below")),
        roll_deg=rng.uniform(-9, 9),
        yaw_deg=rng.uniform(-16, 16),
        pitch_deg=rng.uniform(-14, 14),
        glare=rng.uniform(0.2, 1.0),
        seed=rng.getrandbits(32),
    )


def _visitor(
    name: str, text: str, kind: Kind, carrier: Carrier, presentation: Presentation
) -> Visitor:
    verdict = VERDICTS[kind]
    direction = Direction.IN if kind in KNOWS_WHO else Direction.NONE
    return Visitor(name, text, kind, carrier, verdict, direction, presentation)


def _pc_covid(rng: random.Random, number: int, flag: int, ext: str) -> str:
    middle = rng.choice(("VAN", "THI"))
    name = f"{rng.choice(FAMILIES)} {middle} {rng.choice(LETTERS)}"
    paper = f"******{rng.randrange(1_000_000):06}"
    return f"{paper}|{name}|{rng.randint(1940, 2012)}-**-**|{flag}|{_qid(number, rng)}|{ext}"


def _qid(number: int, rng: random.Random) -> str:
    """Make an invented QID, unique within a run by the visitor's number."""
    return f"QID{number:04}{rng.randrange(100_000):05}"


def _personal(number: int, rng: random.Random) -> Visitor:
    text = _pc_covid(rng, number, 0, str(rng.randint(0, 1)))
    shown = _present(rng, rng.uniform(4.6, 6))
    return _visitor("PC-Covid on a phone", text, Kind.PC_COVID, "phone", shown)


def _on_behalf(number: int, rng: random.Random) -> Visitor:
    text = _pc_covid(rng, number, 1, f"{rng.randint(0, 1)}<{_qid(9000 + number % 1000, rng)}")
    name = f"PC-Covid by another{ON_PAPER}"
    return _visitor(name, text, Kind.PC_COVID, "paper", _present(rng, rng.uniform(4.2, 5.2)))


def _card(_number: int, rng: random.Random) -> Visitor:
    year, woman = rng.randint(1945, 2005), rng.randint(0, 1)
    sex = woman + (2 if year >= 2000 else 0)
    citizen = f"099{sex}{year % 100:02}{rng.randrange(1_000_000):06}"
    old = f"{rng.randrange(10**9):09}" if rng.random() < 0.6 else ""
    name = rng.choice([name for name in CARD_NAMES if ("Thị" in name) == bool(woman)])
    born = f"{rng.randint(1, 28):02}{rng.randint(1, 12):02}{year}"
    issued = f"{rng.randint(1, 28):02}{rng.randint(3, 12):02}2021"
    place, gender = rng.choice(CARD_PLACES), ("Nam", "Nữ")[woman]
    text = f"{citizen}|{old}|{name}|{born}|{gender}|{place}|{issued}"
    return _visitor(
        "citizen card (CCCD)", text, Kind.CCCD, "card", _present(rng, rng.uniform(3.3, 3.7))
    )


def _passport(_number: int, rng: random.Random) -> Visitor:
    family, given = rng.choice(FAMILIES).title(), f"Van {rng.choice(LETTERS)}"
    born = f"{rng.randint(1940, 2003)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    text = invent_passport(family, given, born, rng)
    carrier: Carrier = rng.choice(("phone", "paper"))
    name = "vaccine passport on " + ("a phone" if carrier == "phone" else "paper")
    return _visitor(name, text, Kind.DCC, carrier, _present(rng, rng.uniform(3.5, 3.9)))


def _poster(_number: int, rng: random.Random) -> Visitor:
    text = f"https://qr.tokhaiyte.vn/vi-du/dia-diem/{rng.getrandbits(40):010x}"
    name = "a place's poster"
    return _visitor(name, text, Kind.SITE, "paper", _present(rng, rng.uniform(5, 6.5)))


def _link(_number: int, rng: random.Random) -> Visitor:
    text = f"https://example.com/thuc-don/{rng.randrange(10_000)}"
    carrier: Carrier = rng.choice(("phone", "paper"))
    return _visitor(
        "an unrelated link", text, Kind.URL, carrier, _present(rng, rng.uniform(5.5, 7))
    )


def _unknown(_number: int, rng: random.Random) -> Visitor:
    text = f"THU VIEN VI DU / KE {rng.randrange(100):02} / SACH {rng.randrange(10**6):06}"
    return _visitor(
        "a library's label", text, Kind.UNKNOWN, "paper", _present(rng, rng.uniform(5, 6.5))
    )


MAKERS: dict[str, Callable[[int, random.Random], Visitor]] = {
    "personal": _personal,
    "card": _card,
    "passport": _passport,
    "on behalf": _on_behalf,
    "poster": _poster,
    "link": _link,
    "unknown": _unknown,
}


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
        name=f"{visitor.name.removesuffix(ON_PAPER)}, leaving",
        expected_direction=Direction.OUT,
        presentation=replace(_present(rng, 1.0), module_px=visitor.presentation.module_px),
    )


def make_visitors(count: int, seed: int) -> list[Visitor]:
    """Invent `count` visitors, the same ones for the same seed.

    The first eight are one of each case, in a fixed order; the rest come as at a gate. Each has
    a code of their own, but for those who come back: they show the same code and leave.

    Raises UsageError when `count` is negative.
    """
    if count < 0:
        raise UsageError(f"there cannot be {count} visitors; ask for none or more")
    rng = random.Random(seed)
    visitors: list[Visitor] = []
    for number in range(count):
        later = rng.choices(FIRST, WEIGHTS)[0]
        case = FIRST[number] if number < len(FIRST) else later
        back = _come_back(visitors, rng) if case == COMES_BACK else None
        visitors.append(back or MAKERS.get(case, _personal)(number, rng))
    return visitors
