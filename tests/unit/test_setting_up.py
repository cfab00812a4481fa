"""Setup mode and the self-test at the station: what stands on its screen, and when it ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory
from selftesting import Part, frame

from fakes import FakeClock, symbol
from gatepost.cli import main
from gatepost.config import ButtonConfig
from gatepost.decoding.scoring import Score
from gatepost.drivers.button import Button
from gatepost.errors import DeviceAbsent, DeviceError, DeviceStuck, PictureError
from gatepost.model import CueKind
from gatepost.selftest.aiming import aiming
from gatepost.selftest.devices import Bench
from gatepost.selftest.findings import Finding
from gatepost.selftest.parts import Camera, Parts
from gatepost.selftest.setting_up import Stage, setting_up, try_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image

CONFIG: Any = SimpleNamespace(station=SimpleNamespace(id="gp-1", language="en"))
SHARP = Score(90, "ok", "ok", 4.0)


class Screen(Part):
    def draw(self, picture: Image.Image) -> None:
        assert self.open
        self._fail("draw")
        assert picture.size == (128, 64)
        if not self.done or self.done[-1] != picture.tobytes():
            self.done.append(picture.tobytes())


def stage(
    parts: Parts,
    clock: FakeClock,
    seconds: float = 900,
    stopping: Callable[[], bool] = lambda: False,
) -> Stage:
    return Stage(
        Bench(CONFIG, parts, clock, clock.pass_, judge=score), stopping, clock.now + seconds
    )


def camera(clock: FakeClock, frames: int, *, read: bool = True) -> Camera:
    source = Part(clock, gives=[frame(n) for n in range(frames)])
    return Camera(source, Part(gives=[[symbol("x")] if read else []] * frames))


def score(_frame: object, symbols: object) -> Score:
    return SHARP if symbols else Score(0, "dark", "none", 0.0)


def test_aim_help_is_drawn_until_its_time_is_over() -> None:
    clock = FakeClock()
    oled = Screen()
    parts = Parts(oled=oled, cameras={"door": camera(clock, 40)})  # type: ignore[arg-type]
    with stage(parts, clock, 60) as it:
        setting_up(it, list)
    assert oled.done
    assert not oled.open
    assert 60 <= clock.now - FakeClock().now < 65


def test_without_a_camera_the_screen_says_who_and_where_the_station_is() -> None:
    clock, oled = FakeClock(), Screen()
    asked: list[int] = []

    def about() -> list[str]:
        asked.append(1)
        return ["gp-1", "site", "192.0.2.7"]

    with stage(Parts(oled=oled), clock, 30) as it:  # type: ignore[arg-type]
        setting_up(it, about)
    assert asked
    assert len(oled.done) == 1


def test_a_press_ends_it_but_not_the_one_that_began_it() -> None:
    clock = FakeClock()
    button = Part(gives=[True, True, True, False, False, True])
    with stage(Parts(button=button, oled=Screen()), clock, 900) as it:  # type: ignore[arg-type]
        setting_up(it, lambda: ["gp-1"])
    assert button.gives == []
    assert clock.now - FakeClock().now < 10


def test_a_signal_ends_it() -> None:
    clock = FakeClock()
    with stage(Parts(), clock, 900, lambda: clock.now > FakeClock().now + 3) as it:
        setting_up(it, list)
    assert clock.now - FakeClock().now < 5


@pytest.mark.parametrize("where", ["open", "draw"])
def test_without_a_screen_it_goes_on(where: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    oled = Screen(fails={where: DeviceAbsent("oled: not there")})
    with stage(Parts(oled=oled), clock, 30) as it:  # type: ignore[arg-type]
        setting_up(it, list)
    assert len([each for each in caplog.records if "not" in each.message]) == 1


def test_the_self_test_shows_each_finding_and_ends_in_green() -> None:
    clock, oled, lamp, relay = FakeClock(), Screen(), Part(), Part()
    checks = [Finding("clock", ok=True, told="synchronised")]
    with stage(Parts(oled=oled, lamp=lamp, relay=relay), clock) as it:  # type: ignore[arg-type]
        found = try_all(it, checks)
    assert [each.name for each in found] == ["clock", "lamp", "relay", "oled"]
    assert lamp.done == [CueKind.ACCEPTED]
    assert relay.done == []
    assert len(oled.done) == 6
    assert clock.now - FakeClock().now < 130


def test_the_self_test_names_what_is_in_trouble() -> None:
    clock, oled, lamp = FakeClock(), Screen(), Part()
    parts = Parts(oled=oled, lamp=lamp, buzzer=Part(fails={"open": DeviceError("taken")}))  # type: ignore[arg-type]
    checks = [Finding(f"part {n}", ok=False, told="bad") for n in range(5)]
    with stage(parts, clock) as it:
        found = try_all(it, checks)
    assert [each.ok for each in found].count(False) == 6
    assert found[-1] == Finding("oled", ok=True, told="answers")
    assert lamp.done == [CueKind.TROUBLE]


def test_a_stop_within_the_self_test_is_obeyed_after_the_check_that_runs() -> None:
    clock = FakeClock()
    asked: list[int] = []

    def checks() -> Any:
        for number in range(9):
            asked.append(number)
            yield Finding(str(number), ok=True, told="")

    with stage(Parts(), clock, 900, lambda: len(asked) >= 2) as it:
        found = try_all(it, checks())
    assert len(found) == 2


def test_a_camera_that_comes_and_goes_is_looked_for_again() -> None:
    clock = FakeClock()
    source = Part(clock, fails={"next": DeviceAbsent("camera 0: not there")})
    seen = aiming(Camera(source, Part()), Bench(CONFIG, Parts(), clock, clock.pass_, judge=score))  # type: ignore[arg-type]
    first = next(seen)
    assert first is not None
    assert first.score is None
    assert "not there" in first.advice
    source.fails.clear()
    source.gives = [frame()]
    later = next(each for each in seen if each is not None)
    assert later.score is not None
    assert not source.fails
    seen.close()
    assert not source.open


def test_a_press_shorter_than_a_look_ends_it() -> None:
    clock, pins = FakeClock(), MockFactory()
    begun = clock.now
    pressed: list[float] = []

    def pause(seconds: float) -> None:
        clock.pass_(seconds)
        if clock.now > begun + 5 and not pressed:
            pressed.append(clock.now)
            pins.pin(26).drive_low()
            pins.pin(26).drive_high()

    button = Button(ButtonConfig(pin=26), lambda: pins)
    bench = Bench(CONFIG, Parts(button=button), clock, pause)
    with Stage(bench, lambda: False, begun + 900) as it:
        setting_up(it, list)
    assert clock.now < begun + 7
    pins.reset()


def test_with_two_cameras_a_press_goes_on_to_the_other() -> None:
    clock, oled = FakeClock(), Screen()
    cameras = {name: camera(clock, 900) for name in ("in", "out")}
    # The press that began it, let go; a press for the next camera; a press for the end.
    button = Part(gives=[True, True, False, False, True, True, False, False, True])
    parts = Parts(oled=oled, button=button, cameras=cameras)  # type: ignore[arg-type]
    with stage(parts, clock) as it:
        setting_up(it, lambda: ["gp-1", "site", "192.0.2.7"])
    assert all(len(each.source.gives) < 900 for each in cameras.values())  # type: ignore[attr-defined]
    assert clock.now - FakeClock().now < 30


def test_without_a_screen_the_log_says_how_the_camera_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    clock = FakeClock()
    with stage(Parts(cameras={"door": camera(clock, 10)}), clock, 30) as it:
        setting_up(it, list)
    said = [each for each in caplog.records if each.message == "aim"]
    assert len(said) == 1
    assert said[0].__dict__["fields"]["focus"] == 90


@pytest.mark.parametrize("error", [DeviceStuck("camera 0: hangs"), PictureError("x.png: none")])
def test_a_camera_that_cannot_be_had_is_shown_and_ends_nothing(error: Exception) -> None:
    clock, oled = FakeClock(), Screen()
    broken = Camera(Part(clock, fails={"next": error}), Part())  # type: ignore[dict-item, arg-type]
    parts = Parts(oled=oled, cameras={"door": broken})  # type: ignore[arg-type]
    with stage(parts, clock, 30) as it:
        setting_up(it, list)
    assert len(oled.done) == 2


@pytest.mark.parametrize("where", ["open", "draw"])
def test_a_screen_that_is_not_there_is_among_what_the_self_test_finds(where: str) -> None:
    clock = FakeClock()
    oled = Screen(fails={where: DeviceAbsent("oled: not there")})
    button = Part(fails={"open": DeviceError("button: line 26 is held")})
    with stage(Parts(oled=oled, button=button), clock) as it:  # type: ignore[arg-type]
        found = {each.name: each for each in try_all(it, [])}
    assert not found["oled"].ok
    assert "i2cdetect" in found["oled"].advice
    assert not found["button"].ok


def test_a_press_within_the_self_test_ends_it() -> None:
    clock = FakeClock()
    button = Part(gives=[False, False, True])
    checks = [Finding(str(number), ok=True, told="") for number in range(9)]
    with stage(Parts(button=button), clock) as it:
        found = try_all(it, checks)
    assert len(found) == 2


class Jammed(Part):
    def __exit__(self, *_: object) -> None:
        raise DeviceError("lamp: its thread did not end within 1 s")


def test_a_lamp_that_cannot_be_closed_does_not_take_the_findings_with_it() -> None:
    clock = FakeClock()
    with stage(Parts(lamp=Jammed()), clock) as it:
        found = try_all(it, [])
    assert not found[-1].ok


@pytest.mark.parametrize("minutes", ["nan", "inf", "0", "-1", "soon"])
def test_a_time_that_never_ends_or_never_begins_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], minutes: str
) -> None:
    config = str(tmp_path / "station.toml")
    with pytest.raises(SystemExit) as ended:
        main(["setup", "--config", config, "--mode", "setup", f"--minutes={minutes}"])
    assert ended.value.code == 2
    assert "is no time: write 15" in capsys.readouterr().err
