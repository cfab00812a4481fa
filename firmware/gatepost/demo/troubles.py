"""What goes wrong before a gate's camera, beyond light and hand: one trouble a visitor.

Each is a way to show a code that visitors have and decoders fail at. What is random in it follows
from the visitor's seed. Lengths are pixels of a picture of 720 lines, as in the whole scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from gatepost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.demo.visitors import Carrier

Name: TypeAlias = Literal[
    "dark mode",
    "dimmed",
    "cracked",
    "glare",
    "curled",
    "crumpled",
    "laminated",
    "too far",
    "too near",
    "moving",
    "dusk",
]
NAMES: tuple[Name, ...] = get_args(Name)
ANY = "any"  # each visitor has the one that its seed says
ANYONE: tuple[Name, ...] = ("too far", "too near", "moving", "dusk")
OF_CARRIER: dict[Carrier, tuple[Name, ...]] = {
    "phone": ("dark mode", "dimmed", "cracked", "glare", *ANYONE),
    "paper": ("curled", "crumpled", "laminated", *ANYONE),
    "card": ("laminated", "glare", *ANYONE),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One visitor's trouble; the defaults are none at all.

    Attributes:
        name: which.
        dark: whether the phone shows light modules on dark.
        screen: brightness of the phone's screen, 0 to 1.
        cracks: places where the glass is broken.
        bend_deg: over how much of a cylinder the code is bent, degrees.
        crumple: depth of the creases, modules.
        film: luma that a laminate's unevenness adds at its brightest.
        shine: luma that a lamp adds at its brightest; None: as the conditions say.
        glare_share: how far from the code the lamp's image is amid the hold, 1 for as usual.
        glare_speed: how fast it passes, 1 for as usual.
        module_px: size of the code's squares when the hold begins; None: as the conditions say.
        zoom: the same, as a multiple of what the conditions say.
        closing: by what the size is multiplied until the hold ends.
        soft_px: blur (sigma) when the hold begins, as the lens cannot go nearer.
        aside_px: how far from where it should be the hold begins.
        sway_px: how far the hand swings while it holds.
        light: brightness of what is held and of the hall.
    """

    name: Name | Literal[""] = ""
    dark: bool = False
    screen: float = 1.0
    cracks: int = 0
    bend_deg: float = 0.0
    crumple: float = 0.0
    film: float = 0.0
    shine: float | None = None
    glare_share: float = 1.0
    glare_speed: float = 1.0
    module_px: float | None = None
    zoom: float = 1.0
    closing: float = 1.0
    soft_px: float = 0.0
    aside_px: float = 0.0
    sway_px: float = 0.0
    light: float = 1.0

    def sized(self, module_px: float) -> float:
        """Give the size of a module when the hold begins, where `module_px` is usual."""
        return module_px * self.zoom if self.module_px is None else self.module_px


NONE = Trouble()
Draw: TypeAlias = "Callable[[np.random.Generator], Trouble]"
# The spans were chosen so that plain zxing-cpp reads 45 % of the frames of the hardest level.
DRAW: dict[Name, Draw] = {
    "dark mode": lambda rng: Trouble("dark mode", dark=True, screen=rng.uniform(0.35, 0.8)),
    "dimmed": lambda rng: Trouble("dimmed", screen=rng.uniform(0.1, 0.25)),
    "cracked": lambda rng: Trouble("cracked", cracks=int(rng.integers(1, 4))),
    "glare": lambda rng: Trouble(
        "glare", shine=rng.uniform(220, 320), glare_share=rng.uniform(0.1, 0.5), glare_speed=2.2
    ),
    "curled": lambda rng: Trouble("curled", bend_deg=rng.uniform(40, 90)),
    "crumpled": lambda rng: Trouble("crumpled", crumple=rng.uniform(0.2, 0.5)),
    "laminated": lambda rng: Trouble(
        "laminated", film=rng.uniform(50, 110), shine=rng.uniform(120, 220), glare_share=0.5
    ),
    "too far": lambda rng: Trouble(
        "too far", module_px=rng.uniform(1.6, 2.05), closing=rng.uniform(1.1, 1.25)
    ),
    "too near": lambda rng: Trouble(
        "too near",
        zoom=rng.uniform(2.4, 3.4),
        closing=rng.uniform(0.45, 0.6),
        soft_px=rng.uniform(5, 8),
        aside_px=rng.uniform(120, 260),
    ),
    "moving": lambda rng: Trouble("moving", sway_px=rng.uniform(30, 75)),
    "dusk": lambda rng: Trouble("dusk", light=rng.uniform(0.16, 0.34)),
}


def trouble_of(wanted: str, carrier: Carrier, seed: int) -> Trouble:
    """Give the trouble of a visitor: the `wanted` one, for "any" one that suits, for "" none."""
    if not wanted:
        return NONE
    rng = np.random.default_rng([seed, 3])
    choice = OF_CARRIER[carrier]
    drawn = choice[int(rng.integers(len(choice)))]
    name = drawn if wanted == ANY else check_name(wanted)
    return DRAW[name](rng)


def check_name(name: str) -> Name:
    """Give `name` back. Raises UsageError when no trouble is called so."""
    for known in NAMES:
        if name == known:
            return known
    raise UsageError(f"no trouble is called {name!r}; there are: {', '.join(NAMES)}")
