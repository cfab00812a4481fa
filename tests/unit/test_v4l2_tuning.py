from __future__ import annotations

import errno
import logging
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatepost.drivers.exposure import Range
from gatepost.drivers.v4l2_controls import Control
from gatepost.drivers.v4l2_tuning import Tuner, Wishes

if TYPE_CHECKING:
    from unit.pictures import Luma

C920 = {  # as v4l2-ctl lists them of a common webcam
    Control.GAIN: Range(0, 255, 1, 64),
    Control.POWER_LINE_FREQUENCY: Range(0, 2, 1, 2),
    Control.EXPOSURE_AUTO: Range(0, 3, 1, 3),
    Control.EXPOSURE_ABSOLUTE: Range(3, 2047, 1, 250),
    Control.EXPOSURE_AUTO_PRIORITY: Range(0, 1, 1, 0),
    Control.FOCUS_ABSOLUTE: Range(0, 250, 5, 0),
    Control.FOCUS_AUTO: Range(0, 1, 1, 1),
}


class FakeWebcam:
    """A UVC webcam below the tuner: it exposes, with its answer four frames late.

    `deaf` controls keep their value without a word; `dead` ones fail.
    """

    def __init__(self, ranges: dict[Control, Range] = C920) -> None:
        self.ranges = dict(ranges)
        self.values = {control: reach.default for control, reach in ranges.items()}
        self.deaf: set[Control] = set()
        self.dead: set[Control] = set()
        self.rounded: dict[int, int] = {}
        self.opened = self.closed = 0
        self.light = 1.0
        self._coming: deque[float] = deque([0.0] * 4)

    def open(self, device: str) -> FakeWebcam:
        assert device == "/dev/video0"
        self.opened += 1
        return self

    def range_of(self, control: Control) -> Range | None:
        return self.ranges.get(control)

    def get(self, control: Control) -> int:
        return self.values[control]

    def set(self, control: Control, value: int) -> None:
        unknown_mode = control is Control.EXPOSURE_AUTO and value not in {1, 3}
        if control in self.dead or unknown_mode:
            raise OSError(errno.EIO, "Input/output error")
        if control not in self.deaf:
            self.values[control] = self.rounded.get(value, value)

    def close(self) -> None:
        self.closed += 1

    def picture(self) -> Luma:
        gain = 10 ** (24 * self.values[Control.GAIN] / 255 / 20)
        linear = min(1.0, self.light * self.values[Control.EXPOSURE_ABSOLUTE] * gain / 1000)
        self._coming.append(255 * linear ** (1 / 2.2))
        return np.full((72, 128, 3), round(self._coming.popleft()), np.uint8)


def tuned(webcam: FakeWebcam, wishes: Wishes | None = None, frames: int = 1) -> Tuner:
    tuner = Tuner("/dev/video0", wishes or Wishes(), webcam.open)
    for _ in range(frames):
        tuner.follow(webcam.picture())
    return tuner


