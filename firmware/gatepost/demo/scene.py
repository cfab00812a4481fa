"""What the gate's camera sees: an entrance hall, and somebody holding a code to it.

    the hall (drawn once) -> the visitor steps up -> the carrier, turned and blurred, with its
    glare -> exposure and the sensor's noise

Lengths are pixels of a picture of 720 lines and are scaled to the picture's size. Everything
follows from seeds: the same seed gives the same bytes with the same OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gatepost.demo.carriers import Pixels, draw_carrier
from gatepost.demo.motion import Motion, Pose
from gatepost.demo.troubles import ANY, trouble_of
from gatepost.demo.wear import crack, soften, streak
from gatepost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.demo.visitors import Visitor

Places: TypeAlias = npt.NDArray[np.float32]  # (x, y) rows, pixels of the picture

LINES = 720
FOCAL = 1100.0  # pixels: a lens of about 60 degrees
NOISE_SPAN = 24.0  # steps of the noise tile for one standard deviation
NOISE_ROLL = 128  # pixels by which the tile may be shifted
SHARP_PX = 8.0  # a sheet is drawn no larger than for this module: the lens is no sharper near
MIRRORS = {"phone": 1.0, "card": 0.8, "paper": 0.15}


@dataclass(frozen=True, slots=True)
class Conditions:
    """How hard the light and the hand make it.

    Attributes:
        module_scale: size of the code's squares, as a share of what the visitor would show.
        noise: standard deviation of the sensor's noise, steps of luma.
        exposure_s: how long the shutter is open, seconds: the longer, the more motion blurs.
        defocus_px: blur (sigma) until the lens has found the code, pixels.
        soft_px: blur (sigma) that stays while it is held, pixels.
        glare: luma that a lamp adds at its brightest.
        tremor_px: of the hand, pixels.
        gain: brightness of the picture; below 1 for dusk.
        cracked: whether phones have broken glass.
        trouble: what goes wrong beside: "" nothing, "any" what each visitor's seed says, or its
            name (gatepost.demo.troubles).
    """

    module_scale: float
    noise: float
    exposure_s: float
    defocus_px: float
    soft_px: float
    glare: float
    tremor_px: float
    gain: float
    cracked: bool
    trouble: str = ""


DIFFICULTIES = {
    "easy": Conditions(1.2, 1.5, 0.004, 1.0, 0.0, 40, 0.6, 1.0, cracked=False),
    "usual": Conditions(1.0, 3.0, 0.009, 3.2, 0.5, 120, 1.2, 0.95, cracked=False),
    "hard": Conditions(0.7, 5.5, 0.02, 5.0, 1.05, 200, 3.0, 0.45, cracked=True),
    "hardest": Conditions(0.77, 4.5, 0.02, 5.0, 0.8, 200, 3.0, 0.6, cracked=False, trouble=ANY),
}


def conditions_of(difficulty: str) -> Conditions:
    """Look up a difficulty. Raises UsageError when there is none of this name."""
    if difficulty not in DIFFICULTIES:
        known = ", ".join(DIFFICULTIES)
        raise UsageError(f"no difficulty is called {difficulty!r}; there are: {known}")
    return DIFFICULTIES[difficulty]


def _wide(size: tuple[int, int]) -> tuple[Pixels, Callable[[float, float], tuple[int, int]]]:
    """Begin a picture, and give the way from shares of its width and height to its pixels."""
    width, height = size
    return np.zeros((height, width), np.uint8), lambda x, y: (int(x * width), int(y * height))


def draw_hall(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw an entrance hall, out of focus: wall, floor, a bright door, a notice board, a lamp."""
    hall, at = _wide(size)
    hall[:] = np.linspace(150, 104, size[1])[:, None]
    cv2.rectangle(hall, at(0, 0.74), at(1, 1), 88, -1)
    for share in np.linspace(-1.2, 2.2, 15):
        cv2.line(hall, at(0.5 + (share - 0.5) * 0.45, 0.74), at(share, 1), 76, 2)
    door = 0.08 + float(rng.uniform(0, 0.1))
    cv2.rectangle(hall, at(door, 0.1), at(door + 0.2, 0.78), 70, -1)
    cv2.rectangle(hall, at(door + 0.015, 0.13), at(door + 0.185, 0.76), 205, -1)
    cv2.line(hall, at(door + 0.1, 0.1), at(door + 0.1, 0.78), 70, size[0] // 120)
    board = 0.68 + float(rng.uniform(0, 0.08))
    cv2.rectangle(hall, at(board, 0.18), at(board + 0.2, 0.5), 84, -1)
    for row, column in np.ndindex(2, 3):
        corner = (board + 0.015 + column * 0.06, 0.21 + row * 0.14)
        paper = int(rng.integers(130, 190))
        cv2.rectangle(hall, at(*corner), at(corner[0] + 0.045, corner[1] + 0.11), paper, -1)
    cv2.rectangle(hall, at(0.36, 0.02), at(0.64, 0.05), 240, -1)
    blurred = cv2.GaussianBlur(hall, (0, 0), size[1] / 130).astype(np.float32)
    plaster = cv2.resize(rng.uniform(-5, 5, (45, 80)).astype(np.float32), size)
    across = np.linspace(-1, 1, size[0])[None, :] ** 2
    falloff = 1 - 0.16 * (across + np.linspace(-1, 1, size[1])[:, None] ** 2)
    return np.asarray(np.clip((blurred + plaster) * falloff, 0, 255).astype(np.uint8))


def draw_person(hall: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw the hall with somebody in a face mask before the camera, too near to be sharp."""
    size = (hall.shape[1], hall.shape[0])
    person, at = _wide(size)
    shape, _ = _wide(size)
    middle = 0.5 + float(rng.uniform(-0.1, 0.1))
    unit = size[1]
    clothes, hair, skin = (int(rng.integers(*span)) for span in ((40, 120), (28, 60), (120, 165)))

    def oval(y: float, w: float, h: float, luma: int, begin: int = 0, end: int = 360) -> None:
        axes = (int(w * unit), int(h * unit))
        for picture, colour in ((person, luma), (shape, 255)):
            cv2.ellipse(picture, at(middle, y), axes, 0, begin, end, colour, -1)

    oval(1.06, 0.5, 0.52, clothes)
    oval(0.56, 0.09, 0.16, skin - 25)
    oval(0.3, 0.185, 0.25, hair)
    oval(0.34, 0.15, 0.215, skin)
    for side in (-0.06, 0.06):
        eye = at(middle + side * size[1] / size[0], 0.31)
        cv2.ellipse(person, eye, (unit // 45, unit // 90), 0, 0, 360, 40, -1)
    oval(0.41, 0.152, 0.15, 205, 0, 180)
    oval(0.41, 0.152, 0.03, 205)
    share = cv2.GaussianBlur(shape, (0, 0), unit / 60).astype(np.float32) / 255
    soft = cv2.GaussianBlur(person, (0, 0), unit / 60).astype(np.float32)
    return np.asarray((soft + hall * (1 - share)).clip(0, 255).astype(np.uint8))


def draw_glare(size: tuple[int, int]) -> Pixels:
    """Draw a lamp's mirror image, twice as wide as the picture, the lamp in its middle."""
    width, height = size
    y, x = np.mgrid[0:height, 0 : 2 * width].astype(np.float32) / np.float32(height)
    slant = x - width / height + (y - 0.5) * 0.35
    stripe = np.exp(-((slant / 0.07) ** 2)) * np.exp(-(((y - 0.45) / 0.38) ** 2))
    halo = np.exp(-((slant / 0.35) ** 2)) * 0.12
    return np.asarray((np.minimum(stripe + halo, 1) * 255).astype(np.uint8))


class Hall:
    """The background and the sensor: everything that does not depend on the visitor."""

    def __init__(self, seed: int, size: tuple[int, int], conditions: Conditions) -> None:
        rng = np.random.default_rng([seed, 0x4A11])
        self.size = size
        self.conditions = conditions
        self.empty = draw_hall(size, rng)
        self._glare = draw_glare(size)
        width, height = size
        tile = rng.standard_normal((height + NOISE_ROLL, width + NOISE_ROLL), dtype=np.float32)
        self._noise = np.clip(tile * NOISE_SPAN + 128, 0, 255).astype(np.uint8)
        self._rolls = rng.integers(0, NOISE_ROLL, (1009, 2))
        self._phase = float(rng.uniform(0, 6.28))

    def expose(self, scene: Pixels, index: int) -> Pixels:
        """Take the picture number `index` of `scene`: exposure, which wanders, and noise."""
        width, height = self.size
        down, right = self._rolls[index % len(self._rolls)]
        noise = self._noise[down : down + height, right : right + width]
        gain = self.conditions.gain * (1 + 0.03 * np.sin(index * 0.045 + self._phase))
        share = self.conditions.noise / NOISE_SPAN
        taken = cv2.addWeighted(scene, gain, noise, share, -128 * share)
        return np.asarray(taken, np.uint8)

    def glare_at(self, centre_x: float, box: tuple[int, int, int, int]) -> Pixels:
        """Cut what a lamp's mirror image at `centre_x` adds to `box` (left, top, right, bottom)."""
        left, top, right, bottom = box
        width = self.size[0]
        shift = int(np.clip(width - centre_x, 0, width))
        return self._glare[top:bottom, left + shift : right + shift]


class Appearance:
    """One visitor before the camera; `motion` says where at which time, seconds from the first."""

    def __init__(self, visitor: Visitor, hall: Hall) -> None:
        self._hall = hall
        conditions = hall.conditions
        self._unit = unit = hall.size[1] / LINES
        shown = visitor.presentation
        self._trouble = trouble = trouble_of(conditions.trouble, visitor.carrier, shown.seed)
        shown_px = trouble.sized(shown.module_px * conditions.module_scale) * unit
        sharpest = min(shown_px * max(1.0, trouble.closing), max(SHARP_PX, shown.module_px) * unit)
        self._drawn = draw_carrier(visitor, sharpest if trouble.name else shown_px, trouble)
        rng = np.random.default_rng([visitor.presentation.seed, 2])
        if conditions.cracked and visitor.carrier == "phone":
            crack(self._drawn, rng)
        soften(self._drawn, conditions.soft_px * unit / shown_px)
        self._person = draw_person(hall.empty, rng)
        usual = MIRRORS[visitor.carrier] * visitor.presentation.glare * conditions.glare
        self._shine = usual if trouble.shine is None else trouble.shine
        tremor_px = conditions.tremor_px * unit
        self.motion = Motion(visitor, self._drawn, shown_px, hall.size, tremor_px, trouble)

    def corners(self, pose: Pose) -> Places:
        """Where the sheet's corners are: float32[4,2], clockwise from the top left, pixels."""
        height, width = self._drawn.luma.shape
        flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
        flat = (flat - self._drawn.centre) * pose.scale
        solid = np.column_stack([flat, np.zeros(4)]) @ pose.rotation().T
        focal = FOCAL * self._unit
        away = focal / (focal + solid[:, 2:])
        return (solid[:, :2] * away + (pose.x, pose.y)).astype(np.float32)

    def visible(self, at_s: float) -> bool:
        """Whether any of the carrier is in the picture at `at_s` seconds."""
        return self._box(self.corners(self.motion.pose(at_s)), 0) is not None

    def draw(self, at_s: float, presence: float) -> Pixels:
        """Draw the scene at `at_s` seconds, the person there by `presence` from 0 to 1."""
        empty = self._hall.empty
        if presence >= 1:
            scene: Pixels = self._person.copy()
        else:
            mixed = cv2.addWeighted(empty, 1 - presence, self._person, presence, 0)
            scene = np.asarray(mixed, np.uint8)
        pose = self.motion.pose(at_s)
        later = self.motion.pose(at_s + self._hall.conditions.exposure_s)
        smear = (later.x - pose.x, later.y - pose.y)
        corners = self.corners(pose)
        box = self._box(corners, 8 + int(max(map(abs, smear))))
        if box is not None:
            self._lay(scene, corners, box, smear, at_s)
        if self._trouble.light < 1:  # it comes and goes with the visitor: no hall is dark to all
            scene[:] = cv2.convertScaleAbs(scene, alpha=1 - (1 - self._trouble.light) * presence)
        return scene

    def _box(self, corners: Places, margin: int) -> tuple[int, int, int, int] | None:
        width, height = self._hall.size
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - margin, 0)
        right, bottom = np.minimum(
            np.ceil(corners.max(axis=0)).astype(int) + margin, (width, height)
        )
        if left >= right or top >= bottom:
            return None
        return int(left), int(top), int(right), int(bottom)

    def _lay(
        self,
        scene: Pixels,
        corners: Places,
        box: tuple[int, int, int, int],
        smear: tuple[float, float],
        at_s: float,
    ) -> None:
        """Lay the carrier over `scene`, in place, with the blur of its motion and its glare."""
        left, top, right, bottom = box
        turn = self._turn(corners - np.array((left, top), np.float32))
        size = (right - left, bottom - top)
        luma, opacity = (
            self._blur(cv2.warpPerspective(plane, turn, size), smear, at_s)
            for plane in (self._drawn.luma, self._drawn.opacity)
        )
        part = scene[top:bottom, left:right]
        behind = cv2.multiply(part, cv2.bitwise_not(opacity), scale=1 / 255)
        seen = cv2.add(behind, luma)
        glare = self._hall.glare_at(self.motion.glare_x(at_s), box)
        seen = cv2.add(seen, cv2.multiply(glare, opacity, scale=self._shine / 255**2))
        scene[top:bottom, left:right] = seen

    def _turn(self, corners: Places) -> cv2.typing.MatLike:
        """Give the homography, float64[3,3], that lays the sheet's corners on `corners`."""
        height, width = self._drawn.luma.shape
        flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        return cv2.getPerspectiveTransform(flat, corners)

    def _blur(
        self, plane: cv2.typing.MatLike, smear: tuple[float, float], at_s: float
    ) -> cv2.typing.MatLike:
        across, down = (1 + int(abs(length)) for length in smear)
        if self._trouble.name:
            plane = streak(plane, smear)
        elif across > 1 or down > 1:
            plane = cv2.blur(plane, (across, down))
        sigma = self.motion.defocus(at_s) * self._hall.conditions.defocus_px * self._unit
        sigma += self.motion.softness(at_s) * self._unit
        return cv2.GaussianBlur(plane, (0, 0), sigma) if sigma > 0.3 else plane
