"""The wiring diagrams and tables: drawn from the profiles that the firmware reads."""

from __future__ import annotations

import json
import re
import shutil
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from boards import HARDWARE, PI_4, PROFILES, changed
from gpiozero.pins.mock import MockFactory

from gatepost.boards import PHYSICAL, Board, claims, wires_of
from gatepost.boards.diagram import diagram
from gatepost.boards.pages import page, power, table
from gatepost.cli import main
from gatepost.config import LampConfig, RelayConfig, load_board
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.relay import MOST_S, Relay

BOARDS = [load_board(path) for path in PROFILES]
SVG = "{http://www.w3.org/2000/svg}"
A4 = (1188, 840)


def name(board: Board) -> str:
    return board.model


def drawn(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own drawing


def words(picture: ET.Element) -> list[tuple[float, float, str]]:
    return [
        (float(each.get("x", "")), float(each.get("y", "")), each.text or "")
        for each in picture.iter(f"{SVG}text")
    ]


def polylines(picture: ET.Element) -> list[tuple[str, list[tuple[float, float]]]]:
    """Stroke and corners of the wires, which are 3 wide."""
    return [
        (
            each.get("stroke", ""),
            [
                (float(x), float(y))
                for x, y in (p.split(",") for p in each.get("points", "").split())
            ],
        )
        for each in picture.iter(f"{SVG}polyline")
        if each.get("stroke-width") == "3"
    ]


@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_what_is_kept_in_hardware_is_what_the_profiles_say_today(board: Board) -> None:
    kept = (HARDWARE / "wiring" / f"{board.model}.svg").read_text("utf-8")
    assert kept == diagram(board), "make wiring"
    assert (HARDWARE / "WIRING.md").read_text("utf-8") == page(BOARDS), "make wiring"


@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_each_pin_of_the_profile_stands_at_its_place_in_the_table(board: Board) -> None:
    rows = [
        tuple(cell.strip() for cell in row.split("|")[1:-1]) for row in table(board).split("\n")
    ]
    told = {(row[0], int(row[2]), int(row[3])) for row in rows[2:] if row[2]}
    wanted = {(part, pin, PHYSICAL[pin]) for part, _, pin in claims(board.tables)}
    assert told == wanted | {("oled", 2, 3), ("oled", 3, 5)}


@pytest.mark.parametrize("idle", ["", "low", "high"])
@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_each_wire_of_the_diagram_begins_beside_the_number_of_its_pin(
    board: Board, idle: str
) -> None:
    picture = drawn(diagram(board, idle))
    numbers = {int(text): (x, y) for x, y, text in words(picture) if re.fullmatch("[0-9]+", text)}
    assert set(numbers) == set(range(1, 41))
    starts = {points[0] for _, points in polylines(picture)}
    wires = [wire for wire in wires_of(board, idle) if wire.physical is not None]
    beside = {
        pin: any(abs(x - at[0]) < 12 and abs(y + 4 - at[1]) < 1 for x, y in starts)
        for pin, at in numbers.items()
    }
    flags = {text for *_, text in words(picture)}
    for wire in wires:
        assert beside[wire.physical or 0] or f"{wire.signal} ({wire.physical})" in flags
    used = {wire.physical for wire in wires}
    assert {pin for pin, here in beside.items() if here} <= used


@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_beside_each_pin_of_the_header_stands_what_it_is(board: Board) -> None:
    told = words(drawn(diagram(board)))
    numbers = {int(text): (x, y) for x, y, text in told if re.fullmatch("[0-9]+", text)}
    for bcm, physical in PHYSICAL.items():
        x, y = numbers[physical]
        row = [text for a, b, text in told if b == y and abs(a - x) < 25]
        assert any(re.fullmatch(rf"GPIO{bcm}( ID| \*)?", text) for text in row)


@pytest.mark.parametrize("idle", ["", "low", "high"])
@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_no_wire_crosses_another(board: Board, idle: str) -> None:
    pieces = [
        (number, a, b)
        for number, (_, points) in enumerate(polylines(drawn(diagram(board, idle))))
        for a, b in pairwise(points)
    ]
    for (one, a, b), (two, c, d) in combinations(pieces, 2):
        assert one == two or not _meet(a, b, c, d)


def _meet(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    """Whether two pieces, each level or upright, come nearer than 3 units."""
    near = 3.0
    return all(
        min(a[axis], b[axis]) - near < max(c[axis], d[axis])
        and min(c[axis], d[axis]) - near < max(a[axis], b[axis])
        for axis in (0, 1)
    )


@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_all_words_stay_on_the_page_and_can_be_read_on_a4(board: Board) -> None:
    for each in drawn(diagram(board)).iter(f"{SVG}text"):
        size, x, y = (float(each.get(key, "")) for key in ("font-size", "x", "y"))
        wide = len(each.text or "") * size * 0.62
        left = {"end": x - wide, "middle": x - wide / 2}.get(each.get("text-anchor", ""), x)
        assert size >= 9.5  # 2.4 mm
        assert left >= 10
        assert left + wide <= A4[0] - 10
        assert size < y < A4[1] - 8


def test_the_drivers_move_the_pins_that_the_table_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    board = load_board(PI_4)
    by_signal = {wire.signal: wire.bcm for wire in wires_of(board, "low") if wire.bcm}
    factory = MockFactory()
    lamp = Lamp(LampConfig(**board.tables["lamp"]), pins=lambda: factory)
    relay = Relay(RelayConfig(**board.tables["relay"], idle="low"), pins=lambda: factory)
    with lamp, relay:
        driven = {n for n in range(28) if factory.pin(n).function == "output"}
    assert driven == {by_signal[each] for each in ("red", "green", "blue", "request")}


def test_a_relay_that_idles_high_is_held_by_3v3() -> None:
    wires = {wire.signal: wire for wire in wires_of(BOARDS[0], "high") if wire.part == "relay"}
    assert set(wires) == {"request", "3V3"}
    assert "10 kΩ from the pin to 3V3" in wires["request"].via
    low = {wire.signal for wire in wires_of(BOARDS[0], "low") if wire.part == "relay"}
    assert low == {"request", "GND"}


def test_each_ground_pin_is_used_once() -> None:
    grounds = [wire.physical for wire in wires_of(BOARDS[0]) if wire.signal == "GND"]
    pins = [each for each in grounds if each is not None]
    assert len(set(pins)) == len(pins) > 2


def test_a_lamp_on_the_other_side_is_drawn_there_and_its_strays_are_flagged(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    swaps = (("red = 17", "red = 12"), ("green = 27", "green = 16"), ("blue = 22", "blue = 5"))
    path.write_text(changed(*swaps), "utf-8")
    told = {text for *_, text in words(drawn(diagram(load_board(path))))}
    assert "GPIO5 (29)" in told


def test_the_power_table_adds_up() -> None:
    *rows, total = [row.split("|")[1:-1] for row in power(BOARDS[0]).split("\n")[2:]]
    for column in (1, 2):
        assert sum(float(row[column]) for row in rows) == float(total[column])


def test_the_command_writes_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(HARDWARE / "boards", tmp_path / "boards")
    assert main(["wiring", "--write", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(BOARDS) + 1
    for path in [Path("WIRING.md"), *(Path("wiring") / f"{each.model}.svg" for each in BOARDS)]:
        assert (tmp_path / path).read_bytes() == (HARDWARE / path).read_bytes()


def test_the_command_draws_and_tells_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "new" / "pi-4.svg"
    assert main(["wiring", "--board", str(PI_4), "--to", str(to)]) == 0
    assert to.read_text("utf-8") == diagram(load_board(PI_4))
    capsys.readouterr()
    assert main(["wiring", "--board", str(PI_4), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"part": "lamp", "bcm": 17, "physical": 11}.items() <= told["wires"][4].items()
    assert told["power"]["peak_ma"] == sum(row["peak_ma"] for row in told["power"]["rows"])
    assert main(["wiring", "--board", str(PI_4), "--table"]) == 0
    assert capsys.readouterr().out == table(load_board(PI_4)) + "\n"


@pytest.mark.parametrize("args", [[], ["--write", "/nowhere"], ["--board", "/nowhere/pi.toml"]])
def test_the_command_says_what_it_lacks(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wiring", *args]) == 2
    assert capsys.readouterr().err


def test_the_page_on_hardware_names_files_that_are_there_and_the_profiles_resistors() -> None:
    text = (HARDWARE / "README.md").read_text("utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (HARDWARE / link).exists(), link
    for board in BOARDS:
        values = {name: part.values for name, part in board.parts.items()}
        lamp = ", ".join(f"{values['lamp'][f'{each}_ohm']:g}" for each in ("red", "green", "blue"))
        for told in (f"{lamp} Ω", f"{values['relay']['series_ohm']:g} Ω: 5.5 mA"):
            assert told in text
        assert f"set to {values['relay']['one_shot_s']:g} s" in text
        assert values["relay"]["hold_ohm"] == 10_000


def test_the_drawing_of_the_enclosure_is_whole_and_tells_the_distance() -> None:
    told = " ".join(
        text for *_, text in words(drawn((HARDWARE / "enclosure.svg").read_text("utf-8")))
    )
    assert "120 from the lens" in told


@pytest.mark.parametrize("board", BOARDS, ids=name)
def test_the_one_shot_outlasts_every_request(board: Board) -> None:
    assert board.parts["relay"].values["one_shot_s"] > MOST_S
