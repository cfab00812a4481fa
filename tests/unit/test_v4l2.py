from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
import pytest

from gatepost.drivers.exposure import Range
from gatepost.drivers.v4l2 import V4l2Camera, open_v4l2
from gatepost.drivers.v4l2_controls import Control
from gatepost.errors import DeviceAbsent
from gatepost.model import Hint, View
from unit.pictures import Luma, ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROKEN = np.zeros(0, np.uint8)  # what OpenCV makes of half a JPEG: nothing
LONG_S = 10.0  # a bound only: what is waited for comes at once


class FakeCapture:
    """A camera below the driver: it gives what the test puts into it; None: it is gone."""

    def __init__(self, there: bool) -> None:
        self.frames: queue.Queue[Luma | None] = queue.Queue()
        self.settings: dict[int, float] = {}
        self.given: dict[int, float] = {}  # instead of what was asked for
        self.idle = threading.Event()  # every frame was taken, and the next one is waited for
        self.released = threading.Event()
        self._there = there
        self._grabbed: Luma | None = None

    def isOpened(self) -> bool:  # noqa: N802
        return self._there

    def set(self, propId: int, value: float) -> bool:  # noqa: N803
        self.settings[propId] = value
        return True

    def get(self, propId: int) -> float:  # noqa: N803
        return self.given.get(propId, self.settings.get(propId, 0.0))

    def grab(self) -> bool:
        if self.frames.empty():
            self.idle.set()
        self._grabbed = self.frames.get(timeout=LONG_S)
        return self._grabbed is not None

    def retrieve(self) -> tuple[bool, Any]:
        return self._grabbed is not BROKEN, self._grabbed

    def release(self) -> None:
        self.released.set()

    def give(self, *greys: int) -> None:
        self.put(*(np.full((20, 30, 3), grey, np.uint8) for grey in greys))

    def put(self, *pictures: Luma) -> None:
        self.idle.clear()
        for picture in pictures:
            self.frames.put(picture)
        assert self.idle.wait(LONG_S)


class FakeControls:
    """A webcam's controls: exposure, and whether it is the webcam's own."""

    ranges: ClassVar = {
        Control.EXPOSURE_AUTO: Range(0, 3),
        Control.EXPOSURE_ABSOLUTE: Range(1, 5000),
    }

    def __init__(self) -> None:
        self.values = {Control.EXPOSURE_AUTO: 3, Control.EXPOSURE_ABSOLUTE: 333}
        self.opened = self.closed = 0

    def open(self, device: str) -> FakeControls:
        assert device == "/dev/video0"
        self.opened += 1
        return self

    def range_of(self, control: Control) -> Range | None:
        return self.ranges.get(control)

    def get(self, control: Control) -> int:
        return self.values[control]

    def set(self, control: Control, value: int) -> None:
        self.values[control] = value

    def close(self) -> None:
        self.closed += 1


class Port:
    """A USB port: each opening of the device is a FakeCapture."""

    def __init__(self) -> None:
        self.plugged = True
        self.captures: list[FakeCapture] = []
        self.given: dict[int, float] = {}
        self.webcam = FakeControls()

    def open(self, device: str) -> FakeCapture:
        assert device == "/dev/video0"
        self.captures.append(FakeCapture(self.plugged))
        self.captures[-1].given = self.given
        return self.captures[-1]


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    for capture in port.captures:
        capture.frames.put(None)
        assert capture.released.wait(LONG_S)


def camera_at(port: Port, clock: ManualClock) -> V4l2Camera:
    return V4l2Camera(
        "/dev/video0",
        width=1280,
        height=720,
        fps=30,
        clock=clock,
        open_capture=port.open,
        open_controls=port.webcam.open,
    )


def plugged_in(port: Port, camera: V4l2Camera) -> FakeCapture:
    """The capture that `camera`, just opened, reads from."""
    assert camera.next_frame(0) is None
    while not port.captures:
        assert camera.next_frame(0.01) is None
    capture = port.captures[-1]
    assert capture.idle.wait(LONG_S)
    return capture


