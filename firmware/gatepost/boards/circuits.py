"""The circuit of each part in its card of the wiring diagram.

A card has its terminals at the edge that faces the header. Places in it are told by the distance
from that edge and from the card's top, so that one drawing serves both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from gatepost.boards.svg import FAINT, INK
from gatepost.boards.wires import ohms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatepost.boards.board import Board
    from gatepost.boards.svg import Picture

WIDTH = 372
"""Of a card."""


@dataclass(frozen=True, slots=True)
class Card:
    """One part's place in the picture.

    Attributes:
        picture: that it is drawn in.
        board: whose part it is.
        idle: the relay's resting level, "" when not known.
        edge, top: x of the edge that faces the header, y of the top.
        way: 1 when the card lies to the right of its terminals, else -1.
    """

    picture: Picture
    board: Board
    idle: str
    edge: float
    top: float
    way: int

    def at(self, across: float, down: float) -> tuple[float, float]:
        """A place in the card."""
        return self.edge + across * self.way, self.top + down

    def path(self, *places: tuple[float, float]) -> None:
        """A line through places in the card."""
        self.picture.path([self.at(*place) for place in places])

    def box(self, low: tuple[float, float], high: tuple[float, float], fill: str) -> None:
        """A rectangle between two places."""
        (a, top), (b, bottom) = self.at(*low), self.at(*high)
        self.picture.box((min(a, b), top), (abs(a - b), bottom - top), fill)

    def words(self, place: tuple[float, float], text: str, size: float = 10.5) -> None:
        """Words around a place."""
        self.picture.words(self.at(*place), text, size, "middle")

    def aside(self, place: tuple[float, float], text: str) -> None:
        """Words that begin at a place, on its side away from the terminals."""
        anchor = "start" if self.way > 0 else "end"
        self.picture.words(self.at(*place), text, 11, anchor)

    def value(self, part: str, name: str) -> str:
        """A resistor's value, or the name of a part."""
        value = self.board.parts[part].values[name]
        return value if isinstance(value, str) else ohms(value)


class Draws(Protocol):
    """Draws the inside of a card; `rows` are its terminals' distances from the top."""

    def __call__(self, card: Card, rows: Sequence[float]) -> None: ...


def oled(card: Card, rows: Sequence[float]) -> None:
    """The display with its four pins and a picture."""
    last = rows[-1] + 14
    for row, name in zip(rows, ("VCC", "SDA", "SCL", "GND"), strict=True):
        card.path((0, row), (70, row))
        card.words((92, row + 4), name)
    card.box((118, rows[0] - 8), (268, last - 6), "#101418")
    middle = (rows[0] + last) / 2 - 7
    for shift, text, size in ((-10, "Mời vào", 17), (14, "Welcome", 13)):
        place = card.at(193, middle + shift + 6)
        card.picture.words(place, text, size, "middle", colour="#7fe3ff")
    card.box((70, rows[0] - 14), (284, last), "none")
    address = card.board.tables["oled"].get("address", 0x3C)
    card.words((327, middle), f"address 0x{address:02X}")
    card.words((327, middle + 16), "400 kHz")


def lamp(card: Card, rows: Sequence[float]) -> None:
    """Three LEDs behind resistors, joined at the common leg."""
    anode = card.board.tables["lamp"].get("common") == "anode"
    values = card.board.parts["lamp"].values
    fills = {"red": "#f03e3e", "green": "#37b24d", "blue": "#4c8dff"}
    for row, name in zip(rows, fills, strict=False):
        card.path((0, row), (232, row))
        card.picture.resistor(card.at(84, row), ohms(values[f"{name}_ohm"]))
        way = -card.way if anode else card.way
        card.picture.diode(card.at(180, row), way, fills[name])
        ma = (3.3 - values[f"{name}_v"]) / values[f"{name}_ohm"] * 1000
        card.aside((250, row + 4), f"{name}, {ma:.1f} mA")
    card.path((232, rows[0]), (232, rows[-1]), (0, rows[-1]))
    for row in rows[1:3]:
        card.picture.dot(card.at(232, row))
    card.aside((250, rows[-1] + 4), f"common {'anode' if anode else 'cathode'}")


def buzzer(card: Card, rows: Sequence[float]) -> None:
    """A piezo at 5 V, switched by a transistor, discharged by a resistor."""
    signal, ground = rows[0], rows[-1]
    high = signal - 34
    card.path((0, signal), (134, signal))
    card.picture.resistor(card.at(62, signal), card.value("buzzer", "base_ohm"))
    _npn(card, (146, signal))
    card.path((150, signal - 8), (160, signal - 15), (160, high), (300, high))
    card.path((150, signal + 8), (160, signal + 15), (160, ground), (0, ground))
    low = high + 24
    card.path((188, high), (188, low), (264, low), (264, high))
    for place in ((188, high), (264, high)):
        card.picture.dot(card.at(*place))
    card.picture.disc(card.at(226, high), 13, "#ffffff")
    card.picture.disc(card.at(226, high), 3.5, INK)
    card.box((209, low - 5.5), (243, low + 5.5), "#ffffff")
    card.words((226, low + 19), card.value("buzzer", "bleed_ohm"))
    card.picture.flag(card.at(300, high), "5 V", "red", card.way)
    card.aside((178, ground - 8), f"{card.value('buzzer', 'transistor')}, NPN")


def _npn(card: Card, place: tuple[float, float]) -> None:
    x, y = place
    card.picture.disc(card.at(x + 3, y), 18, "none", FAINT)
    card.path((x - 12, y), (x - 4, y))
    card.path((x - 4, y - 11), (x - 4, y + 11))
    card.path((x - 4, y - 4), (x + 4, y - 8))
    card.path((x - 4, y + 4), (x + 4, y + 8))
    card.path((x + 7, y + 13), (x + 13, y + 15), (x + 11, y + 8))


