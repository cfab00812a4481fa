"""Who comes to the demo's gate, and how they hold what they show. Nobody here exists.

Names are Vietnam's "John Doe" (a letter for a given name) or say that they are examples; citizen
numbers carry a province that was never given out (099); places do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from gatepost.demo.dcc import Holder

if TYPE_CHECKING:
    import random

    from gatepost.model import Direction, Kind, Reason, Verdict

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
    """Somebody who shows a code, and what the demo's gate makes of it.

    Attributes:
        name: what to call the case, for people.
        text: what the code holds.
        kind: what it should be recognised as.
        carrier: what it is shown on.
        expected_reason: why the gate should decide as it should.
        expected_direction: what a gate of direction "auto" should decide.
        presentation: how it is held.
        timed: whether it takes the time to tell if the code is valid.
    """

    name: str
    text: str
    kind: Kind
    carrier: Carrier
    expected_reason: Reason
    expected_direction: Direction
    presentation: Presentation
    timed: bool = False

    @property
    def expected_verdict(self) -> Verdict:
        """What the gate should decide."""
        return self.expected_reason.verdict


def present(rng: random.Random, module_px: float) -> Presentation:
    """Hold a code so that its smallest square is about `module_px` pixels large."""
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


def holder(rng: random.Random) -> Holder:
    """Invent somebody for a certificate."""
    family, given = rng.choice(FAMILIES).title(), f"Van {rng.choice(LETTERS)}"
    born = f"{rng.randint(1940, 2003)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return Holder(family, given, born)
