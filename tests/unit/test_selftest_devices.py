"""Each device in turn, with a technician or without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from selftesting import Part, Someone, frame

from fakes import FakeClock, symbol
from gatepost.decoding.scoring import Score
from gatepost.errors import DeviceAbsent, DeviceError, DeviceStuck, PictureError
from gatepost.model import CueKind, Read
from gatepost.selftest.devices import Bench, devices
from gatepost.selftest.looking import CARD
from gatepost.selftest.parts import Camera, Parts

if TYPE_CHECKING:
    from gatepost.selftest.findings import Finding

CONFIG: Any = SimpleNamespace(station=SimpleNamespace(id="gp-1"))


def tried(
    parts: Parts,
    someone: Someone | None = None,
    clock: FakeClock | None = None,
    only: frozenset[str] = frozenset(),
) -> dict[str, Finding]:
    clock = clock or FakeClock()
    bench = Bench(CONFIG, parts, clock, clock.pass_, someone, only)
    return {each.name: each for each in devices(bench)}


def test_without_a_technician_each_device_is_only_opened_and_no_door_is_asked() -> None:
    lamp, relay, oled = Part(), Part(), Part()
    found = tried(Parts(lamp=lamp, relay=relay, oled=oled))
    assert all(each.ok for each in found.values())
    assert (lamp.done, relay.done, oled.done) == ([], [], [CueKind.IDENTIFY])
    assert [each.open for each in (lamp, relay, oled)] == [False] * 3


@pytest.mark.parametrize("where", ["open", "show"])
def test_a_screen_that_is_not_there_is_told_with_what_to_do(where: str) -> None:
    found = tried(Parts(oled=Part(fails={where: DeviceAbsent("oled: not there")})))
    assert not found["oled"].ok
    assert "i2cdetect" in found["oled"].advice


def test_a_device_that_fails_does_not_keep_the_others_from_being_tried() -> None:
    lamp, buzzer = Part(fails={"open": DeviceError("lamp: line 17 is taken")}), Part()
    found = tried(Parts(lamp=lamp, buzzer=buzzer), Someone())
    assert "line 17 is taken" in found["lamp"].told
    assert found["buzzer accepted"].ok


def test_a_colour_that_the_technician_does_not_see_is_in_trouble() -> None:
    found = tried(Parts(lamp=Part()), Someone([True, False]))
    assert found["lamp accepted"].ok
    assert not found["lamp refused"].ok
    assert "wiring table" in found["lamp refused"].advice


def test_what_was_not_seen_can_be_seen_again_and_what_is_skipped_is_neither() -> None:
    lamp = Part()
    found = tried(Parts(lamp=lamp), Someone(["again", "again", True, None]))
    assert lamp.done[:4] == [*[CueKind.ACCEPTED] * 3, CueKind.REFUSED]
    assert found["lamp refused"].skipped
    assert found["lamp refused"].state == "skipped"


@pytest.mark.parametrize("answer", [False, None])
def test_the_door_is_not_asked_while_somebody_may_stand_in_it(answer: bool | None) -> None:
    relay = Part()
    found = tried(Parts(relay=relay), Someone([answer]))
    assert relay.done == []
    assert found["relay"].skipped


def test_the_door_is_asked_last_once_nobody_stands_in_it() -> None:
    relay, someone = Part(), Someone()
    found = tried(Parts(lamp=Part(), relay=relay), someone)
    assert relay.done == [CueKind.ACCEPTED]
    assert list(found)[-1] == "relay"


def test_the_light_goes_off_and_on() -> None:
    light = Part()
    assert tried(Parts(light=light), Someone())["light"].ok
    assert light.done == [False, True]


def test_the_button_is_felt_or_told_after_its_time() -> None:
    clock = FakeClock()
    begun = clock.now
    assert tried(Parts(button=Part(gives=[False, True])), Someone(), clock)["button"].ok
    found = tried(Parts(button=Part()), Someone(), clock)["button"]
    assert not found.ok
    assert clock.now - begun < 25


def test_a_reader_reads_the_test_card_whole() -> None:
    gun = Part(FakeClock(), gives=[None, Read(CARD.encode(), CARD, 1.0)])
    found = tried(Parts(guns={"door": gun}), Someone(), gun.clock)["door"]
    assert found.ok
    assert "whole" in found.told


@pytest.mark.parametrize("garbled", ["GATEPOST-TEST D? H?u Kh?ng 0123456789", "GATEPOST-TEST"])
def test_a_reader_that_garbles_the_test_card_is_in_trouble(garbled: str) -> None:
    gun = Part(FakeClock(), gives=[Read(garbled.encode(), garbled, 1.0)])
    found = tried(Parts(guns={"door": gun}), Someone(), gun.clock)["door"]
    assert not found.ok
    assert "serial" in found.advice


def test_another_code_than_the_card_is_read_and_never_told() -> None:
    gun = Part(FakeClock(), gives=[Read(b"QID9|NGUYEN VAN A", "QID9|NGUYEN VAN A", 1.0)])
    found = tried(Parts(guns={"door": gun}), Someone(), gun.clock)["door"]
    assert found.ok
    assert "NGUYEN" not in found.line()


def test_a_reader_that_is_absent_or_silent_is_told() -> None:
    absent = Part(fails={"next": DeviceAbsent("/dev/ttyACM0: no such file")})
    assert not tried(Parts(guns={"door": absent}))["door"].ok
    silent = Part(FakeClock())
    assert (
        "nothing was read"
        in tried(Parts(guns={"door": silent}), Someone(), silent.clock)["door"].told
    )


def seen(score: Score, *, reads: int, frames: int) -> Finding:
    clock = FakeClock()
    source = Part(clock, gives=[frame(n) for n in range(frames)])
    decoder = Part(gives=[[symbol("x")] for _ in range(reads)])
    parts = Parts(cameras={"door": Camera(source, decoder)})  # type: ignore[arg-type]
    bench = Bench(
        CONFIG, parts, clock, clock.pass_, Someone(), judge=lambda _frame, _symbols: score
    )
    (found,) = devices(bench)
    return found


def test_a_sharp_card_in_good_light_is_well_before_the_time_is_over() -> None:
    found = seen(Score(90, "ok", "ok", 4.0), reads=40, frames=40)
    assert found.ok
    assert "15 of 15" in found.told


@pytest.mark.parametrize(
    ("score", "advice"),
    [
        (Score(20, "ok", "ok", 4.0), "lens_m"),
        (Score(90, "dark", "ok", 4.0), "light"),
        (Score(90, "glare", "ok", 4.0), "tilt"),
        (Score(90, "ok", "far", 1.5), "too far"),
    ],
)
def test_what_is_not_well_with_the_picture_says_what_would_help(score: Score, advice: str) -> None:
    found = seen(score, reads=40, frames=40)
    assert not found.ok
    assert advice in found.advice


def test_a_card_that_is_never_seen_is_told() -> None:
    found = seen(Score(0, "ok", "none", 0.0), reads=0, frames=40)
    assert not found.ok
    assert "no code is seen" in found.advice


def test_a_camera_without_pictures_is_told_without_a_technician_too() -> None:
    clock = FakeClock()
    parts = Parts(cameras={"door": Camera(Part(clock), Part())})  # type: ignore[arg-type]
    assert "no picture" in tried(parts, clock=clock)["door"].told
    clock = FakeClock()
    works = Part(clock, gives=[None, frame()])
    found = tried(Parts(cameras={"door": Camera(works, Part())}), clock=clock)["door"]  # type: ignore[arg-type]
    assert "1280 x 720" in found.told


def test_only_what_was_named_is_tried() -> None:
    found = tried(Parts(lamp=Part(), buzzer=Part(), relay=Part()), only=frozenset({"buzzer"}))
    assert list(found) == ["buzzer"]


@pytest.mark.parametrize("error", [DeviceStuck("camera 0: hangs"), PictureError("x.png: none")])
@pytest.mark.parametrize("someone", [None, Someone()])
def test_a_camera_that_hangs_for_good_does_not_keep_the_others_from_being_tried(
    error: Exception, someone: Someone | None
) -> None:
    clock = FakeClock()
    stuck = Camera(Part(clock, fails={"next": error}), Part())  # type: ignore[dict-item, arg-type]
    gun = Part(clock, gives=[Read(CARD.encode(), CARD, 1.0)])
    found = tried(Parts(cameras={"in": stuck}, guns={"out": gun}), someone, clock)
    assert found["in"].told == str(error)
    assert found["out"].ok


def test_whether_the_door_is_clear_can_be_asked_again() -> None:
    relay = Part()
    found = tried(Parts(relay=relay), Someone(["again", True, True]))
    assert relay.done == [CueKind.ACCEPTED]
    assert found["relay"].ok
