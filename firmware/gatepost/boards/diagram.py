"""The wiring diagram of a board, A4 landscape: the header in the middle, the parts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.boards.circuits import CIRCUITS, WIDTH, Card
from gatepost.boards.header import HEADER, label
from gatepost.boards.power import budget
from gatepost.boards.svg import COLOURS, FAINT, INK, Picture
from gatepost.boards.wires import Wire, ohms, wires_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.boards.board import Board

_WIDTH, _HEIGHT = 1188, 840
_EDGES = {-1: 24 + WIDTH, 1: _WIDTH - 24 - WIDTH}
_FIRST, _PITCH = 106, 25.5
_COLUMNS = {-1: 581.0, 1: 607.0}
_PIN = 10.5
_LABELS = 64  # room for a label beside a pin
_CHANNEL = 11  # between two wires that run upright
_FILLS = {"3V3": "orange", "5V": "red", "GND": "black"}
_TOP, _BOTTOM, _GAP = 72, 640, 14
_NAMES = {
    "oled": "OLED",
    "lamp": "Lamp",
    "buzzer": "Buzzer",
    "light": "Light over the code",
    "relay": "Request to open",
    "button": "Button",
}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A part's card, its wires to the header, and where their terminals are."""

    card: Card
    name: str
    wires: tuple[Wire, ...]
    rows: tuple[float, ...]
    height: float


def diagram(board: Board, idle: str = "") -> str:
    """The diagram as an SVG; `idle`: level of the relay's pin at rest, "" when not known."""
    picture = Picture(_WIDTH, _HEIGHT, f"Wiring of a gatepost station with a {board.title}")
    wires = wires_of(board, idle)
    _titles(picture, board)
    _case(picture)
    for way in (-1, 1):
        placed = _placed(picture, board, idle, wires, way)
        for each in placed:
            _card(each)
        _route(picture, placed, way)
        if way < 0:
            _checks(
                picture, board, idle, placed[-1].card.top + placed[-1].height if placed else _TOP
            )
    _pins(picture, board, wires)
    _foot(picture, board, idle)
    return str(picture)


def _y(physical: int) -> float:
    return _FIRST + (physical - 1) // 2 * _PITCH


def _way(physical: int) -> int:
    return -1 if physical % 2 else 1


def _titles(picture: Picture, board: Board) -> None:
    picture.words((24, 40), f"Wiring: {board.title}", 22, bold=True)
    told = "gatepost wiring; generated from the board's profile, which the firmware reads"
    picture.words((_WIDTH - 24, 40), told, 11, "end", colour=FAINT)


def _case(picture: Picture) -> None:
    """The board with the bare header."""
    left, right = _COLUMNS[-1] - _PIN - _LABELS, _COLUMNS[1] + _PIN + _LABELS
    top, bottom = _y(1) - 34, _y(40) + 22
    picture.box((left, top), (right - left, bottom - top), "#e6f4ea", "#2f7d4f", 8)
    picture.box((_COLUMNS[-1] - 14, _y(1) - 14), (54, _y(40) - _y(1) + 28), "#25292e", "#25292e", 3)
    picture.words((594, top + 15), "pin 1 at the corner", 10, "middle", colour="#2f7d4f")


def _placed(
    picture: Picture, board: Board, idle: str, wires: list[Wire], way: int
) -> list[_Placed]:
    """The cards of one side, in the order of their pins, spread over its height."""
    cards = sorted(
        (each for each in _parts(board, wires) if _side(each[1]) == way),
        key=lambda each: min(_y(wire.physical or 0) for wire in each[1] if wire.bcm is not None),
    )
    heights = [_height(name, len(own)) for name, own in cards]
    spare = _BOTTOM - _TOP - sum(heights)
    gap = max(_GAP, min(40.0, spare / max(1, len(cards) - 1)))
    top: float = _TOP
    placed = []
    for (name, own), height in zip(cards, heights, strict=True):
        first, step, _, _ = CIRCUITS[name]
        rows = tuple(first + number * step for number in range(len(own)))
        card = Card(picture, board, idle, _EDGES[way], top, way)
        placed.append(_Placed(card, name, tuple(own), rows, height))
        top += height + gap
    return placed


