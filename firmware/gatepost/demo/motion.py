"""How a hand brings a code to the camera, holds it there and takes it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gatepost.demo.troubles import NONE

if TYPE_CHECKING:
    from gatepost.demo.carriers import Drawn
    from gatepost.demo.troubles import Trouble
    from gatepost.demo.visitors import Side, Visitor

# Where the code is held, as a share of the picture: a card so that most of it is in the picture.
HELD_AT = {"phone": (0.5, 0.46), "paper": (0.5, 0.44), "card": (0.7, 0.3)}
LAG_S = 0.16  # time constant of a lens that looks for its focus
TREMOR_HZ = (0.9, 2.3, 6.1)
SWAY_HZ = (0.8, 1.5)  # of an arm that does not come to rest


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the code's centre is (pixels of the picture), its scale and its turns (degrees)."""

    x: float
    y: float
    scale: float
    roll: float
    yaw: float
    pitch: float

    def rotation(self) -> npt.NDArray[np.float64]:
        """Give the turns as a matrix, float64[3,3]: roll first, then pitch, then yaw."""
        (rc, rs), (pc, ps), (yc, ys) = (
            (np.cos(angle), np.sin(angle))
            for angle in np.radians((self.roll, self.pitch, self.yaw))
        )
        roll = np.array([(rc, -rs, 0), (rs, rc, 0), (0, 0, 1)])
        pitch = np.array([(1, 0, 0), (0, pc, -ps), (0, ps, pc)])
        yaw = np.array([(yc, 0, ys), (0, 1, 0), (-ys, 0, yc)])
        return np.asarray(yaw @ pitch @ roll, np.float64)


class Motion:
    """The way of one carrier; times are seconds from when the hand begins to move."""

    def __init__(
        self,
        visitor: Visitor,
        drawn: Drawn,
        shown_px: float,
        size: tuple[int, int],
        tremor_px: float,
        trouble: Trouble = NONE,
    ) -> None:
        shown = visitor.presentation
        rng = np.random.default_rng([shown.seed, 1])
        self._shown = shown
        self._size = size
        self._scale = shown_px / drawn.module
        share = np.array(HELD_AT[visitor.carrier]) + rng.uniform(-0.05, 0.05, 2)
        self._held = share * size
        sides: tuple[Side, ...] = (shown.side, rng.choice(("left", "right", "below")))
        self._from, self._to = (self._outside(side, drawn) for side in sides)
        self._tremor = rng.uniform(-tremor_px, tremor_px, (3, 2)) / np.sqrt((1, 2, 6))[:, None]
        self._phases = rng.uniform(0, 2 * np.pi, (3, 2))
        self._swing = rng.uniform(-28, 28, 3)
        self._glare = rng.uniform(-0.25, 0.25), rng.choice((-1, 1)) * rng.uniform(0.1, 0.35)
        self._trouble = trouble
        rng = np.random.default_rng([shown.seed, 4])
        angle, self._sway_hz = rng.uniform(0, np.pi), rng.uniform(*SWAY_HZ)
        self._sway = np.array((np.cos(angle), np.sin(angle))) * (trouble.sway_px * size[1] / 720)
        angle = rng.uniform(0, 2 * np.pi)
        self._aside = np.array((np.cos(angle), np.sin(angle))) * (trouble.aside_px * size[1] / 720)
        self.duration_s = shown.approach_s + shown.hold_s + shown.leave_s

    def _outside(self, side: Side, drawn: Drawn) -> npt.NDArray[np.float64]:
        """Where the code's centre is while the whole carrier is just outside the picture."""
        width, height = self._size
        sheet_width = drawn.luma.shape[1]
        x, y = drawn.centre
        reach = self._scale * 0.95
        if side == "left":
            return np.array([-(sheet_width - x) * reach, self._held[1] * 1.2])
        if side == "right":
            return np.array([width + x * reach, self._held[1] * 1.2])
        return np.array([self._held[0], height + y * reach])

    def pose(self, at_s: float) -> Pose:
        """Say where the carrier is at `at_s` seconds."""
        shown = self._shown
        coming = float(np.clip(1 - at_s / shown.approach_s, 0, 1)) ** 2
        gone_s = at_s - shown.approach_s - shown.hold_s
        going = float(np.clip(gone_s / shown.leave_s, 0, 1)) ** 2
        away = coming + going
        angles = np.array(TREMOR_HZ)[:, None] * (2 * np.pi * at_s) + self._phases
        shake = (self._tremor * np.sin(angles)).sum(axis=0)
        sway = self._sway * np.sin(2 * np.pi * self._sway_hz * at_s)
        place = self._held + (self._from - self._held) * coming + (self._to - self._held) * going
        aside = self._aside * (1 - self.held(at_s)) * (1 - away)
        x, y = place + shake + sway + aside
        roll, yaw, pitch = self._swing * away + shake[0] * 0.4
        return Pose(
            float(x),
            float(y),
            self._scale * (1 - 0.2 * away) * self._trouble.closing ** self.held(at_s),
            shown.roll_deg + float(roll),
            shown.yaw_deg + float(yaw),
            shown.pitch_deg + float(pitch),
        )

    def held(self, at_s: float) -> float:
        """How much of the time that the carrier is held went by, 0 to 1."""
        return float(np.clip((at_s - self._shown.approach_s) / self._shown.hold_s, 0, 1))

    def softness(self, at_s: float) -> float:
        """Blur (sigma) of what is held too near for the lens, pixels; it ends as that ends."""
        return self._trouble.soft_px * (1 - self.held(at_s)) ** 2

    def defocus(self, at_s: float) -> float:
        """How far from sharp the lens is, 0 to 1: it begins to look when a carrier comes near."""
        begun_s = self._shown.approach_s * 0.7
        return float(np.exp(-max(0.0, at_s - begun_s) / LAG_S))

    def glare_x(self, at_s: float) -> float:
        """Where the lamp's mirror image is, pixels from the left: it passes as the hand turns."""
        offset, speed = self._glare
        offset *= self._trouble.glare_share
        speed *= self._trouble.glare_speed
        middle_s = self._shown.approach_s + self._shown.hold_s / 2
        share = offset + speed * (at_s - middle_s)
        return float(self._held[0] + share * self._size[0])
