"""Every wire between the header and the parts of a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.boards.header import HEADER, PHYSICAL
from gatepost.boards.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.boards.board import Board

_GROUND = (6, 9, 14, 20, 25, 30, 34, 39)
_COLOURS = {"3V3": "orange", "GND": "black"}
_LIGHT_GROUND = "5 V terminal block, not the header: the light's current stays off the board"


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire.

    Attributes:
        part, signal: from which part, and what it carries.
        bcm: the GPIO at its end; None where it ends at a rail.
        physical: number of the pin on the header; None where it does not go there.
        colour: of its insulation, in words.
        via: what is in between.
    """

    part: str
    signal: str
    bcm: int | None
    physical: int | None
    colour: str
    via: str


def wires_of(board: Board, idle: str = "") -> list[Wire]:
    """The wires of everything on the header, part by part.

    Args:
        board: as its profile says it.
        idle: level of the relay's pin at rest, as the site chose it; "" while it is not known.
    """
    free = list(_GROUND)
    wires: list[Wire] = []
    for name, lay in _LAYING.items():
        if name in board.tables:
            wires += lay(board, idle, free)
    return wires


def _rail(part: str, what: str, near: int, free: list[int], via: str = "") -> Wire:
    """A wire to a rail's nearest pin on the same side; each ground pin is used once."""
    if what == "3V3":
        physical = 1 if near < 9 else 17
        return Wire(part, what, None, physical, _COLOURS[what], via)
    choice = free or list(_GROUND)
    best = min(choice, key=lambda each: (each % 2 != near % 2, each < near, abs(each - near)))
    if best in free:
        free.remove(best)
    return Wire(part, what, None, best, _COLOURS[what], via)


def _signal(part: str, signal: str, bcm: int, colour: str, via: str) -> Wire:
    return Wire(part, signal, bcm, PHYSICAL[bcm], colour, via)


def _oled(board: Board, _idle: str, free: list[int]) -> Iterator[Wire]:
    bus = board.tables["oled"].get("bus", 1)
    sda, scl = MODELS[board.model].buses[bus]
    near = PHYSICAL[sda]
    yield _rail("oled", "3V3", near, free)
    yield _signal("oled", "SDA", sda, "yellow", f"I2C bus {bus}; at most 30 cm")
    yield _signal("oled", "SCL", scl, "violet", f"I2C bus {bus}; at most 30 cm")
    yield _rail("oled", "GND", PHYSICAL[scl], free)


def _lamp(board: Board, _idle: str, free: list[int]) -> Iterator[Wire]:
    table, values = board.tables["lamp"], board.parts["lamp"].values
    for colour, wire in (("red", "pink"), ("green", "green"), ("blue", "blue")):
        via = f"{ohms(values[f'{colour}_ohm'])} in series"
        yield _signal("lamp", colour, table[colour], wire, via)
    anode = table.get("common") == "anode"
    last = PHYSICAL[table["blue"]]
    told = f"the LED's common {'anode' if anode else 'cathode'}, its longest leg"
    yield _rail("lamp", "3V3" if anode else "GND", last, free, told)


def _buzzer(board: Board, _idle: str, free: list[int]) -> Iterator[Wire]:
    pin, values = board.tables["buzzer"]["pin"], board.parts["buzzer"].values
    base = f"{ohms(values['base_ohm'])} to the base of {values['transistor']}"
    yield _signal("buzzer", "tone", pin, "brown", base)
    yield _rail("buzzer", "GND", PHYSICAL[pin], free, f"emitter of {values['transistor']}")
    yield Wire("buzzer", "5V", None, None, "red", "5 V terminal block")


def _light(board: Board, _idle: str, _free: list[int]) -> Iterator[Wire]:
    pin, values = board.tables["light"]["pin"], board.parts["light"].values
    gate = (
        f"{ohms(values['gate_ohm'])} to the gate of {values['transistor']}, "
        f"{ohms(values['pull_ohm'])} from there to GND"
    )
    yield _signal("light", "light", pin, "turquoise", gate)
    yield Wire("light", "GND", None, None, "black", _LIGHT_GROUND)
    yield Wire("light", "5V", None, None, "red", "5 V terminal block")


def _relay(board: Board, idle: str, free: list[int]) -> Iterator[Wire]:
    pin, values = board.tables["relay"]["pin"], board.parts["relay"].values
    rail = "3V3" if idle == "high" else "GND"
    hold = f"; {ohms(values['hold_ohm'])} from the pin to {rail} hold it idle"
    if not idle:
        hold += " (to 3V3, and the LED between 3V3 and the pin, where the site has idle = high)"
    series = f"{ohms(values['series_ohm'])} to the photorelay's LED"
    yield _signal("relay", "request", pin, "grey", series + hold)
    end = "anode" if idle == "high" else "cathode"
    yield _rail("relay", rail, PHYSICAL[pin], free, f"{end} of the photorelay's LED")


def _button(board: Board, _idle: str, free: list[int]) -> Iterator[Wire]:
    table, values = board.tables["button"], board.parts["button"].values
    pin, rail = table["pin"], "3V3" if table.get("pull") == "down" else "GND"
    via = f"{ohms(values['series_ohm'])} in series"
    yield _signal("button", "button", pin, "white", via)
    yield _rail("button", rail, PHYSICAL[pin], free)


# The display's ground is chosen first: beside its own pins.
_LAYING: dict[str, Any] = {
    "oled": _oled,
    "lamp": _lamp,
    "buzzer": _buzzer,
    "light": _light,
    "relay": _relay,
    "button": _button,
}


def ohms(value: float) -> str:
    """A resistor as people write it: 150 Ω, 4.7 kΩ."""
    return f"{value / 1000:g} kΩ" if value >= 1000 else f"{value:g} Ω"


def rails() -> dict[int, str]:
    """The pins of the header that carry a rail."""
    return {number: what for number, what in HEADER.items() if isinstance(what, str)}