def _parts(board: Board, wires: list[Wire]) -> Iterator[tuple[str, list[Wire]]]:
    for name in CIRCUITS:
        own = [wire for wire in wires if wire.part == name and wire.physical is not None]
        if name in board.tables:
            yield name, own


def _side(wires: list[Wire]) -> int:
    signals = [_way(wire.physical or 0) for wire in wires if wire.bcm is not None]
    return 1 if sum(signals) > 0 else -1


def _height(name: str, terminals: int) -> float:
    first, step, below, _ = CIRCUITS[name]
    return first + step * (terminals - 1) + below


def _card(placed: _Placed) -> None:
    card, picture = placed.card, placed.card.picture
    left = card.edge if card.way > 0 else card.edge - WIDTH
    picture.box((left, card.top), (WIDTH, placed.height), "#fbfcfd", "#cbd2d9", 7)
    picture.words((left + 12, card.top + 18), _NAMES[placed.name], 13, bold=True)
    room = int((WIDTH - 40 - len(_NAMES[placed.name]) * 8.6) / 5.9)
    what = _cut(card.board.parts[placed.name].what, room)
    picture.words((left + WIDTH - 10, card.top + 18), what, 10, "end", colour=FAINT)
    CIRCUITS[placed.name][3](card, placed.rows)


def _route(picture: Picture, placed: list[_Placed], way: int) -> None:
    """Each wire goes out, up or down in a channel of its own, and on: none crosses another."""
    ends = [
        (wire, each.card.at(0, row))
        for each in placed
        for wire, row in zip(each.wires, each.rows, strict=True)
    ]
    here = [(wire, end) for wire, end in ends if _way(wire.physical or 0) == way]
    here.sort(key=lambda each: _y(each[0].physical or 0))
    down = [each for each in here if each[1][1] > _y(each[0].physical or 0)]
    lanes = {id(wire): len(down) - number for number, (wire, _) in enumerate(down)}
    up = [each for each in here if each not in down]
    lanes |= {id(wire): number + 1 for number, (wire, _) in enumerate(up)}
    for wire, end in here:
        start = (_COLUMNS[way] + way * _PIN, _y(wire.physical or 0))
        turn = _COLUMNS[way] + way * (_PIN + _LABELS + 4 + _CHANNEL * lanes[id(wire)])
        picture.wire((start, (turn, start[1]), (turn, end[1]), end), wire.colour)
    for wire, end in ends:
        if _way(wire.physical or 0) != way:
            text = f"{label(wire.physical or 1)} ({wire.physical})"
            picture.flag((end[0], end[1]), text, wire.colour, -way)


def _checks(picture: Picture, board: Board, idle: str, above: float) -> None:
    """What a meter must show before power is switched on, where there is room for it."""
    texts = ["5V to GND: no short; 3V3 to GND: no short"]
    if "relay" in board.tables:
        pin, ohm = board.tables["relay"]["pin"], board.parts["relay"].values["hold_ohm"]
        rail = "3V3" if idle == "high" else "GND"
        texts.append(f"GPIO{pin} to {rail}: {ohms(ohm)} (holds the request idle)")
    if "light" in board.tables:
        ohm = board.parts["light"].values["pull_ohm"]
        texts.append(f"gate of the light to GND: {ohms(ohm)} (keeps it dark)")
    if "button" in board.tables:
        ohm = board.parts["button"].values["series_ohm"]
        texts.append(
            f"GPIO{board.tables['button']['pin']} while the button is pressed: {ohms(ohm)}"
        )
    texts.append("each wire to its pin, against the table in WIRING.md")
    high = 34 + 20 * len(texts)
    top = _BOTTOM - high
    if top < above + _GAP:
        return
    picture.box((24, top), (WIDTH, high), "#fffaf0", "#e6d5b0", 7)
    picture.words((36, top + 19), "Before power is switched on: a meter", 13, bold=True)
    for number, text in enumerate(texts):
        y = top + 40 + 20 * number
        picture.box((37, y - 10), (11, 11), round_=2)
        picture.words((56, y), text, 11.5)


