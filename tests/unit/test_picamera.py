from __future__ import annotations

import os
import queue
import threading
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from gatepost.conditions import Conditions
from gatepost.drivers.exposure import Limits
from gatepost.drivers.leaving import Departures
from gatepost.drivers.picamera import PiCamera
from gatepost.drivers.picamera_opening import opener_of
from gatepost.drivers.picamera_setup import check_format, controls_for, guard_for, luma_of
from gatepost.errors import DeviceAbsent, DeviceError, DeviceStuck
from gatepost.model import Cue, Direction, Frame, Hint, Symbol, View
from gatepost.presentations import FrameReader
from gatepost.reading import reading
from unit.pictures import Luma, ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEIGHT, STRIDE = 60, 20, 64
LONG_S = 10.0  # a bound only: what is waited for comes at once


class FakeRequest:
    def __init__(self, grey: int, sensor_s: float, **metadata: Any) -> None:
        self.released = False
        self._metadata = metadata
        self._grey = grey
        self._sensor_s = sensor_s

    def make_buffer(self, name: str) -> Luma:
        assert name == "main"
        rows = np.full((HEIGHT * 3 // 2, STRIDE), 99, np.uint8)
        rows[:HEIGHT, :WIDTH] = self._grey
        return rows.reshape(-1)

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": round(self._sensor_s * 1e9), **self._metadata}

    def release(self) -> None:
        self.released = True


class FakeJob:
    def __init__(self, camera: FakePicamera2) -> None:
        self._camera = camera

    def get_result(self, timeout: float | None = None) -> FakeRequest:
        assert timeout is not None
        if not self._camera.requests:
            raise TimeoutError
        return self._camera.requests.pop(0)


class FakePicamera2:
    """What the driver uses of Picamera2, as its documentation has it."""

    camera_controls: ClassVar = {
        "LensPosition": (0.0, 15.0, 1.0),
        "AfMode": (0, 2, 0),
        "AeExposureMode": (0, 3, 0),
        "AeMeteringMode": (0, 3, 0),
        "AeFlickerMode": (0, 1, 0),
        "AeFlickerPeriod": (100, 1000000, None),
        "NoiseReductionMode": (0, 4, 0),
        "ExposureTime": (0, 66666, None),
        "ExposureValue": (-8.0, 8.0, 0.0),
        "AnalogueGain": (1.0, 6.0, None),
        "FrameDurationLimits": (33333, 120000, None),
    }

    def __init__(self) -> None:
        self.requests: list[FakeRequest] = []
        self.jobs = 0
        self.closed = threading.Event()
        self.started = False
        self.settings: dict[str, Any] = {}
        self.set_later: list[dict[str, Any]] = []
        self.sets = True
        self.format = "YUV420"
        self.closable = threading.Event()
        self.closable.set()

    def create_video_configuration(self, **settings: Any) -> dict[str, Any]:
        return settings

    def configure(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": {"size": (WIDTH, HEIGHT), "stride": STRIDE, "format": self.format}}

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: bool) -> FakeJob:
        assert wait is False
        self.jobs += 1
        return FakeJob(self)

    def set_controls(self, controls: dict[str, Any]) -> None:
        if not self.sets:
            raise RuntimeError("Control ExposureTime is not advertised by libcamera")
        self.set_later.append(controls)

    def cancel_all_and_flush(self) -> None:
        pass

    def close(self) -> None:
        assert self.closable.wait(LONG_S)
        self.closed.set()


class Board:
    """The connector: each opening is a FakePicamera2, or an error."""

    def __init__(self) -> None:
        self.cameras: list[FakePicamera2] = []
        self.error: Exception | None = None
        self.made: Callable[[], FakePicamera2] = FakePicamera2
        self.openable = threading.Event()
        self.openable.set()

    def open(self, number: int) -> FakePicamera2:
        assert number == 0
        assert self.openable.wait(LONG_S)
        if self.error is not None:
            raise self.error
        self.cameras.append(self.made())
        return self.cameras[-1]


def camera_on(board: Board, clock: ManualClock, departures: Departures | None = None) -> PiCamera:
    return PiCamera(
        0,
        width=WIDTH,
        height=HEIGHT,
        fps=30,
        lens_m=0.12,
        clock=clock,
        departures=departures,
        open_camera=board.open,
    )


def opened(camera: PiCamera, board: Board) -> FakePicamera2:
    """The fake that `camera`, which has none, opens now."""
    assert camera.next_frame(LONG_S) is None
    return board.cameras[-1]


def hung(camera: PiCamera, clock: ManualClock) -> DeviceError:
    """What is raised as the camera, which gave frames, gives none any more."""
    clock.now += 1.6
    with pytest.raises((DeviceError, DeviceStuck)) as caught:
        camera.next_frame(0)
    return caught.value


def test_luma_is_the_y_plane_without_its_padding() -> None:
    buffer = np.arange(STRIDE * HEIGHT * 3 // 2, dtype=np.uint32).astype(np.uint8)
    luma = luma_of(buffer, WIDTH, HEIGHT, STRIDE)
    assert luma.shape == (HEIGHT, WIDTH)
    assert np.shares_memory(luma, buffer)
    assert luma[1, 0] == buffer[STRIDE]
    assert luma[HEIGHT - 1, WIDTH - 1] == buffer[STRIDE * (HEIGHT - 1) + WIDTH - 1]


def test_luma_takes_longer_buffers_and_refuses_shorter_ones() -> None:
    assert luma_of(np.zeros(5000, np.uint8), 10, 10, 16).shape == (10, 10)
    for size, stride in ((159, 16), (5000, 9)):
        with pytest.raises(ValueError, match="stride"):
            luma_of(np.zeros(size, np.uint8), 10, 10, stride)


def test_controls_are_those_that_the_camera_has() -> None:
    wanted = controls_for(FakePicamera2.camera_controls, 30, 0.12)
    assert wanted["LensPosition"] == pytest.approx(8.333, abs=0.001)
    assert wanted["AfMode"] == 0
    assert wanted["AeExposureMode"] == 1
    assert wanted["FrameDurationLimits"] == (33333, 33333)
    assert controls_for(FakePicamera2.camera_controls, 30, 0.02)["LensPosition"] == 15.0
    assert controls_for({"AeExposureMode": (0, 3, 0)}, 30, 0.12) == {"AeExposureMode": 1}
    assert controls_for({}, 30, 0.12) == {}


@pytest.mark.parametrize(("mains_hz", "period_us"), [(50, 10_000), (60, 8_333)])
def test_lamps_at_the_mains_show_no_bands(mains_hz: int, period_us: int) -> None:
    wanted = controls_for(FakePicamera2.camera_controls, 30, 0.12, mains_hz)
    assert (wanted["AeFlickerMode"], wanted["AeFlickerPeriod"]) == (1, period_us)


def test_without_mains_nothing_is_done_about_flicker() -> None:
    wanted = controls_for(FakePicamera2.camera_controls, 30, 0.12, 0)
    assert wanted["AeFlickerMode"] == 0
    assert "AeFlickerPeriod" not in wanted


def test_the_middle_is_measured_and_little_is_denoised() -> None:
    wanted = controls_for(FakePicamera2.camera_controls, 30, 0.12)
    assert (wanted["AeMeteringMode"], wanted["NoiseReductionMode"]) == (0, 3)


def seen(camera: PiCamera, fake: FakePicamera2, clock: ManualClock, **metadata: Any) -> None:
    clock.now += 0.1
    fake.requests.append(FakeRequest(7, clock.now, **metadata))
    assert camera.next_frame(0) is not None


def test_an_exposure_that_is_too_long_is_held_at_its_limit() -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        fake = opened(camera, board)
        seen(camera, fake, clock, ExposureTime=9_900, AnalogueGain=1.0)
        assert fake.set_later == []
        seen(camera, fake, clock, ExposureTime=30_000, AnalogueGain=1.0)
        assert fake.set_later == [{"ExposureTime": 10_000}]
        for _ in range(20):
            seen(camera, fake, clock, ExposureTime=10_000, AnalogueGain=3.0)
        assert len(fake.set_later) == 1
        seen(camera, fake, clock, ExposureTime=10_000, AnalogueGain=1.0)
        assert fake.set_later[1:] == [{"ExposureTime": 0}]


def test_the_gain_is_held_at_what_camera_and_configuration_allow() -> None:
    allowed = FakePicamera2.camera_controls
    for most, held in ((8.0, 6.0), (4.0, 4.0)):
        guard = guard_for(allowed, Limits(10_000, most))
        assert guard is not None
        guard.controls({"ExposureTime": 30_000})
        dark = {"ExposureTime": 10_000, "AnalogueGain": 12.0, "Lux": 3.0}
        found = [controls for _ in range(20) if (controls := guard.controls(dark))]
        assert found == [{"AnalogueGain": held}]
    assert guard_for({}, Limits(10_000, 8.0)) is None


def test_at_glare_it_exposes_less_for_a_while() -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        fake = opened(camera, board)
        for _ in range(10):
            clock.now += 0.1
            camera.suit(View(hint=Hint.GLARE))
        assert fake.set_later == [{"ExposureValue": -1.0}]
        for _ in range(40):
            clock.now += 0.1
            camera.suit(View())
        assert fake.set_later[1:] == [{"ExposureValue": 0.0}]


def test_a_camera_that_is_not_open_suits_nothing() -> None:
    clock = ManualClock(100.0)
    camera = camera_on(Board(), clock)
    for _ in range(10):
        clock.now += 0.1
        camera.suit(View(hint=Hint.GLARE))


def test_a_camera_that_will_not_be_set_still_gives_frames(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        fake = opened(camera, board)
        fake.sets = False
        for _ in range(40):
            seen(camera, fake, clock, ExposureTime=30_000, AnalogueGain=1.0)
    assert [record.message for record in caplog.records] == ["camera would not be set"]


def test_a_frame_has_its_exposures_time_and_its_request_is_released() -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        fake = opened(camera, board)
        request = FakeRequest(7, 99.98)
        fake.requests.append(request)
        frame = camera.next_frame(0)
        assert frame is not None
        assert frame.luma.shape == (HEIGHT, WIDTH)
        assert (frame.luma == 7).all()
        assert frame.taken == pytest.approx(99.98)
        assert request.released
        assert board.cameras[0].jobs == 1  # what came late was not asked for twice
    assert board.cameras[0].closed.is_set()


@pytest.mark.parametrize("sensor_s", [0.0, 50.0, 150.0])
def test_a_time_of_another_clock_is_not_believed(sensor_s: float) -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        opened(camera, board).requests.append(FakeRequest(7, sensor_s))
        frame = camera.next_frame(0)
        assert frame is not None
        assert frame.taken == 100.0


def test_a_camera_that_hangs_is_restarted_in_place() -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        first = opened(camera, board)
        seen(camera, first, clock)
        clock.now += 1.4
        assert camera.next_frame(0) is None
        clock.now += 0.2
        with pytest.raises(DeviceError, match=r"no frame for 1\.5 s"):
            camera.next_frame(0)
        assert first.closed.wait(LONG_S)
        seen(camera, opened(camera, board), clock)
    assert len(board.cameras) == 2


def test_the_first_frame_may_take_longer_than_those_after_it() -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        opened(camera, board)
        clock.now += 2.9
        assert camera.next_frame(0) is None
        clock.now += 0.2
        with pytest.raises(DeviceError, match="no frame for 3 s"):
            camera.next_frame(0)


def test_when_two_restarts_are_no_help_the_process_is_left(tmp_path: Path) -> None:
    board, clock = Board(), ManualClock(1000.0)
    with camera_on(board, clock, Departures(tmp_path, clock)) as camera:
        seen(camera, opened(camera, board), clock)
        for _ in range(2):
            assert not isinstance(hung(camera, clock), DeviceStuck)
            seen(camera, opened(camera, board), clock)
        assert isinstance(hung(camera, clock), DeviceStuck)
    assert len(board.cameras) == 3


def test_an_hour_of_frames_makes_former_restarts_forgotten(tmp_path: Path) -> None:
    board, clock = Board(), ManualClock(1000.0)
    with camera_on(board, clock, Departures(tmp_path, clock)) as camera:
        for _ in range(5):
            fake = opened(camera, board)
            seen(camera, fake, clock)
            clock.now += 3600
            seen(camera, fake, clock)
            assert not isinstance(hung(camera, clock), DeviceStuck)


def test_a_camera_that_hangs_again_is_no_reason_to_leave_twice(tmp_path: Path) -> None:
    board, clock = Board(), ManualClock(1000.0)
    for process in range(3):
        told = []
        with camera_on(board, clock, Departures(tmp_path, clock)) as camera:
            for _ in range(4):
                clock.now += 20
                seen(camera, opened(camera, board), clock)
                told.append(isinstance(hung(camera, clock), DeviceStuck))
        left = sum(told) > 0
        assert left is (process == 0)
    clock.now += 600
    assert Departures(tmp_path, clock).leave()


def test_a_camera_that_never_worked_here_is_waited_for_however_it_fails(tmp_path: Path) -> None:
    board, clock = Board(), ManualClock(1000.0)
    with camera_on(board, clock, Departures(tmp_path, clock)) as camera:
        for error in (IndexError("list"), RuntimeError("in use"), None) * 4:
            board.error = error
            clock.now += 20
            if error is None:
                opened(camera, board)
                clock.now += 4
            with pytest.raises(DeviceError):
                camera.next_frame(LONG_S)
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_cannot_be_closed_is_left_with_the_process(tmp_path: Path) -> None:
    board, clock = Board(), ManualClock(1000.0)
    camera = camera_on(board, clock, Departures(tmp_path, clock))
    with camera:
        fake = opened(camera, board)
        seen(camera, fake, clock)
        fake.closable.clear()
        assert not isinstance(hung(camera, clock), DeviceStuck)
        assert camera.next_frame(0) is None  # it may still come back
        clock.now += 5.1
        with pytest.raises(DeviceStuck, match="cannot be closed"):
            camera.next_frame(0)
        with pytest.raises(DeviceError, match="cannot be closed"):  # had nobody listened
            camera.next_frame(0)
        assert len(board.cameras) == 1
        fake.closable.set()


def test_a_camera_whose_opening_hangs_does_not_hang_the_reader() -> None:
    board, clock = Board(), ManualClock(1000.0)
    board.openable.clear()
    with camera_on(board, clock) as camera:
        assert camera.next_frame(0) is None
        clock.now += 15.1
        for _ in range(3):
            with pytest.raises(DeviceError, match="does not open"):
                camera.next_frame(0)
        board.openable.set()  # at last
        seen(camera, opened(camera, board), clock)
    assert len(board.cameras) == 1


def test_a_camera_that_opens_as_all_stops_is_closed() -> None:
    board = Board()
    board.openable.clear()
    with camera_on(board, ManualClock()) as camera:
        assert camera.next_frame(0) is None
        board.openable.set()
    assert board.cameras[0].closed.is_set()


def test_no_camera_is_absent_and_tried_once_a_second() -> None:
    board, clock = Board(), ManualClock(100.0)
    board.error = IndexError("list index out of range")
    with camera_on(board, clock) as camera:
        with pytest.raises(DeviceAbsent, match="no such camera"):
            camera.next_frame(LONG_S)
        board.error = None
        with pytest.raises(DeviceAbsent, match="no such camera"):
            camera.next_frame(0)
        clock.now += 1.0
        opened(camera, board)


def test_a_camera_that_another_program_holds_is_told_with_libcameras_words() -> None:
    board, clock = Board(), ManualClock(100.0)
    board.error = RuntimeError("Camera __init__ sequence did not complete.")
    board.error.__cause__ = RuntimeError("Failed to acquire camera: Device or resource busy")
    with (
        camera_on(board, clock) as camera,
        pytest.raises(DeviceError, match="cannot be opened: Failed to acquire camera: Device"),
    ):
        camera.next_frame(LONG_S)


@pytest.mark.parametrize("layout", ["NV12", "YVU420"])
def test_what_begins_with_luma_is_taken_instead(layout: str) -> None:
    check_format({"format": layout})


def test_what_has_no_luma_is_refused_and_closed() -> None:
    board = Board()

    def colourful() -> FakePicamera2:
        fake = FakePicamera2()
        fake.format = "XBGR8888"
        return fake

    board.made = colourful
    with (
        camera_on(board, ManualClock()) as camera,
        pytest.raises(DeviceError, match="XBGR8888"),
    ):
        camera.next_frame(LONG_S)
    assert board.cameras[0].closed.is_set()
    assert not board.cameras[0].started


def test_a_request_that_fails_is_released_and_the_camera_opened_again() -> None:
    board, clock = Board(), ManualClock(100.0)
    with camera_on(board, clock) as camera:
        fake = opened(camera, board)
        request = FakeRequest(7, 100.0)
        request.make_buffer = lambda _name: np.zeros(3, np.uint8)  # type: ignore[method-assign]
        fake.requests.append(request)
        with pytest.raises(DeviceError, match="stride"):
            camera.next_frame(0)
        assert request.released
        clock.now += 1.0
        opened(camera, board)
        assert len(board.cameras) == 2


def test_a_camera_that_is_in_use_costs_no_open_file_a_try() -> None:
    class Busy:
        @staticmethod
        def global_camera_info() -> list[str]:
            return ["imx708"]

        def __init__(self, _number: int) -> None:
            self.notifyme_r, self.notifyme_w = os.pipe()
            self.notifymeread = os.fdopen(self.notifyme_r, "rb")
            raise RuntimeError("Camera __init__ sequence did not complete.")

    opener = opener_of(Busy)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(RuntimeError):
            opener(0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(IndexError):
        opener(1)


def test_without_picamera2_it_says_what_to_do() -> None:
    source = PiCamera(0, width=WIDTH, height=HEIGHT, fps=30, lens_m=0.12, clock=ManualClock())
    with pytest.raises(DeviceError, match="python3-picamera2"), source:
        pass


def test_where_nothing_can_be_noted_only_a_process_of_some_age_is_left(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    for folder in (None, tmp_path / "none"):
        departures = Departures(folder, clock)
        assert not departures.leave()
        clock.now += 600
        assert departures.leave()


@pytest.mark.parametrize("noted", ["", "no time", "99999"])
def test_a_note_of_nothing_or_of_another_boot_stops_nobody(tmp_path: Path, noted: str) -> None:
    (tmp_path / "left-for-a-device").write_text(noted)
    assert Departures(tmp_path, ManualClock(1000.0)).leave()


class Blind:
    """A Decoder that sees nothing."""

    view = View()

    def decode(self, _frame: Frame) -> list[Symbol]:
        return []


def test_a_stuck_camera_ends_its_worker_and_a_failing_one_does_not(tmp_path: Path) -> None:
    board, clock = Board(), ManualClock(1000.0)
    camera = camera_on(board, clock, Departures(tmp_path, clock))
    reader = FrameReader("front", Direction.IN, camera, Blind(), 1.5, clock)
    cues: list[Cue] = []
    conditions = Conditions(cues.append)
    worker = reading(reader, queue.Queue(), cues.append, conditions)
    for _ in range(3):  # it works, and hangs
        while not board.cameras or board.cameras[-1].closed.is_set():
            next(worker)
        clock.now += 0.1
        board.cameras[-1].requests.append(FakeRequest(7, clock.now))
        while not reader.working:
            next(worker)
        clock.now += 1.6
        if len(board.cameras) < 3:
            while reader.working:
                next(worker)
            assert board.cameras[-1].closed.wait(LONG_S)
    with pytest.raises(DeviceStuck, match="camera 0"):
        list(islice(worker, 3))
    assert all(fake.closed.is_set() for fake in board.cameras)
