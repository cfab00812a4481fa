"""How each cue looks on the lamp and sounds on the buzzer: data only.

Nobody is asked to tell colours apart: the rhythm of every light differs, and so does the
rhythm of every sound (an active buzzer knows one pitch). A lamp never flashes more than three
times in a second: more can harm people with photosensitive epilepsy (WCAG 2.3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gatepost.model import CueKind

Colour: TypeAlias = tuple[float, float, float]  # red, green, blue; 0 (dark) to 1
Tone: TypeAlias = tuple[float, float]  # hertz (0: silence), seconds

OFF: Colour = (0, 0, 0)
RED: Colour = (1, 0, 0)
GREEN: Colour = (0, 1, 0)
BLUE: Colour = (0, 0, 1)
AMBER: Colour = (1, 0.4, 0)
WHITE: Colour = (1, 1, 1)
DIM: Colour = (0.15, 0.15, 0.15)
_NAMES = {
    OFF: "off",
    RED: "red",
    GREEN: "green",
    BLUE: "blue",
    AMBER: "amber",
    WHITE: "white",
    DIM: "dim white",
}


@dataclass(frozen=True, slots=True)
class Light:
    """Colours one after the other, each with its seconds.

    Attributes:
        steps: the first is shown at once.
        repeat: begin again after the last step; otherwise the last colour stays.
        words: how it is told in writing.
    """

    steps: tuple[tuple[Colour, float], ...]
    repeat: bool
    words: str


def _blinks(colour: Colour, on_s: float, off_s: float) -> tuple[tuple[Colour, float], ...]:
    return ((colour, on_s), (OFF, off_s))


LIGHTS: dict[CueKind, Light] = {
    CueKind.READY: Light(_blinks(DIM, 0.2, 2.8), repeat=True, words="a dim white heartbeat"),
    CueKind.PENDING: Light(_blinks(BLUE, 0.7, 0.7), repeat=True, words="blue, pulsing slowly"),
    CueKind.ACCEPTED: Light(((GREEN, 0.0),), repeat=False, words="green, steady"),
    CueKind.REPEATED: Light(
        (*_blinks(GREEN, 0.4, 0.2), (GREEN, 0.0)), repeat=False, words="green, one wink"
    ),
    CueKind.REFUSED: Light(
        (*_blinks(RED, 0.17, 0.17) * 3, (RED, 0.0)),
        repeat=False,
        words="red, three quick flashes, then steady",
    ),
    CueKind.NOT_UNDERSTOOD: Light(
        (*_blinks(AMBER, 0.15, 0.2), *_blinks(AMBER, 0.15, 0.8)),
        repeat=True,
        words="amber, flashing twice and again",
    ),
    CueKind.POSTER: Light(
        (*_blinks(BLUE, 0.4, 0.1), *_blinks(AMBER, 0.4, 0.1)),
        repeat=True,
        words="blue and amber in turn",
    ),
    CueKind.AGAIN: Light(_blinks(WHITE, 0.25, 0.25), repeat=True, words="white, blinking evenly"),
    # A hint is for who looks at the screen: the station waits for a code as before, and a light
    # of its own would say that something was decided.
    CueKind.HINT: Light(_blinks(DIM, 0.2, 2.8), repeat=True, words="a dim white heartbeat"),
    # The same is true of a status: it is for who pressed the button, and reads it.
    CueKind.STATUS: Light(_blinks(DIM, 0.2, 2.8), repeat=True, words="a dim white heartbeat"),
    CueKind.IDENTIFY: Light(
        (*_blinks(WHITE, 0.15, 0.25) * 3, *_blinks(WHITE, 1.0, 0.5)),
        repeat=True,
        words="white, three short and one long",
    ),
    CueKind.TROUBLE: Light(_blinks(RED, 2.0, 1.0), repeat=True, words="red, long on and long off"),
}

_LOW, _MIDDLE, _HIGH = 294.0, 880.0, 1760.0  # Hz: D4, A5, A6
SOUNDS: dict[CueKind, tuple[Tone, ...]] = {
    CueKind.READY: (),
    CueKind.PENDING: (),
    CueKind.ACCEPTED: ((_HIGH, 0.12),),
    CueKind.REPEATED: ((_HIGH, 0.08), (0, 0.1), (_HIGH, 0.08)),
    CueKind.REFUSED: ((_LOW, 0.8),),
    CueKind.NOT_UNDERSTOOD: (
        *((_MIDDLE, 0.1), (0, 0.1)),
        *((587.0, 0.1), (0, 0.1)),
        (440.0, 0.1),
    ),
    CueKind.POSTER: ((_MIDDLE, 0.4), (0, 0.1), (1175.0, 0.12)),
    CueKind.HINT: (),  # a sound for each try would wear on everyone around
    CueKind.STATUS: (),
    CueKind.AGAIN: ((_MIDDLE, 0.12), (0, 0.1), (1175.0, 0.4)),
    CueKind.IDENTIFY: ((_MIDDLE, 0.15), (0, 0.15)) * 3 + ((_MIDDLE, 0.6),),
    CueKind.TROUBLE: ((_LOW, 0.4), (0, 0.3), (_LOW, 0.4), (0, 0.3), (_LOW, 0.4)),
}


def colour_name(colour: Colour) -> str:
    """What people call `colour`, one of the constants here."""
    return _NAMES[colour]


def sound_words(kind: CueKind) -> str:
    """The sound of `kind` in writing: its tones in hertz and seconds."""
    tones = [f"{hertz:.0f} Hz {seconds:g} s" for hertz, seconds in SOUNDS[kind] if hertz]
    return "♪ " + ", ".join(tones) if tones else "silent"
