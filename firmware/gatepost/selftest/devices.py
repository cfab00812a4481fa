"""Each device in turn: whether it is there, and, with a technician, whether it does its work."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.decoding.scoring import score
from gatepost.drivers.patterns import LIGHTS, sound_words
from gatepost.errors import DeviceError
from gatepost.model import Cue, CueKind
from gatepost.selftest.findings import Finding
from gatepost.selftest.looking import look, look_once, shown
from gatepost.selftest.parts import Again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatepost.config import Config
    from gatepost.decoding.scoring import Score
    from gatepost.model import Frame, Symbol
    from gatepost.ports import Clock, Signal
    from gatepost.selftest.parts import Parts, Technician

_LIGHTS = (
    CueKind.ACCEPTED,
    CueKind.REFUSED,
    CueKind.PENDING,
    CueKind.NOT_UNDERSTOOD,
    CueKind.AGAIN,
)
_SOUNDS = (CueKind.ACCEPTED, CueKind.REFUSED, CueKind.AGAIN)
ADVICE = {
    "lamp": "are the wires on the pins of the wiring table, and is `common` right?",
    "buzzer": "is it on its pin, and is `type` right? A passive one on `active` only clicks",
    "relay": "is the controller powered, and its input on the relay's contact?",
    "oled": "are SDA and SCL on pins 3 and 5, and is the address right (i2cdetect -y 1)?",
    "light": "is its transistor on the pin, and does `active` fit it?",
    "button": "is it between its pin and ground?",
}
_PRESS_S = 20.0
_TURN_S = 0.05


@dataclass(frozen=True, slots=True)
class Bench:
    """A station that lies open before its technician.

    Attributes:
        pause: waits so many seconds.
        judge: how well a frame shows its code.
    """

    config: Config
    parts: Parts
    clock: Clock
    pause: Callable[[float], object]
    technician: Technician | None = None
    only: frozenset[str] = field(default_factory=frozenset)
    judge: Callable[[Frame, Sequence[Symbol]], Score] = score


def devices(bench: Bench) -> Iterator[Finding]:
    """Every device that is fitted: opened alone, or tried with the technician. Raises nothing."""
    parts, someone = bench.parts, bench.technician
    for name, signal, steps in (
        ("lamp", parts.lamp, _lamp),
        ("buzzer", parts.buzzer, _buzzer),
        ("oled", parts.oled, _oled),
        ("light", parts.light, _light),
        ("button", parts.button, _button),
    ):
        if signal is not None and _wanted(bench, name):
            yield from _tried(bench, name, signal, steps)
    for name, camera in parts.cameras.items():
        if _wanted(bench, name):
            yield from (
                look(bench, someone, name, camera) if someone else look_once(bench, name, camera)
            )
    for name, gun in parts.guns.items():
        if _wanted(bench, name):
            yield from shown(bench, name, gun)
    if parts.relay is not None and _wanted(bench, "relay"):  # the last: it may open a door
        yield from _tried(bench, "relay", parts.relay, _relay)


def _wanted(bench: Bench, name: str) -> bool:
    return not bench.only or name in bench.only


def _tried(
    bench: Bench,
    name: str,
    device: object,
    steps: Callable[[Bench, Technician, object], Iterator[Finding]],
) -> Iterator[Finding]:
    try:
        with ExitStack() as stack:
            stack.enter_context(device)  # type: ignore[arg-type] # each is a Closing
            if bench.technician is not None:
                yield from steps(bench, bench.technician, device)
                return
            if name == "oled":  # it is looked for when something is shown
                _show(device, CueKind.IDENTIFY, bench.config.station.id)
            yield Finding(name, ok=True, told="its pins are ours" if name != "oled" else "answers")
    except DeviceError as error:
        yield Finding(name, ok=False, told=str(error), advice=ADVICE[name])


def _show(device: object, kind: CueKind, detail: str = "") -> None:
    signal: Signal = device  # type: ignore[assignment] # of those the caller knows it of
    signal.show(Cue(kind, detail=detail))


def _asked(
    someone: Technician, name: str, do: Callable[[], None], question: str, advice: str
) -> Finding:
    """Do it and ask what came of it, as often as the technician wants. Raises DeviceError."""
    while True:
        do()
        try:
            answer = someone.sees(question)
        except Again:
            continue
        if answer is None:
            return Finding(name, ok=True, told="skipped", skipped=True)
        told = question.rstrip("?")
        return Finding(name, ok=answer, told=told, advice="" if answer else advice)


def _lamp(_bench: Bench, someone: Technician, device: object) -> Iterator[Finding]:
    for kind in _LIGHTS:
        question = f"the lamp is {LIGHTS[kind].words}?"
        light = lambda kind=kind: _show(device, kind)  # noqa: E731 - said once, called again
        yield _asked(someone, f"lamp {kind.value}", light, question, ADVICE["lamp"])


def _buzzer(_bench: Bench, someone: Technician, device: object) -> Iterator[Finding]:
    for kind in _SOUNDS:
        question = f"you heard {sound_words(kind)}?"
        sound = lambda kind=kind: _show(device, kind)  # noqa: E731 - the same
        yield _asked(someone, f"buzzer {kind.value}", sound, question, ADVICE["buzzer"])


def _oled(bench: Bench, someone: Technician, device: object) -> Iterator[Finding]:
    own = bench.config.station.id
    show = lambda: _show(device, CueKind.IDENTIFY, own)  # noqa: E731 - the same
    question = f"the screen shows {own}, upright and whole?"
    yield _asked(someone, "oled", show, question, ADVICE["oled"])


def _light(bench: Bench, someone: Technician, device: object) -> Iterator[Finding]:
    def blink() -> None:
        device.switch(on=False)  # type: ignore[attr-defined] # a Switch
        bench.pause(0.5)
        device.switch(on=True)  # type: ignore[attr-defined] # a Switch

    yield _asked(someone, "light", blink, "the light over the code is on?", ADVICE["light"])


def _relay(_bench: Bench, someone: Technician, device: object) -> Iterator[Finding]:
    if not _clear(someone):
        yield Finding("relay", ok=True, told="skipped", skipped=True)
        return
    ask = lambda: _show(device, CueKind.ACCEPTED)  # noqa: E731 - the same
    question = "the door controller took the request, and the door shut again?"
    yield _asked(someone, "relay", ask, question, ADVICE["relay"])


def _clear(someone: Technician) -> bool:
    """Whether nobody is in the door's way: there is nothing to be done again, only to be asked."""
    while True:
        with suppress(Again):
            return bool(
                someone.sees("the relay will now ask the door to open. Is nobody in its way?")
            )


def _button(bench: Bench, someone: Technician, device: object) -> Iterator[Finding]:
    someone.tell(f"Press the button within {_PRESS_S:g} s.")
    until = bench.clock.boottime() + _PRESS_S
    while bench.clock.boottime() < until:
        if device.pressed():  # type: ignore[attr-defined] # a PressedButton
            yield Finding("button", ok=True, told="pressed")
            return
        bench.pause(_TURN_S)
    yield Finding("button", ok=False, told="was not felt", advice=ADVICE["button"])