def left(port: Port) -> None:
    """Let the thread out of its wait, as the next frame would."""
    port.captures[-1].frames.put(None)


def test_the_newest_frame_wins_and_is_given_once(port: Port) -> None:
    clock = ManualClock(7.0)
    with camera_at(port, clock) as camera:
        plugged_in(port, camera).give(1, 2, 3)
        frame = camera.next_frame(LONG_S)
        assert frame is not None
        assert frame.luma.shape == (20, 30)
        assert (frame.luma == 3).all()
        assert frame.taken == 7.0
        assert camera.next_frame(0) is None
        left(port)


def test_it_asks_for_mjpg_and_size_and_rate(port: Port) -> None:
    with camera_at(port, ManualClock()) as camera:
        settings = plugged_in(port, camera).settings
        left(port)
    assert settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert settings[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert settings[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert settings[cv2.CAP_PROP_FPS] == 30


def test_what_it_gives_instead_is_told_once(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    port.given = {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"YUYV"),
        cv2.CAP_PROP_FRAME_WIDTH: 640,
        cv2.CAP_PROP_FRAME_HEIGHT: 480,
    }
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        plugged_in(port, camera).give(1)
        left(port)
        assert camera.next_frame(LONG_S) is not None
        with pytest.raises(DeviceAbsent):
            camera.next_frame(LONG_S)
        clock.now += 1.0
        plugged_in(port, camera).give(1)
        left(port)
    (record,) = [each for each in caplog.records if each.message == "webcam gives something else"]
    fields = record.__dict__["fields"]
    assert (fields["format"], fields["size"], fields["fps"]) == ("YUYV", "640x480", "30")
    assert (fields["asked_format"], fields["asked_size"]) == ("MJPG", "1280x720")


def test_what_it_gives_as_asked_is_not_told(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with camera_at(port, ManualClock()) as camera:
        plugged_in(port, camera)
        left(port)
    assert "webcam gives something else" not in caplog.text


def test_with_the_first_picture_its_exposure_is_taken_over(port: Port) -> None:
    with camera_at(port, ManualClock()) as camera:
        capture = plugged_in(port, camera)
        assert port.webcam.opened == 0
        capture.give(1)
        assert port.webcam.values == {Control.EXPOSURE_AUTO: 1, Control.EXPOSURE_ABSOLUTE: 100}
        left(port)
    assert (port.webcam.opened, port.webcam.closed) == (1, 1)


def test_its_exposure_follows_the_pictures_and_the_glare(port: Port) -> None:
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        capture = plugged_in(port, camera)
        capture.give(*[255] * 20)
        shorter = port.webcam.values[Control.EXPOSURE_ABSOLUTE]
        assert 10 < shorter < 15  # halved three times
        capture.give(*[110] * 40)
        assert port.webcam.values[Control.EXPOSURE_ABSOLUTE] == shorter
        for _ in range(10):
            clock.now += 0.1
            camera.suit(View(hint=Hint.GLARE))
        capture.give(*[110] * 40)
        assert port.webcam.values[Control.EXPOSURE_ABSOLUTE] < shorter
        left(port)


def test_a_camera_that_is_not_there_is_tried_once_a_second(port: Port) -> None:
    port.plugged = False
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        for _ in range(5):
            with pytest.raises(DeviceAbsent, match="/dev/video0: not there"):
                camera.next_frame(LONG_S if not port.captures[0].released.is_set() else 0)
        assert len(port.captures) == 1
        clock.now += 1.0
        with pytest.raises(DeviceAbsent):
            camera.next_frame(LONG_S)
        assert len(port.captures) == 2


def test_a_camera_vanishes_and_comes_back(port: Port) -> None:
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        first = plugged_in(port, camera)
        first.give(1)
        assert camera.next_frame(LONG_S) is not None

        port.plugged = False
        first.frames.put(None)
        with pytest.raises(DeviceAbsent, match="went away"):
            camera.next_frame(LONG_S)
        assert first.released.wait(LONG_S)
        clock.now += 1.0
        with pytest.raises(DeviceAbsent, match="not there"):
            camera.next_frame(LONG_S)

        port.plugged = True
        clock.now += 1.0
        assert camera.next_frame(0) is None
        second = port.captures[-1]
        second.give(9)
        frame = camera.next_frame(LONG_S)
        assert frame is not None
        assert (frame.luma == 9).all()
        left(port)


def test_a_camera_that_hangs_counts_as_absent_and_is_opened_again(port: Port) -> None:
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        first = plugged_in(port, camera)
        first.give(1)
        assert camera.next_frame(LONG_S) is not None
        clock.now += 1.9
        assert camera.next_frame(0) is None
        clock.now += 0.2
        for _ in range(3):  # while its thread is held, no second one is started
            with pytest.raises(DeviceAbsent, match="gave no frame for 2 s"):
                camera.next_frame(0)
        assert len(port.captures) == 1

        first.frames.put(None)
        with pytest.raises(DeviceAbsent):
            camera.next_frame(LONG_S)
        assert camera.next_frame(0) is None
        port.captures[-1].give(5)
        assert camera.next_frame(LONG_S) is not None
        left(port)


def test_a_camera_may_take_its_time_for_the_first_frame(port: Port) -> None:
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        plugged_in(port, camera)
        clock.now += 4.9
        assert camera.next_frame(0) is None
        clock.now += 0.2
        with pytest.raises(DeviceAbsent):
            camera.next_frame(0)
        left(port)


def test_closing_gives_the_device_back(port: Port) -> None:
    with camera_at(port, ManualClock()) as camera:
        capture = plugged_in(port, camera)
        capture.give(1)
        left(port)
    assert capture.released.is_set()


@pytest.mark.parametrize(
    "garbage",
    [
        BROKEN,
        np.zeros((20, 30, 4), np.uint8),
        np.zeros((20, 30), np.uint16),
        np.zeros((2, 30, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
    ],
    ids=["half a JPEG", "four channels", "16 bits", "two lines", "nothing"],
)
def test_a_broken_picture_now_and_then_costs_that_frame_alone(port: Port, garbage: Luma) -> None:
    with camera_at(port, ManualClock()) as camera:
        capture = plugged_in(port, camera)
        for _ in range(3):
            capture.put(*[garbage] * 20)
            assert camera.next_frame(0) is None
            capture.give(7)
            frame = camera.next_frame(LONG_S)
            assert frame is not None
            assert (frame.luma == 7).all()
        left(port)
    assert len(port.captures) == 1


def test_a_camera_that_gives_broken_pictures_alone_is_opened_again(port: Port) -> None:
    clock = ManualClock(10.0)
    with camera_at(port, clock) as camera:
        capture = plugged_in(port, camera)
        for _ in range(31):
            capture.frames.put(BROKEN)
        with pytest.raises(DeviceAbsent, match="broken"):
            camera.next_frame(LONG_S)
        assert capture.released.wait(LONG_S)
        clock.now += 1.0
        plugged_in(port, camera).give(1)
        assert camera.next_frame(LONG_S) is not None
        left(port)


def test_two_cameras_run_beside_each_other() -> None:
    ports = [Port(), Port()]
    with camera_at(ports[0], ManualClock()) as one, camera_at(ports[1], ManualClock()) as other:
        for grey, (port, camera) in enumerate(zip(ports, (one, other), strict=True), 5):
            plugged_in(port, camera).give(grey)
        for grey, camera in enumerate((one, other), 5):
            frame = camera.next_frame(LONG_S)
            assert frame is not None
            assert (frame.luma == grey).all()
        for port in ports:
            left(port)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/ptmx"])
def test_the_real_opener_takes_no_device_that_is_no_camera(
    device: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not open_v4l2(device).isOpened()
    assert capfd.readouterr().err == ""


def test_the_real_opener_finds_no_device_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not open_v4l2(str(tmp_path / "video7")).isOpened()
    (tmp_path / "video8").write_text("no device")
    assert not open_v4l2(str(tmp_path / "video8")).isOpened()
    assert capfd.readouterr().err == ""