def _pins(picture: Picture, board: Board, wires: list[Wire]) -> None:
    used = {wire.physical: wire for wire in wires if wire.physical is not None}
    for physical, what in HEADER.items():
        way, y = _way(physical), _y(physical)
        wire = used.get(physical)
        colour = wire.colour if wire else _FILLS.get(str(what), "")
        fill = COLOURS.get(colour, "#d3d9df")
        at = (_COLUMNS[way], y)
        picture.disc(at, _PIN, fill, "#ffffff")
        pale = colour in {"", "white", "yellow"}
        number_colour = INK if pale else "#ffffff"
        picture.words(
            (at[0], y + 4), str(physical), 10.5, "middle", bold=True, colour=number_colour
        )
        _label(picture, board, physical, in_use=wire is not None)


def _label(picture: Picture, board: Board, physical: int, *, in_use: bool) -> None:
    way, what = _way(physical), HEADER[physical]
    x, y = _COLUMNS[way] + way * (_PIN + 8), _y(physical)
    text = label(physical)
    if not in_use and what in board.reserved:
        text += " ID" if what in {0, 1} else " *"
    anchor = "start" if way > 0 else "end"
    wide = len(text) * 7.2
    if in_use:  # the wire runs below the label: give it a ground to stand on
        left = x if way > 0 else x - wide
        picture.add(
            "rect", x=left - 3, y=y - 8, width=wide + 6, height=16, rx=3, fill="#e6f4ea"
        )  # fmt: skip
    colour = INK if in_use else FAINT
    picture.words((x, y + 4), text, 11, anchor, bold=in_use, colour=colour)


def _foot(picture: Picture, board: Board, idle: str) -> None:
    """Supply, camera, reader, and what must be known."""
    supply, power = board.supply, budget(board)
    boxes: list[tuple[str, ...]] = [
        (
            "5 V supply",
            f"{supply.what}: into {supply.connector},",
            "and to a terminal block: light, buzzer.",
            f"Peak {power.total.peak_ma:g} mA, {power.margin:.0%} to spare.",
        )
    ]
    for name, title in (("camera", "Camera"), ("reader", "Reader")):
        if part := board.parts.get(name):
            boxes.append((title, part.what, *_broken(str(part.values["cable"]), 40)))
    wide = (_WIDTH - 48 - (len(boxes) - 1) * 14) / len(boxes)
    for number, (title, *texts) in enumerate(boxes):
        left = 24 + number * (wide + 14)
        picture.box((left, 658), (wide, 76), "#f4f6f8", "#cbd2d9", 7)
        picture.words((left + 12, 676), title, 13, bold=True)
        picture.lines((left + 12, 694), texts, 11.5)
    picture.lines((24, 758), _notes(board, idle), 11.5)


def _cut(text: str, most: int) -> str:
    """A text of at most `most` letters: whole clauses of it, else whole words."""
    while len(text) > most:
        shorter = text.rpartition(",")[0] or text.rpartition(" (")[0] or text.rpartition(" ")[0]
        text = shorter.rstrip() or text[:most]
    return text


def _broken(text: str, most: int) -> list[str]:
    """A text in lines of at most `most` letters, where its words allow it."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _notes(board: Board, idle: str) -> list[str]:
    notes = [
        "Cut the power before a wire is moved. 3.3 V pins bear no 5 V: one slip ends the board."
    ]
    if "relay" in board.tables:
        notes.append(
            "The relay only asks a door controller that has an exit release of its own; it never "
            "switches a lock's supply. People must get out when this station is dead."
        )
        choice = {
            "": "Drawn for idle = low. Where the site has idle = high: hold resistor to 3V3, and "
            "the photorelay's LED between 3V3 (pin 17) and the series resistor.",
            "low": "Drawn for this site's idle = low: a request is the pin high.",
            "high": "Drawn for this site's idle = high: a request is the pin low.",
        }
        notes.append(choice[idle])
    notes.append("ID: left free for the ID EEPROM of a HAT. Grey pins are free.")
    return notes
