"""Board profiles: the shipped ones are good, and every fault of one is told with its line."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, get_args, get_type_hints

import pytest
from boards import HARDWARE, PI_4, PROFILES, changed, line_of, problems
from gpiozero.pins.pi import PiBoardInfo
from hypothesis import given
from hypothesis import strategies as st

from gatepost.boards import FITTED, HEADER, MODELS, PHYSICAL, budget, claims, faults, machine
from gatepost.boards.header import pulled_up
from gatepost.boards.power import MARGIN
from gatepost.config import load_board
from gatepost.config.profile_schema import Profile, Wiring
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = {
    "pi-zero-2w": "Raspberry Pi Zero 2 W Rev 1.0",
    "pi-3": "Raspberry Pi 3 Model B Plus Rev 1.3",
    "pi-4": "Raspberry Pi 4 Model B Rev 1.5",
    "pi-5": "Raspberry Pi 5 Model B Rev 1.0",
}
FAULTS = [
    (("green = 27", "green = 17"), "green", "lamp.green: pin 17 is already used by lamp.red"),
    (("pin = 24", "pin = 18 #"), "pin = 18 #", "relay.pin: pin 18 is already used by buzzer.pin"),
    (("red = 17", "red = 1"), "red", "lamp.red: pin 1 is reserved: at power-up the board looks"),
    (("red = 17", "red = 2"), "red", "pin 2 is reserved: the OLED's I2C bus 1 uses it"),
    (("red = 17", "red = 28"), "red", "pin 28 is absent on a pi-4: its header has 0 to 27"),
    (("red = 17", "red = 999"), "red", "pin 999 is absent on a pi-4"),
    (("red = 17", "red = true"), "red", "lamp.red: must be a whole number, is true"),
    (("red = 17", "rde = 17"), "rde", "lamp.rde: there is no such key; did you mean 'red'?"),
    (("[buzzer]", "[buzer]"), "[buzer]", "buzer: there is no such key; did you mean 'buzzer'?"),
    (("bus = 1", "bus = 0"), "bus", "oled.bus: bus 0 is the camera's and the ID EEPROM's"),
    (("bus = 1", "bus = 7"), "bus", "oled.bus: bus 7 is absent there: the header of a pi-4 has 1,"),
    (
        ("[relay]\n", '[relay]\nidle = "low"\n'),
        "idle",
        "relay.idle: a profile never says it: which level asks nothing is the choice of each site",
    ),
    (
        ('model = "pi-4"\n', 'model = "pi-4b"\n'),
        "model",
        "is 'pi-4b'; did you mean 'pi-4'?",
    ),
    (("pinctrl-bcm2711", "pinctrl-rp1"), "chip", "on a pi-4 it is 'pinctrl-bcm2711'"),
    (("0xc03111", "0xc04170"), "revision", "0xc04170 is of a pi-5, not of a pi-4"),
    (("0xc03111", "0xc03ff1"), "revision", "is of no model that is known here, not of a pi-4"),
    (("red_ohm = 150", "red_ohm = 15"), "red_ohm", "lets 87 mA through a pin that bears 16"),
    (
        ("[wiring.lamp]", "[wiring.lmap]"),
        "[wiring.lmap]",
        "wiring.lmap: there is no such key; did you mean 'lamp'?",
    ),
    (("[supply]", "[sply]"), "[sply]", "sply: there is no such key; did you mean 'supply'?"),
    (
        ('active = "high"', 'active = "low"'),
        "active",
        "light.active: an N-channel transistor lights it while the pin is high",
    ),
    (("RGB LED", "RGB <LED>"), 'what = "RGB', "does not fit"),
]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_shipped_profile_is_good_and_named_after_its_model(path: Path) -> None:
    board = load_board(path)
    assert board.model == path.stem
    assert set(board.tables) == set(FITTED)
    assert set(board.parts) == {*FITTED, "camera", "reader"}


def test_there_is_a_profile_for_each_model() -> None:
    assert {path.stem for path in PROFILES} == set(MODELS)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_outputs_rest_dark_and_ask_nothing_from_power_up(path: Path) -> None:
    board = load_board(path)
    assert board.tables["lamp"]["common"] == "cathode"
    assert board.tables["light"]["active"] == "high"
    for table, key, pin in claims(board.tables):
        assert not pulled_up(pin), f"{table}.{key}"


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_the_supply_of_a_shipped_profile_has_a_margin(path: Path) -> None:
    told = budget(load_board(path))
    assert told.margin >= MARGIN
    assert told.total.peak_ma == sum(row.peak_ma for row in told.rows)
    assert all(row.typical_ma <= row.peak_ma for row in told.rows)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_gpiozero_knows_the_board_by_its_revision_with_the_same_header(path: Path) -> None:
    info = PiBoardInfo.from_revision(load_board(path).revision)
    header = next(each for each in info.headers.values() if len(each.pins) == 40)
    names = {number: pin.name for number, pin in header.pins.items()}
    ours = {n: f"GPIO{what}" if isinstance(what, int) else what for n, what in HEADER.items()}
    assert names == ours


@pytest.mark.parametrize(("change", "start", "told"), FAULTS, ids=[told for *_, told in FAULTS])
def test_a_fault_of_a_profile_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], start: str, told: str
) -> None:
    text = changed(change)
    found = [each for each in problems(tmp_path, text) if told in each]
    assert found
    assert found[0].startswith(f"board.toml:{line_of(text, start)}: ")


@pytest.mark.parametrize(
    ("uses", "pin", "why"),
    [
        ("uart", 14, "the serial console (uart) uses it"),
        ("spi", 9, "SPI0 uses it"),
        ("i2s", 19, "digital audio (i2s) uses it"),
        ("1-wire", 4, "the 1-wire bus uses it"),
    ],
)
def test_an_interface_that_is_used_reserves_its_pins(
    tmp_path: Path, uses: str, pin: int, why: str
) -> None:
    lamp = ("red = 17", f"red = {pin}")
    revision = ("revision =", f'uses = ["{uses}"]\nrevision =')
    assert problems(tmp_path, changed(lamp, revision))[0].endswith(f"pin {pin} is reserved: {why}")
    path = tmp_path / "free.toml"
    path.write_text(changed(lamp), "utf-8")
    assert load_board(path).tables["lamp"]["red"] == pin


def test_another_bus_of_the_oled_moves_what_is_reserved(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(changed(("bus = 1", "bus = 3")), "utf-8")
    reserved = load_board(path).reserved
    assert {2, 3}.isdisjoint(reserved)
    assert {4, 5} <= set(reserved)
    found = problems(tmp_path, changed(("bus = 1", "bus = 6")))
    assert any(
        "lamp.blue: pin 22 is reserved: the OLED's I2C bus 6 uses it" in told for told in found
    )


def test_a_bus_of_a_pi_4_is_absent_on_a_pi_3(tmp_path: Path) -> None:
    text = changed(("bus = 1", "bus = 3"), profile=PI_4.with_name("pi-3.toml"))
    assert "bus 3 is absent there: the header of a pi-3 has 1" in problems(tmp_path, text)[0]


def test_all_faults_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = changed(
        ("pinctrl-bcm2711", "pinctrl-rp1"),
        ("red = 17", "red = 0"),
        ("[relay]\n", '[relay]\nidle = "high"\n'),
        ("led_v = 1.15", "led_v = 9"),
    )
    found = problems(tmp_path, text)
    numbers = [int(told.split(":")[1]) for told in found]
    assert numbers == sorted(numbers)
    for word in ("board.chip", "lamp.red", "relay.idle", "wiring.relay.led_v"):
        assert any(word in told for told in found)


def test_what_is_fitted_needs_its_wiring_and_the_other_way_round(tmp_path: Path) -> None:
    text = changed(("[button]", "[buttons]"))
    found = problems(tmp_path, text)
    assert any("wiring.button: there is no [button]" in told for told in found)
    whole = PI_4.read_text("utf-8")
    cut = whole[: whole.index("[wiring.lamp]")] + whole[whole.index("[buzzer]") :]
    assert any(
        "wiring.lamp: is missing: [lamp] is fitted" in told for told in problems(tmp_path, cut)
    )


@pytest.mark.parametrize(
    "text",
    ["", "[board", "board = 5\n", "[board]\nmodel = 7\n", "wiring = 1\n", "lamp = [1]\n", "\x00"],
)
def test_what_is_no_profile_at_all_is_told_too(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_profile_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_board(tmp_path / "pi-6.toml")


@pytest.mark.parametrize("model", MODELS)
def test_a_machine_of_another_model_is_strange_and_its_own_is_not(model: str) -> None:
    board = load_board(HARDWARE / "boards" / f"{model}.toml")
    assert board.strange("") == ""
    for name, told in MACHINES.items():
        assert bool(board.strange(told)) == (name != model)


def test_a_machine_says_what_it_is_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model"
    assert machine(path) == ""
    path.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\x00")
    assert machine(path) == MACHINES["pi-5"]
    path.write_bytes(b"\xff\xfe")
    assert machine(path) == ""


BITS = ("[]", "{}", "-1", "1e999", "nan", "'x'", "''", "true", "2026-01-01", "9" * 400, '"\\u0000"')


@pytest.mark.parametrize("bit", [*BITS, None])
def test_whatever_stands_in_a_line_of_a_profile_it_is_good_or_told(
    tmp_path: Path, bit: str | None
) -> None:
    lines = PI_4.read_text("utf-8").splitlines()
    path = tmp_path / "board.toml"
    told = 0
    for number, line in enumerate(lines):
        if " = " not in line or line.startswith("#"):
            continue
        key = line.split(" = ")[0]
        other = [] if bit is None else [f"{key} = {bit}"]
        path.write_text("\n".join([*lines[:number], *other, *lines[number + 1 :]]), "utf-8")
        with suppress(ConfigError):
            load_board(path)
            continue
        told += 1
        name = re.escape(str(path))
        with pytest.raises(ConfigError, match=rf"\A({name}:[0-9]+: .*\n?)+\Z"):
            load_board(path)
    assert told > 30


PINS = st.integers(-5, 60)


@given(
    model=st.sampled_from(sorted(MODELS)),
    lamp=st.tuples(PINS, PINS, PINS),
    relay=PINS,
    bus=st.integers(-1, 8),
    uses=st.sets(st.sampled_from(["uart", "spi", "i2s", "1-wire"])),
)
def test_any_map_of_pins_is_told_of_exactly_where_a_pin_is_absent_or_taken(
    model: str, lamp: tuple[int, int, int], relay: int, bus: int, uses: set[str]
) -> None:
    tables = {
        "lamp": dict(zip(("red", "green", "blue"), lamp, strict=True)),
        "relay": {"pin": relay},
        "oled": {"bus": bus},
    }
    found = {where for where, _ in faults(model, uses, tables)}
    taken = {0, 1} | set(MODELS[model].buses.get(bus, ()))
    for name, pins in (("uart", {14, 15}), ("spi", {7, 8, 9, 10, 11}), ("i2s", {18, 19, 20, 21})):
        taken |= pins if name in uses else set()
    taken |= {4} if "1-wire" in uses else set()
    wanted = {
        (table, key) for table, key, pin in claims(tables) if pin not in PHYSICAL or pin in taken
    }
    if bus not in MODELS[model].buses:
        wanted.add(("oled", "bus"))
    assert found == wanted


@pytest.mark.parametrize("root", [Profile, Wiring])
def test_every_number_of_a_profile_is_bounded(root: type) -> None:
    hints = get_type_hints(root).values()
    kinds = [part for hint in hints for part in (hint, *get_args(hint)) if is_dataclass(part)]
    assert len(kinds) == len(fields(root))
    for kind in kinds:
        for item in fields(kind):
            if item.type in {"int", "float"} and not item.metadata["choices"]:
                assert item.metadata["least"] is not None, item.name
                assert item.metadata["most"] is not None, item.name
