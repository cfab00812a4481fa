"""The clips of the decoding bench: who shows what, how hard it is made, and the frames of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.demo.clips import FPS, Take
from gatepost.demo.scene import Appearance, draw_person
from gatepost.demo.troubles import OF_CARRIER
from gatepost.demo.visitors import make_visitors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gatepost.demo.carriers import Pixels
    from gatepost.demo.visitors import Visitor

LEVELS = ("easy", "usual", "hard", "hardest")
BEFORE, COMING, MOST = 3, 4, 40  # frames: the empty hall, the last of the way, all of the clip
_POOL = 60  # visitors of a seed to choose from
_WHAT = (
    ("PC-Covid", "phone"),
    ("passport", "phone"),
    ("PC-Covid", "paper"),
    ("passport", "paper"),
    ("card", "card"),
)


@dataclass(frozen=True)
class Clip:
    """One visitor before the camera; `trouble` is "" but at the hardest level."""

    seed: int
    level: str
    what: str
    trouble: str
    visitor: Visitor

    @property
    def name(self) -> str:
        parts = (self.level, self.what, self.visitor.carrier, self.trouble, str(self.seed))
        return "-".join(part.replace(" ", "-") for part in parts if part).lower()

    @property
    def take(self) -> Take:
        return Take(difficulty=self.level, trouble=self.trouble, gap_s=0)

    def frames(self) -> Iterator[Pixels]:
        """Render it: uint8[720,1280] luma, FPS a second."""
        hall = self.take.hall(self.seed)
        appearance = Appearance(self.visitor, hall)
        shown = self.visitor.presentation
        for index in range(BEFORE):
            yield hall.expose(hall.empty, index)
        held = min(int(shown.hold_s * FPS), MOST - BEFORE - COMING)
        for index in range(COMING + held):
            at_s = shown.approach_s + (index - COMING) / FPS
            yield hall.expose(appearance.draw(at_s, 1.0), BEFORE + index)


def choose(seeds: Sequence[int], *, quick: bool) -> list[Clip]:
    """Choose the clips: 51 a seed, or some of each kind when it is to be quick."""
    easier = [clip for seed in seeds for clip in _easier(seed)]
    hardest = [clip for seed in seeds for clip in _hardest(seed)]
    return easier[::4] + hardest[1::4] if quick else easier + hardest  # still a bit of everything


def _easier(seed: int) -> Iterator[Clip]:
    for level in LEVELS[:-1]:
        for what, carrier in _WHAT:
            yield Clip(seed, level, what, "", next(_who(seed, what, carrier)))


def _hardest(seed: int) -> Iterator[Clip]:
    for what, carrier in _WHAT:
        troubles = OF_CARRIER[carrier]
        visitors = list(islice(_who(seed, what, carrier), len(troubles)))
        for number, trouble in enumerate(troubles):
            yield Clip(seed, LEVELS[-1], what, trouble, visitors[number % len(visitors)])


def _who(seed: int, what: str, carrier: str) -> Iterator[Visitor]:
    """The visitors of a seed who show such a code on such a carrier."""
    for visitor in make_visitors(_POOL, seed):
        if visitor.carrier == carrier and what in visitor.name:
            yield visitor


def empty(count: int, seed: int, level: str) -> Iterator[Pixels]:
    """Render the hall with nobody in it, `count` frames."""
    hall = Take(difficulty=level).hall(seed)
    return (hall.expose(hall.empty, index) for index in range(count))


def people(count: int, seed: int, level: str) -> Iterator[Pixels]:
    """Render somebody who shows no code, `count` frames."""
    hall = Take(difficulty=level).hall(seed)
    person = draw_person(hall.empty, np.random.default_rng([seed, 5]))
    return (hall.expose(person, index) for index in range(count))


def noise(count: int, seed: int) -> Iterator[Pixels]:
    """Make `count` frames of noise, each coarser than the one before, in turns of four."""
    rng = np.random.default_rng([seed, 6])
    for index in range(count):
        grain = 2 ** (index % 4)
        small = rng.integers(0, 256, (720 // grain, 1280 // grain), dtype=np.uint8)
        scaled = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_NEAREST)
        yield np.asarray(scaled, np.uint8)


def write(folder: Path, clips: Sequence[Clip], say: Callable[[str], None]) -> None:
    """Write the clips as folders of PNG, and truth.json beside them."""
    told = []
    for number, clip in enumerate(clips, 1):
        say(f"writing {number}/{len(clips)}: {clip.name}")
        place = folder / clip.name
        place.mkdir(parents=True, exist_ok=True)
        count = 0
        for count, frame in enumerate(clip.frames(), 1):
            (place / f"{count - 1:06}.png").write_bytes(cv2.imencode(".png", frame)[1].tobytes())
        told.append({"clip": clip.name, "fps": FPS, "frames": count, "empty": BEFORE})
        told[-1] |= {"text": clip.visitor.text, **asdict(clip)}
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (folder / "truth.json").write_text(text + "\n", "utf-8")