def left_out(caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    fields = [record.__dict__["fields"] for record in caplog.records]
    return {each["control"]: each["why"] for each in fields}


def test_the_exposure_is_taken_over_at_its_longest() -> None:
    webcam = FakeWebcam()
    tuned(webcam)
    assert webcam.values[Control.EXPOSURE_AUTO] == 1
    assert webcam.values[Control.EXPOSURE_ABSOLUTE] == 100  # of 100 us
    assert webcam.values[Control.EXPOSURE_AUTO_PRIORITY] == 0
    assert webcam.values[Control.POWER_LINE_FREQUENCY] == 1
    assert webcam.values[Control.FOCUS_AUTO] == 1  # nobody asked for a fixed one


def test_a_fixed_focus_ends_the_autofocus() -> None:
    webcam = FakeWebcam()
    tuned(webcam, Wishes(focus=62))
    assert webcam.values[Control.FOCUS_AUTO] == 0
    assert webcam.values[Control.FOCUS_ABSOLUTE] == 60  # the nearest of its steps


@pytest.mark.parametrize(("mains_hz", "menu", "longest"), [(50, 1, 100), (60, 2, 83), (0, 0, 100)])
def test_the_mains_decide_on_flicker_and_exposure(mains_hz: int, menu: int, longest: int) -> None:
    webcam = FakeWebcam()
    tuned(webcam, Wishes(mains_hz=mains_hz))
    assert webcam.values[Control.POWER_LINE_FREQUENCY] == menu
    assert webcam.values[Control.EXPOSURE_ABSOLUTE] == longest


@pytest.mark.parametrize("light", [0.1, 1.0, 20.0, 60.0])
def test_in_any_light_it_finds_an_exposure_and_stays(light: float) -> None:
    webcam = FakeWebcam()
    webcam.light = light
    tuner = tuned(webcam, frames=200)
    found = dict(webcam.values)
    for _ in range(100):
        tuner.follow(webcam.picture())
    assert webcam.values == found
    assert found[Control.EXPOSURE_ABSOLUTE] <= 100
    assert 82 <= webcam.picture().mean() <= 138


def test_the_gain_has_its_limit() -> None:
    webcam = FakeWebcam()
    webcam.light = 0.01
    tuned(webcam, Wishes(gain_max=90), frames=200)
    assert webcam.values[Control.GAIN] == 90


def test_at_glare_it_exposes_darker_and_then_as_before() -> None:
    webcam = FakeWebcam()
    webcam.light = 20.0
    tuner = tuned(webcam, frames=100)
    usual = webcam.picture().mean()
    tuner.glare = True
    for _ in range(100):
        tuner.follow(webcam.picture())
    assert webcam.picture().mean() < usual * 0.85
    assert webcam.picture().mean() < 110 * 0.71 * 1.26


def test_fixed_is_fixed() -> None:
    webcam = FakeWebcam()
    webcam.light = 500.0
    tuned(webcam, Wishes(exposure="fixed", exposure_max_us=5_000), frames=100)
    assert webcam.values[Control.EXPOSURE_ABSOLUTE] == 50
    assert webcam.values[Control.GAIN] == 64


def test_automatic_ends_what_a_former_run_took_over() -> None:
    webcam = FakeWebcam()
    webcam.values[Control.EXPOSURE_AUTO] = 1
    tuned(webcam, Wishes(exposure="auto"), frames=50)
    assert webcam.values[Control.EXPOSURE_AUTO] == 3
    assert webcam.values[Control.EXPOSURE_ABSOLUTE] == 250


def test_an_exposure_that_is_rounded_has_been_taken() -> None:
    webcam = FakeWebcam()
    webcam.rounded = {100: 78}
    tuned(webcam)
    assert webcam.values[Control.EXPOSURE_AUTO] == 1


@pytest.mark.parametrize("control", [Control.EXPOSURE_AUTO, Control.EXPOSURE_ABSOLUTE])
def test_an_exposure_that_does_not_take_stays_the_webcams(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    webcam = FakeWebcam()
    webcam.deaf.add(control)
    tuner = tuned(webcam, frames=100)
    assert webcam.values[Control.EXPOSURE_AUTO] == 3
    assert left_out(caplog)[control.name.lower()].startswith("stays")
    told = len(caplog.records)
    tuner.close()
    tuner.follow(webcam.picture())  # plugged in again
    assert webcam.opened == 2
    assert len(caplog.records) == told


def test_one_that_fails_later_goes_back_to_the_webcam(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    webcam = FakeWebcam()
    webcam.light = 500.0
    tuner = tuned(webcam)
    webcam.dead.add(Control.GAIN)
    for _ in range(50):
        tuner.follow(webcam.picture())
    assert webcam.values[Control.EXPOSURE_AUTO] == 3
    assert "left to the webcam" in left_out(caplog)["exposure"]


def test_a_webcam_without_any_control_is_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    webcam = FakeWebcam({})
    webcam.values = {Control.GAIN: 0, Control.EXPOSURE_ABSOLUTE: 100}
    tuned(webcam, Wishes(focus=10), frames=50)
    assert left_out(caplog)["focus_absolute"] == "is not there"
    assert len({record.__dict__["fields"]["control"] for record in caplog.records}) == len(
        caplog.records
    )


def test_a_device_whose_controls_cannot_be_opened_still_gives_pictures(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    def refuse(_device: str) -> FakeWebcam:
        raise PermissionError(errno.EACCES, "Permission denied")

    tuner = Tuner("/dev/video0", Wishes(), refuse)
    for _ in range(20):
        tuner.follow(np.zeros((72, 128), np.uint8))
    tuner.close()
    assert "Permission denied" in left_out(caplog)["controls"]


def test_closing_gives_the_device_back_once() -> None:
    webcam = FakeWebcam()
    tuner = tuned(webcam)
    tuner.close()
    tuner.close()
    assert webcam.closed == 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 2, 3), (72, 128, 1), (1, 500, 4)])
def test_odd_pictures_are_taken(shape: tuple[int, ...]) -> None:
    webcam = FakeWebcam()
    tuner = tuned(webcam)
    for _ in range(12):
        tuner.follow(np.zeros(shape, np.uint8))
