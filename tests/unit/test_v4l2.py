from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from gatepost.drivers.v4l2 import V4l2Camera, open_v4l2
from gatepost.errors import DeviceAbsent
from unit.pictures import Luma, ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_S = 10.0  # a bound only: what is waited for comes at once


class FakeCapture:
    """A camera below the driver: it gives what the test puts into it; None: a failed read."""

    def __init__(self, there: bool) -> None:
        self.frames: queue.Queue[Luma | None] = queue.Queue()
        self.settings: dict[int, float] = {}
        self.idle = threading.Event()  # every frame was taken, and the next one is waited for
        self.released = threading.Event()
        self._there = there

    def isOpened(self) -> bool:  # noqa: N802
        return self._there

    def set(self, propId: int, value: float) -> bool:  # noqa: N803
        self.settings[propId] = value
        return True

    def read(self) -> tuple[bool, Luma | None]:
        if self.frames.empty():
            self.idle.set()
        picture = self.frames.get(timeout=LONG_S)
        return picture is not None, picture

    def release(self) -> None:
        self.released.set()

    def give(self, *greys: int) -> None:
        self.idle.clear()
        for grey in greys:
            self.frames.put(np.full((4, 6, 3), grey, np.uint8))
        assert self.idle.wait(LONG_S)


class Port:
    """A USB port: each opening of the device is a FakeCapture."""

    def __init__(self) -> None:
        self.plugged = True
        self.captures: list[FakeCapture] = []

    def open(self, device: str) -> FakeCapture:
        assert device == "/dev/video0"
        self.captures.append(FakeCapture(self.plugged))
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
        "/dev/video0", width=1280, height=720, fps=30, clock=clock, open_capture=port.open
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
        assert frame.luma.shape == (4, 6)
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


def test_the_real_opener_finds_no_device_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not open_v4l2(str(tmp_path / "video7")).isOpened()
    (tmp_path / "video8").write_text("no device")
    assert not open_v4l2(str(tmp_path / "video8")).isOpened()
    assert capfd.readouterr().err == ""
