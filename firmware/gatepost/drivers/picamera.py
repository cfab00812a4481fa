"""A Raspberry Pi camera, through picamera2 (which comes with the operating system)."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from gatepost.drivers.exposure import GLARE_EV, ExposureGuard, GlareWatch, Limits, without_bands
from gatepost.drivers.foreign import Task
from gatepost.drivers.leaving import Departures
from gatepost.drivers.picamera_opening import FOREIGN, close, find_picamera2, why
from gatepost.drivers.picamera_setup import FORMAT, check_format, controls_for, guard_for, luma_of
from gatepost.errors import DeviceAbsent, DeviceError, DeviceStuck
from gatepost.model import Frame, Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from gatepost.model import View
    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_STREAM = "main"
_STALL_S = 1.5  # without a frame: it hangs (picamera2 #1086, #1090), and is restarted
_FIRST_S = 3.0  # the same, for the first one
_RETRY_S, _LATER_S = 1.0, 10.0  # between attempts to open it: at first, and when that is no help
_OPEN_S, _CLOSE_S = 15.0, 5.0  # with its thread dead, picamera2 waits for ever
_EXIT_S = 0.7  # to close it when all stops, which has a second for it
_STEADY_S = 60.0  # of frames: it works again, and what was before is forgotten
_IN_PLACE = 2  # restarts without that, before the process is left
_SANE_S = 1.0  # a frame's own time further from now than this is of another clock


class _Opened(NamedTuple):
    """A camera that runs: `stream` is what it gives, `available` the controls that it has."""

    camera: Any
    available: Mapping[str, Any]
    stream: Mapping[str, Any]
    guard: ExposureGuard | None


class PiCamera:
    """A FrameSource over a Raspberry Pi camera.

    It is opened and closed in threads of their own, for both may hang. When it gives no frame
    for 1.5 s it is closed and opened again. A camera that gave frames and gives none after two
    such restarts, or cannot even be closed, raises DeviceStuck: only a new process helps. One that
    gave none in this process never does so, nor do more than `departures` allows.

    `open_camera` gives an open picamera2.Picamera2 by its number, or raises IndexError; None:
    picamera2 itself, imported in `__enter__`. Exposures longer than `exposure_max_us` microseconds
    are cut to it, and the gain raised by as much, up to `gain_max`. `mains_hz`: of the lamps; 0:
    no matter.
    """

    def __init__(
        self,
        camera: int = 0,
        *,
        width: int,
        height: int,
        fps: int,
        lens_m: float,
        clock: Clock,
        exposure_max_us: int = 10_000,
        gain_max: float = 8.0,
        mains_hz: int = 50,
        departures: Departures | None = None,
        open_camera: Callable[[int], Any] | None = None,
    ) -> None:
        self._number = camera
        self._size = (width, height)
        self._fps = fps
        self._lens_m = lens_m
        self._mains_hz = mains_hz
        self._limits = Limits(without_bands(exposure_max_us, mains_hz), gain_max)
        self._glare = GlareWatch()
        self._clock = clock
        self._departures = departures or Departures(None, clock)
        self._open_camera = open_camera
        self._opened: _Opened | None = None
        self._opening: Task[_Opened] | None = None
        self._closing: Task[None] | None = None
        self._job: Any = None  # a request asked for and not given yet
        self._since = self._alive_at = 0.0  # the first frame since it was opened, and the last
        self._gave = False  # a frame, since it was opened
        self._delivered = False  # a frame, ever
        self._failures = 0  # since it worked
        self._attempted = float("-inf")
        self._reason = "not opened yet"
        self._absent = False

    def __enter__(self) -> Self:
        """Find picamera2. Raises DeviceError where it is not installed."""
        self._open_camera = self._open_camera or find_picamera2()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        opening, self._opening = self._opening, None
        if opening is not None and opening.ended(_EXIT_S / 2):
            with suppress(*FOREIGN):
                self._opened = opening.result()
        self._close()
        if self._closing is not None and not self._closing.ended(_EXIT_S):
            _log.warning("camera %d hangs, and is left open", self._number)

    def next_frame(self, wait_s: float) -> Frame | None:
        """The newest frame; `taken` is when its exposure began, as the camera tells it.

        Raises DeviceError when the camera cannot be opened or hangs, DeviceAbsent where there is
        none, DeviceStuck where only a new process helps. None too while it is opened.
        """
        try:
            opened = self._opened or self._open(wait_s)
            if opened is None:
                return None
            request = self._request(opened, wait_s)
            if request is None:
                self._check_alive()
                return None
            try:
                return self._frame(opened, request)
            finally:
                request.release()  # or the camera runs out of buffers
        except FOREIGN as error:
            if isinstance(error, (DeviceError, DeviceStuck)):
                raise
            self._close()
            raise self._failed(f"failed: {why(error)}") from error

    def suit(self, view: View) -> None:
        """Expose for what the decoder made of the newest frame: darker for a while at glare."""
        changed = self._glare.changed(glare=view.hint is Hint.GLARE, at=self._clock.boottime())
        opened = self._opened
        if changed and opened is not None and "ExposureValue" in opened.available:
            self._set(opened, {"ExposureValue": GLARE_EV if self._glare.active else 0.0})

    def _request(self, opened: _Opened, wait_s: float) -> Any:
        """A completed request, or None. What came too late stays asked for, so none is lost."""
        if self._job is None:
            self._job = opened.camera.capture_request(wait=False)
        try:
            request = self._job.get_result(timeout=wait_s)
        except TimeoutError:
            return None
        self._job = None
        return request

    def _frame(self, opened: _Opened, request: Any) -> Frame:
        width, height = opened.stream["size"]
        luma = luma_of(request.make_buffer(_STREAM), width, height, opened.stream["stride"])
        metadata = request.get_metadata()
        now = self._clock.boottime()
        taken = metadata.get("SensorTimestamp", 0) / 1e9  # of CLOCK_BOOTTIME
        self._alive(now)
        if opened.guard is not None and (controls := opened.guard.controls(metadata)):
            self._set(opened, controls)
        return Frame(luma, taken if 0 <= now - taken <= _SANE_S else now)

    def _alive(self, now: float) -> None:
        if not self._gave:
            self._gave = self._delivered = True
            self._since = now
        elif now - self._since >= _STEADY_S:
            self._failures = 0
        self._alive_at = now

    def _set(self, opened: _Opened, controls: dict[str, Any]) -> None:
        """Set them while it runs; a camera that will not is left to its automatic from then on."""
        try:
            opened.camera.set_controls(controls)
        except FOREIGN as error:
            self._opened = opened._replace(available={}, guard=None)
            fields = {"camera": self._number, "controls": ", ".join(controls), "why": str(error)}
            _log.warning("camera would not be set", extra={"fields": fields})

    def _check_alive(self) -> None:
        patience = _STALL_S if self._gave else _FIRST_S
        if self._clock.boottime() - self._alive_at > patience:
            self._close()
            raise self._failed(f"gave no frame for {patience:g} s; it is being restarted")

    def _open(self, wait_s: float) -> _Opened | None:
        """The camera once it runs; it is closed first, then opened, each as long as that takes.

        Raises DeviceError, DeviceAbsent, DeviceStuck.
        """
        if self._closing is not None:
            if not self._closing.ended(wait_s):
                self._check_hung(self._closing, _CLOSE_S, "cannot be closed")
                return None
            self._closing = None
        if self._opening is None:
            self._await_attempt(wait_s)
            self._attempted = self._clock.boottime()
            self._opening = Task("camera opening", self._start, self._clock)
        if not self._opening.ended(wait_s):
            self._check_hung(self._opening, _OPEN_S, "does not open")
            return None
        opening, self._opening = self._opening, None
        try:
            self._opened = opening.result()
        except IndexError as error:  # of the list of cameras
            raise self._failed("no such camera; see to its cable", absent=True) from error
        except FOREIGN as error:
            raise self._failed(f"cannot be opened: {why(error)}") from error
        self._gave, self._alive_at = False, self._clock.boottime()
        self._glare = GlareWatch()  # a new start exposes as usual
        _log.info("camera there", extra={"fields": {"camera": self._number}})
        return self._opened

    def _await_attempt(self, wait_s: float) -> None:
        """Wait for the next attempt's time. Raises DeviceError when that is not within `wait_s`."""
        apart = _RETRY_S if self._failures <= _IN_PLACE else _LATER_S
        due = self._attempted + apart - self._clock.boottime()
        if due > 0:
            threading.Event().wait(min(wait_s, due))
            if self._clock.boottime() - self._attempted < apart:
                raise self._as_failed()

    def _start(self) -> _Opened:
        if self._open_camera is None:
            raise RuntimeError("used outside of its with block")
        camera = self._open_camera(self._number)
        try:
            settings = camera.create_video_configuration(
                main={"size": self._size, "format": FORMAT},
                controls=controls_for(
                    camera.camera_controls, self._fps, self._lens_m, self._mains_hz
                ),
                buffer_count=4,
            )
            camera.configure(settings)
            stream = camera.camera_configuration()[_STREAM]
            check_format(stream)
            camera.start()
            available = camera.camera_controls
            return _Opened(camera, available, stream, guard_for(available, self._limits))
        except BaseException:
            close(camera)
            raise

    def _close(self) -> None:
        """Begin to close the camera."""
        opened, self._opened, self._job = self._opened, None, None
        if opened is not None:
            self._closing = Task("camera closing", lambda: close(opened.camera), self._clock)

    def _check_hung(self, task: Task[Any], bound_s: float, what: str) -> None:
        """Raise DeviceStuck or DeviceError when `task` takes longer: it hangs in the driver."""
        if task.age_s <= bound_s:
            return
        self._reason, self._absent = f"hangs and {what}: only a restart helps", False
        self._leave()
        raise self._as_failed()

    def _failed(self, reason: str, *, absent: bool = False) -> DeviceError:
        """Count a failure. Returns the error to raise; raises DeviceStuck when it is the last."""
        self._reason, self._absent = reason, absent
        self._failures += 1
        if self._failures > _IN_PLACE:
            self._leave()
        return self._as_failed()

    def _leave(self) -> None:
        """Raise DeviceStuck where that can help: it worked in this process, and may in the next."""
        if self._delivered and self._departures.leave():
            raise DeviceStuck(f"camera {self._number}: {self._reason}")

    def _as_failed(self) -> DeviceError:
        kind = DeviceAbsent if self._absent else DeviceError
        return kind(f"camera {self._number}: {self._reason}")