def light(card: Card, rows: Sequence[float]) -> None:
    """An LED strip at 5 V, switched by a MOSFET; its ground is the terminal block's."""
    signal = rows[0]
    high, ground = signal - 34, signal + 40
    card.path((0, signal), (142, signal))
    card.picture.resistor(card.at(62, signal), card.value("light", "gate_ohm"))
    card.path((106, signal), (106, ground), (258, ground))
    card.picture.dot(card.at(106, signal))
    card.box((100.5, signal + 6), (111.5, signal + 34), "#ffffff")
    card.words((76, signal + 24), card.value("light", "pull_ohm"))
    card.picture.disc(card.at(152, signal), 18, "none", FAINT)
    card.path((142, signal - 10), (142, signal + 10))
    for down in (-10, 0, 10):
        card.path((147, signal + down - 4), (147, signal + down + 4))
    card.path((147, signal - 10), (160, signal - 10), (160, high), (258, high))
    card.path((147, signal + 10), (160, signal + 10), (160, ground))
    card.path((147, signal), (160, signal), (160, signal + 10))
    card.path((154, signal - 4), (148, signal), (154, signal + 4))
    card.picture.dot(card.at(160, ground))
    card.picture.diode(card.at(212, high), -card.way, "#ffe066")
    card.picture.flag(card.at(258, high), "5 V", "red", card.way)
    card.picture.flag(card.at(258, ground), "GND, block", "black", card.way)
    card.aside((180, signal + 6), f"{card.value('light', 'transistor')}, N-MOSFET")


def relay(card: Card, rows: Sequence[float]) -> None:
    """Photorelay, one-shot, door controller: the request's way."""
    signal, rail = rows[0], rows[-1]
    middle = (signal + rail) / 2
    card.path((0, signal), (148, signal), (148, rail), (0, rail))
    card.path((32, signal), (32, rail))
    for place in ((32, signal), (32, rail)):
        card.picture.dot(card.at(*place))
    card.box((26.5, middle - 14), (37.5, middle + 14), "#ffffff")
    card.words((62, middle + 4), card.value("relay", "hold_ohm"))
    card.picture.resistor(card.at(96, signal), card.value("relay", "series_ohm"))
    card.box((126, signal - 14), (206, rail + 12), "#f4f6f8")
    card.path((126, signal), (148, signal), (148, rail), (126, rail))
    _upright_led(card, 148, middle, up=card.idle == "high")
    card.path((206, middle - 14), (184, middle - 14), (184, middle - 8))
    card.path((206, middle + 14), (184, middle + 14), (184, middle + 8), (190, middle - 7))
    card.words((166, rail + 28), "photorelay")
    _boxed(card, (228, 296), middle, ("one-shot", f"{_seconds(card)} at most"))
    _boxed(card, (316, 364), middle, ("door", "control-", "ler, REX"))
    for down in (-14, 14):
        card.path((206, middle + down), (228, middle + down))
        card.path((296, middle + down), (316, middle + down))
    card.words((262, rail + 28), "holds the maximum")


def _seconds(card: Card) -> str:
    return f"{card.board.parts['relay'].values['one_shot_s']:g} s"


def _boxed(card: Card, across: tuple[float, float], middle: float, texts: tuple[str, ...]) -> None:
    card.box((across[0], middle - 26), (across[1], middle + 26), "#ffffff")
    first = middle + 4 - (len(texts) - 1) * 7
    for number, text in enumerate(texts):
        card.words((sum(across) / 2, first + number * 14), text, 10)


def _upright_led(card: Card, across: float, down: float, *, up: bool) -> None:
    x, y = card.at(across, down)
    way = -1 if up else 1
    ends = ((x - 7, y - 6 * way), (x + 7, y - 6 * way), (x, y + 7 * way))
    told = " ".join(f"{a:g},{b:g}" for a, b in ends)
    card.picture.add("polygon", points=told, fill="#ffc9c9", stroke=INK, stroke_width=1.3)
    card.picture.path(((x - 7, y + 7 * way), (x + 7, y + 7 * way)))


def button(card: Card, rows: Sequence[float]) -> None:
    """A push button to ground, or to 3.3 V where it is pulled down."""
    signal, rail = rows[0], rows[-1]
    middle = (signal + rail) / 2
    card.path((0, signal), (150, signal), (150, middle - 9))
    card.picture.resistor(card.at(84, signal), card.value("button", "series_ohm"))
    card.path((150, middle + 9), (150, rail), (0, rail))
    for down in (-9, 9):
        card.picture.disc(card.at(150, middle + down), 3, "#ffffff")
    card.path((159, middle - 12), (159, middle + 12))
    card.path((159, middle), (172, middle))
    card.path((172, middle - 6), (172, middle + 6))
    table = card.board.tables["button"]
    setup, selftest = table.get("setup_s", 3.0), table.get("selftest_s", 8.0)
    told = ("pressed: how it is", f"held {setup:g} s: setup", f"held {selftest:g} s: self-test")
    for number, text in enumerate(told):
        card.aside((205, signal + 6 + number * 16), text)


CIRCUITS: Mapping[str, tuple[float, float, float, Draws]] = MappingProxyType(
    {
        "oled": (46, 24, 22, oled),
        "lamp": (56, 34, 24, lamp),
        "buzzer": (74, 36, 24, buzzer),
        "light": (74, 0, 62, light),
        "relay": (52, 44, 46, relay),
        "button": (46, 36, 24, button),
    }
)
"""By part: room above the first terminal, between two, below the last; then the drawing."""
