"""How well a camera sees the card before it: the best of what it saw, and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatepost.decoding.scoring import Score
    from gatepost.model import Frame, Symbol

FOCUS_GOOD = 60  # of 100: nine frames of ten were read, see decoding/scoring.py
_ENOUGH = 15  # frames in which the code was read: half a second that held


@dataclass(slots=True)
class Best:
    """What was seen of the card so far.

    Attributes:
        judge: gives a frame its score.
        score: of the frame with the best focus in which it was read, else of the newest.
        frames, read: how many there were, and with the code read.
    """

    judge: Callable[[Frame, Sequence[Symbol]], Score]
    score: Score | None = None
    frames: int = 0
    read: int = 0
    _first: float = 0.0
    _newest: float = 0.0

    @property
    def good(self) -> bool:
        """Whether visitors' codes will be read there: often, sharp, lit, at the distance."""
        return self.read >= _ENOUGH and self.score is not None and not advice(self.score)

    def add(self, frame: Frame, symbols: Sequence[Symbol], now: float) -> Score:
        """Another frame, at `now` seconds; returns its own score."""
        found = self.judge(frame, symbols)
        self._first = self._first or now
        self._newest = now
        self.frames += 1
        if symbols:
            self.read += 1
        if not self.read or (symbols and (self._worse(found) or self.read == 1)):
            self.score = found
        return found

    def _worse(self, than: Score) -> bool:
        return self.score is None or self.score.focus < than.focus

    def told(self) -> str:
        """For people."""
        if self.score is None:
            return "gave no picture"
        took = self._newest - self._first
        rate = f", {(self.frames - 1) / took:.0f} frames/s" if took > 0 and self.frames > 1 else ""
        seen = f"read in {self.read} of {self.frames} frames{rate}"
        found = self.score
        return f"{seen}; focus {found.focus}, light {found.light}, distance {found.distance}"

    def advice(self) -> str:
        """What would help the most; "" where all is well."""
        if self.score is None:
            return "is its ribbon in, contacts to the board?"
        if self.good:
            return ""
        if not self.read and self.score.distance == "none":
            return "no code is seen: is the card before the camera, upright and lit?"
        return advice(self.score) or (
            "read too seldom: hold the card still; look for reflections and shadows"
        )


def advice(found: Score) -> str:
    """What would help the most with a code that is seen so; "" where all is well."""
    if found.light != "ok":
        return {
            "dark": "too dark: fit the light, or lengthen exposure_max_us",
            "bright": "too bright: lower the light's level",
            "glare": "glare: tilt the camera by 15 degrees, or move the light aside",
        }.get(found.light, "see to the light")
    if found.distance == "none":
        return "hold the test card before the camera"
    if found.distance != "ok":
        return f"too {found.distance}: set the camera so that codes fill a third of the picture"
    if found.focus < FOCUS_GOOD:
        return "not sharp: set lens_m to the distance in metres, or turn the lens"
    return ""
