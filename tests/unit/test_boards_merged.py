"""A station's file over its board's profile."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from boards import HARDWARE, PI_4, PROFILES, changed, line_of

from gatepost.boards import notes
from gatepost.cli import main
from gatepost.config import load, parse
from gatepost.demo.authority import make_authority
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.config import Config

STATION = """\
[station]
id = "gp-1"
site = "ward-7"
data = "data"
certificate = "station.pem"
key = "station.key"

[broker]
host = "broker.example"
ca = "ca.pem"

[central]
sealing_key = "{sealing}"

[[reader]]
type = "frames"
name = "door"
direction = "auto"
path = "."

[board]
profile = "pi-4.toml"
"""
RELAY = '\n[relay]\nidle = "low"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("station")
    files = make_authority(folder, "gp-1")
    (folder / "station.toml").write_text(STATION.format(sealing=files.sealing_public.name))
    for path in PROFILES:
        shutil.copy(path, folder)
    return folder


def station(folder: Path, *more: str) -> str:
    return (folder / "station.toml").read_text("utf-8") + "".join(more)


def loaded(folder: Path, *more: str) -> Config:
    return parse(station(folder, *more), folder / "x.toml")


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, folder / "x.toml")
    return [told.replace(f"{folder}/", "") for told in caught.value.problems]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_key_of_a_shipped_profile_is_what_the_firmware_is_configured_with(
    folder: Path, path: Path
) -> None:
    text = station(folder, RELAY).replace("pi-4.toml", path.name)
    config = parse(text, folder / "x.toml")
    assert config.board is not None
    assert config.board.model == path.stem
    for table, values in config.board.tables.items():
        for key, value in values.items():
            assert getattr(getattr(config, table), key) == value


def test_the_idle_level_is_the_sites_own_and_its_lack_names_the_profiles_line(folder: Path) -> None:
    text = station(folder)
    assert problems(folder, text) == [
        (
            f"x.toml:{line_of(text, 'profile')}: relay.idle: is missing: level of the pin while "
            "nothing is asked; no profile of a board says it for the site"
        )
    ]
    config = loaded(folder, RELAY)
    assert config.relay is not None
    assert (config.relay.pin, config.relay.idle) == (24, "low")


def test_a_key_of_the_station_wins_over_the_profiles(folder: Path) -> None:
    config = loaded(folder, RELAY, '[lamp]\nred = 5\ncommon = "anode"\n[oled]\naddress = 0x3D\n')
    assert config.lamp is not None
    assert config.oled is not None
    assert (config.lamp.red, config.lamp.green, config.lamp.common) == (5, 27, "anode")
    assert (config.oled.bus, config.oled.address) == (1, 0x3D)


def test_parts_that_are_not_fitted_are_left_out(folder: Path) -> None:
    config = loaded(folder, 'without = ["relay", "oled", "light"]\n')
    assert config.board is not None
    assert (config.relay, config.oled, config.light) == (None, None, None)
    assert config.lamp is not None
    assert not {"relay", "oled", "light"} & set(config.board.tables)
    assert 2 in config.board.pins


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('without = ["relai"]\n', "is 'relai'; did you mean 'relay'?"),
        (
            'without = ["relay"]\n[relay]\npin = 5\nidle = "low"\n',
            "board.without: names 'relay', but this file has [relay]: keep one of them",
        ),
        (
            '[relay]\npin = 17\nidle = "low"\n',
            "relay.pin: pin 17 is already used by lamp.red",
        ),
        ('[relay]\npin = 3\nidle = "low"\n', "relay.pin: pin 3 is reserved: the OLED's I2C bus 1"),
        ("without = 5\n", "board.without: must be a list of texts"),
        ("lamp = 7\n", "board.lamp: there is no such key"),
    ],
)
def test_a_station_that_contradicts_its_board_is_told_so(
    folder: Path, more: str, told: str
) -> None:
    assert any(told in each for each in problems(folder, station(folder, more)))


def test_a_key_of_the_profile_that_the_stations_collides_with_is_told_at_the_profiles_line(
    folder: Path,
) -> None:
    found = problems(folder, station(folder, RELAY, "[lamp]\nred = 24\n"))
    number = line_of(PI_4.read_text("utf-8"), "pin = 24")
    assert found == [f"pi-4.toml:{number}: relay.pin: pin 24 is already used by lamp.red"]


def test_the_profiles_problems_come_first_each_once_and_the_stations_own_follow(
    folder: Path,
) -> None:
    text = changed(("red = 17", "red = 99"), ("[relay]\n", '[relay]\nidle = "low"\n'))
    (folder / "odd.toml").write_text(text, "utf-8")
    own = station(folder, RELAY).replace("pi-4.toml", "odd.toml").replace("site =", "sight =")
    found = problems(folder, own)
    assert len(found) == len(set(found))
    files = [told.split(":")[0] for told in found]
    assert files == sorted(files)
    assert set(files) == {"odd.toml", "x.toml"}
    assert any("lamp.red: pin 99 is absent on a pi-4" in told for told in found)
    assert any("station.sight: there is no such key" in told for told in found)


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("pi-6.toml", "board.profile: there is no "),
        (".", "board.profile: "),
        ("", "board.profile: must not be empty"),
        ("no\\u0000thing", "board.profile: must be without control characters"),
    ],
)
def test_a_profile_that_cannot_be_read_is_told(folder: Path, profile: str, told: str) -> None:
    text = station(folder, RELAY).replace("pi-4.toml", profile)
    assert any(told in each for each in problems(folder, text))


def test_a_profile_that_is_no_toml_is_told_with_its_line(folder: Path) -> None:
    (folder / "torn.toml").write_text("[board]\nmodel = \n", "utf-8")
    text = station(folder, RELAY).replace("pi-4.toml", "torn.toml")
    assert any(told.startswith("torn.toml:2: not TOML") for told in problems(folder, text))


def test_without_a_board_all_is_as_it_was(folder: Path) -> None:
    text = station(folder)
    config = parse(text[: text.index("[board]")] + "[oled]\n", folder / "x.toml")
    assert config.board is None
    assert config.lamp is None
    assert config.oled is not None


def test_check_config_shows_the_board(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "whole.toml"
    path.write_text(station(folder, '\n[relay]\nidle = "high"\n'), "utf-8")
    assert load(path).board is not None
    assert main(["check-config", str(path), "--json"]) == 0
    board = json.loads(capsys.readouterr().out)["board"]
    assert (board["model"], board["title"]) == ("pi-4", "Raspberry Pi 4 Model B")
    assert set(board["fitted"]) == {"lamp", "buzzer", "relay", "light", "oled", "button"}
    assert any("only its hold resistor" in note for note in board["notes"])
    assert main(["check-config", str(path)]) == 0
    told = capsys.readouterr().out
    assert "board: Raspberry Pi 4 Model B" in told
    assert "note: relay: pin 24 rests low until a program drives it" in told


def test_profiles_are_installed_with_the_firmware() -> None:
    text = (HARDWARE.parent / "pyproject.toml").read_text("utf-8")
    assert '"share/gatepost/boards" = ["hardware/boards/*.toml"]' in text


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (RELAY, None),
        ('\n[relay]\npin = 5\nidle = "high"\n', None),
        (
            '\n[relay]\nidle = "high"\n',
            "relay: pin 24 rests low until a program drives it, idle is",
        ),
        ('\n[relay]\npin = 5\nidle = "low"\n', "relay: pin 5 rests high"),
        (RELAY + "[lamp]\ngreen = 6\n", "lamp: green is lit from power-up"),
        (RELAY + '[lamp]\ncommon = "anode"\n', "lamp: blue is lit from power-up"),
        (RELAY + "[light]\npin = 7\n", "light: it is lit from power-up"),
        (RELAY + '[light]\nactive = "low"\n', "light: it is lit from power-up"),
    ],
)
def test_what_outputs_do_from_power_up_is_noted(folder: Path, more: str, told: str | None) -> None:
    found = list(notes(loaded(folder, more), "Raspberry Pi 4 Model B Rev 1.5"))
    assert bool(found) == (told is not None)
    assert told is None or any(told in each for each in found)


def test_a_profile_of_another_model_and_a_weak_supply_are_noted(folder: Path) -> None:
    (folder / "weak.toml").write_text(changed(("ma = 4000", "ma = 2500")), "utf-8")
    text = station(folder, RELAY).replace("pi-4.toml", "weak.toml")
    strange, supply = notes(parse(text, folder / "x.toml"), "Raspberry Pi 5 Model B Rev 1.0")
    assert strange == (
        "the profile is for Raspberry Pi 4 Model B, "
        "this machine says 'Raspberry Pi 5 Model B Rev 1.0'"
    )
    assert supply == "supply: 7% of 2500 mA are left at peak, not 20%"
    assert not list(notes(parse(text, folder / "x.toml"), ""))[:-1]


def test_the_wiring_of_a_station_is_as_it_is_configured(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "wired.toml"
    more = 'without = ["light"]\n[relay]\npin = 16\nidle = "high"\n[lamp]\ncommon = "anode"\n'
    path.write_text(station(folder, more), "utf-8")
    assert main(["wiring", "--config", str(path), "--json"]) == 0
    wires = json.loads(capsys.readouterr().out)["wires"]
    by = {(wire["part"], wire["signal"]): wire["physical"] for wire in wires}
    assert (by["relay", "request"], by["relay", "3V3"], by["lamp", "3V3"]) == (36, 17, 17)
    assert ("light", "light") not in by
    assert main(["wiring", "--config", str(path)]) == 0
    assert "idle = high: a request is the pin low" in capsys.readouterr().out


def test_the_wiring_of_a_station_without_a_board_or_of_another_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = station(folder)
    (folder / "bare.toml").write_text(text[: text.index("[board]")], "utf-8")
    assert main(["wiring", "--config", str(folder / "bare.toml")]) == 2
    assert "names no board" in capsys.readouterr().err
    (folder / "four.toml").write_text(station(folder, RELAY), "utf-8")
    args = ["wiring", "--config", str(folder / "four.toml"), "--board", str(folder / "pi-5.toml")]
    assert main(args) == 2
    assert "is for a pi-4, not for a pi-5" in capsys.readouterr().err
