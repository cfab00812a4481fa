"""Pressing the button, stepped by hand: what it shows, what it asks for, and when it is stuck."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from fakes import FakeClock
from gatepost.config import ButtonConfig
from gatepost.drivers.button import Button
from gatepost.errors import DeviceError
from gatepost.model import Cue, CueKind
from gatepost.modes import Mode, ask, asked, over, place
from gatepost.pressing import LINES, REFUSED, Pressed, pressing

if TYPE_CHECKING:
    from collections.abc import Iterator

PIN = 26
BRIEF = ("gp-7f3a9c", "Mạng: tốt")


class Door:
    """A station's button under a hand."""

    def __init__(self, pins: MockFactory, folder: Path, language: str = "vi") -> None:
        self.pins = pins
        self.folder = folder
        self.clock = FakeClock()
        self.cues: list[Cue] = []
        self.told: list[tuple[str, str]] = []
        pressed = Pressed(
            setup_s=3.0,
            selftest_s=8.0,
            language=language,
            brief=lambda: BRIEF,
            cue=self.cues.append,
            told=lambda *each: self.told.append(each),
            request=lambda mode: ask(mode, folder),
        )
        button = Button(ButtonConfig(pin=PIN), lambda: pins)
        self.worker = pressing(button, pressed, self.clock, wait_s=0)
        self.turn(2)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            next(self.worker)

    def hold(self, seconds: float) -> None:
        """Press, and hold on; looked at ten times a second."""
        self.pins.pin(PIN).drive_low()
        self.turn()
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.pass_(0.1)
            self.turn()

    def let_go(self) -> None:
        self.pins.pin(PIN).drive_high()
        self.turn()

    @property
    def shown(self) -> list[tuple[str, ...]]:
        assert {cue.kind for cue in self.cues} <= {CueKind.STATUS}
        return [tuple(cue.detail.split("\n")) for cue in self.cues]


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()


@pytest.fixture
def door(pins: MockFactory, tmp_path: Path) -> Door:
    return Door(pins, tmp_path)


@pytest.mark.parametrize("seconds", [0, 0.5, 2.8])
def test_a_short_press_shows_how_the_station_is(door: Door, seconds: float) -> None:
    door.hold(seconds)
    assert door.shown == []
    door.let_go()
    assert door.shown == [BRIEF]
    assert asked(door.folder) is None


@pytest.mark.parametrize("language", ["vi", "en"])
def test_held_for_3_s_it_tells_and_asks_for_setup(
    pins: MockFactory, tmp_path: Path, language: str
) -> None:
    door = Door(pins, tmp_path, language)
    door.hold(3.2)
    assert door.shown == [LINES[language][Mode.SETUP]]
    assert asked(tmp_path) is None  # it may still become longer
    door.let_go()
    assert asked(tmp_path) is Mode.SETUP
    assert len(door.cues) == 1


def test_held_for_8_s_it_tells_both_stages_and_asks_for_the_self_test(door: Door) -> None:
    door.hold(8.2)
    assert door.shown == [LINES["vi"][Mode.SETUP], LINES["vi"][Mode.SELFTEST]]
    door.let_go()
    assert asked(door.folder) is Mode.SELFTEST


def test_one_that_is_stuck_is_told_once_and_asks_for_nothing(door: Door) -> None:
    door.hold(90)
    assert door.told == [("button", "stuck")]
    assert len(door.cues) == 2  # its two stages, and nothing since
    door.let_go()
    assert door.told == [("button", "stuck"), ("button", "")]
    assert asked(door.folder) is None
    assert len(door.cues) == 2
    door.hold(3.2)
    door.let_go()
    assert asked(door.folder) is Mode.SETUP


def test_one_that_is_held_from_the_start_asks_for_nothing(
    pins: MockFactory, tmp_path: Path
) -> None:
    class HeldPin(MockPin):  # type: ignore[misc]
        """A button that somebody leans on."""

        def _set_pull(self, value: str) -> None:
            super()._set_pull(value)
            self._change_state(False)

    pins.pin_class = HeldPin
    door = Door(pins, tmp_path)
    door.wait(20)
    assert (door.shown, door.told) == ([], [])
    door.wait(11)
    assert door.told == [("button", "stuck")]
    door.let_go()
    assert door.told[-1] == ("button", "")
    assert door.shown == []
    assert asked(tmp_path) is None


def test_a_mode_that_cannot_be_asked_for_is_told_on_the_screen(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    door.folder.rmdir()
    door.hold(3.2)
    door.let_go()
    assert door.shown[-1] == REFUSED["vi"]
    (failed,) = [each for each in caplog.records if each.message == "mode not asked for"]
    assert "No such file" in vars(failed)["fields"]["why"]


def test_a_button_without_pins_is_told_once_and_looked_for_every_5_s(
    pins: MockFactory, tmp_path: Path
) -> None:
    with Button(ButtonConfig(pin=PIN), lambda: pins):  # another holds it
        door = Door(pins, tmp_path)
        for _ in range(3):
            door.wait(5.1)
        ((part, why),) = door.told
        assert part == "button"
        assert "already in use" in why
    door.wait(5.1)
    door.hold(0.2)
    door.let_go()
    assert door.told[1:] == [("button", "")]
    assert door.shown == [BRIEF]


def test_the_pin_is_free_when_the_worker_is_closed(door: Door) -> None:
    door.worker.close()
    with Button(ButtonConfig(pin=PIN), lambda: door.pins) as button:
        assert not button.pressed()


def test_what_is_asked_for_stands_there_whole_until_it_is_over(tmp_path: Path) -> None:
    assert asked(tmp_path) is None
    ask(Mode.SETUP, tmp_path)
    ask(Mode.SELFTEST, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mode"]
    assert asked(tmp_path) is Mode.SELFTEST
    over(tmp_path)
    over(tmp_path)
    assert asked(tmp_path) is None


@pytest.mark.parametrize("text", ["", "reboot\n", "setup selftest", "\xff", "s" * 5000])
def test_any_other_word_asks_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "mode").write_text(text, "latin-1")
    assert asked(tmp_path) is None


def test_a_place_that_cannot_be_written_is_told_and_left_clean(tmp_path: Path) -> None:
    (tmp_path / "mode").mkdir()
    with pytest.raises(DeviceError, match="mode: Is a directory"):
        ask(Mode.SETUP, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mode"]
    assert asked(tmp_path) is None
    with pytest.raises(DeviceError, match="mode: "):
        over(tmp_path)


@pytest.mark.parametrize(
    ("named", "folder"),
    [("/run/a:/run/b", "/run/a"), ("", "/run/gatepost"), (None, "/run/gatepost")],
)
def test_the_place_is_the_service_s_own_folder(
    monkeypatch: pytest.MonkeyPatch, named: str | None, folder: str
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    if named is not None:
        monkeypatch.setenv("RUNTIME_DIRECTORY", named)
    assert place() == Path(folder) / "mode"
