"""A Raspberry Pi camera, through picamera2 (which comes with the operating system)."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from gatepost.drivers.exposure import (
    GLARE_EV,
    ExposureGuard,
    GlareWatch,
    Limits,
    without_bands,
)
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Frame, Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from gatepost.model import View
    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_STREAM = "main"
_STALL_S = 2.0  # without a frame: it hangs (picamera2 #1086, #1090), and is restarted
_RETRY_S = 1.0
_CLOSE_S = 5.0  # to close it: with its thread dead, picamera2 would wait for ever
_SANE_S = 1.0  # a frame's own time further from now than this is of another clock
# libcamera's enumerations (control_ids_core.yaml, control_ids_draft.yaml), as their integers.
_AF_MANUAL = 0
_AE_SHORT = 1
_AE_CENTRE_WEIGHTED = 0
_FLICKER_OFF = 0
_FLICKER_MANUAL = 1
_DENOISE_MINIMAL = 3


def luma_of(
    buffer: npt.NDArray[np.uint8], width: int, height: int, stride: int
) -> npt.NDArray[np.uint8]:
    """The Y plane of a YUV420 (or NV12) `buffer`, uint8[N], as uint8[height,width]; a view.

    Each row takes `stride` bytes, of which the last are padding. Raises ValueError when
    the buffer is too small for that.
    """
    if width > stride or buffer.size < stride * height:
        raise ValueError(f"{width}x{height} with stride {stride} is not in {buffer.size} bytes")
    return buffer[: stride * height].reshape(height, stride)[:, :width]


def controls_for(
    available: Mapping[str, Any], fps: int, lens_m: float, mains_hz: int = 50
) -> dict[str, Any]:
    """What to set of what the camera has: a fixed focus, short exposures, a steady rate.

    Autofocus hunts or sticks (picamera2 #1082, #1272): the lens stays at the mounting distance,
    given in dioptres, at most what it can do. `available` maps names to (least, most, default).
    Short exposures keep a moving phone sharp and its screen from glaring; those that lamps at
    `mains_hz` light are whole flickers of theirs (microseconds), so that no bands cross the code.
    The middle counts most, where codes are held. Denoising stays minimal: its better modes smear
    modules of few pixels, and cost the Pi time for colours that nobody looks at.
    """
    frame_us = round(1_000_000 / fps)
    wanted: dict[str, Any] = {
        "FrameDurationLimits": (frame_us, frame_us),
        "AeExposureMode": _AE_SHORT,
        "AeMeteringMode": _AE_CENTRE_WEIGHTED,
        "NoiseReductionMode": _DENOISE_MINIMAL,
        "AeFlickerMode": _FLICKER_MANUAL if mains_hz else _FLICKER_OFF,
    }
    if mains_hz:
        wanted["AeFlickerPeriod"] = round(500_000 / mains_hz)
    if "LensPosition" in available:
        nearest = float(available["LensPosition"][1])
        wanted |= {"AfMode": _AF_MANUAL, "LensPosition": min(1 / lens_m, nearest)}
    return {name: value for name, value in wanted.items() if name in available}


def guard_for(available: Mapping[str, Any], limits: Limits) -> ExposureGuard | None:
    """What keeps a camera within `limits`, and within what it can do; None: it cannot be set."""
    if "ExposureTime" not in available or "AnalogueGain" not in available:
        return None
    least, most = (float(bound) for bound in available["AnalogueGain"][:2])
    return ExposureGuard(limits._replace(least_gain=least, most_gain=min(limits.most_gain, most)))


class PiCamera:
    """A FrameSource over a Raspberry Pi camera.

    When it gives no frame for 2 s it is closed and opened again. `open_camera` gives an open
    picamera2.Picamera2 by its number; None: picamera2 itself, imported in `__enter__`.

    Exposures longer than `exposure_max_us` microseconds are cut to it, and the gain raised by as
    much, up to `gain_max`. `mains_hz`: of the lamps; 0: no matter.
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
        pixel_format: str = "YUV420",
        open_camera: Callable[[int], Any] | None = None,
    ) -> None:
        self._number = camera
        self._size = (width, height)
        self._fps = fps
        self._lens_m = lens_m
        self._mains_hz = mains_hz
        self._limits = Limits(without_bands(exposure_max_us, mains_hz), gain_max)
        self._guard: ExposureGuard | None = None
        self._glare = GlareWatch()
        self._clock = clock
        self._format = pixel_format
        self._open_camera = open_camera
        self._camera: Any = None
        self._available: Mapping[str, Any] = {}
        self._job: Any = None  # a request asked for and not given yet
        self._alive_at = 0.0
        self._attempted = float("-inf")
        self._reason = "not opened yet"
        self._absent = False
        self._closing: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Find picamera2. Raises DeviceError where it is not installed."""
        self._open_camera = self._open_camera or _picamera2()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def next_frame(self, wait_s: float) -> Frame | None:
        """The newest frame; `taken` is when its exposure began, as the camera tells it.

        Raises DeviceError, after `wait_s` seconds, when the camera cannot be opened or hangs;
        DeviceAbsent where there is none.
        """
        if self._camera is None:
            self._reopen(wait_s)
        try:
            request = self._request(wait_s)
            if request is None:
                self._check_alive()
                return None
            try:
                return self._frame(request)
            finally:
                request.release()  # or the camera runs out of buffers
        except (RuntimeError, OSError, ValueError) as error:
            if isinstance(error, DeviceError):
                raise
            self._close()
            raise self._failed(f"failed: {error}") from error

    def suit(self, view: View) -> None:
        """Expose for what the decoder made of the newest frame: darker for a while at glare."""
        changed = self._glare.changed(glare=view.hint is Hint.GLARE, at=self._clock.boottime())
        if changed and self._camera is not None and "ExposureValue" in self._available:
            self._set({"ExposureValue": GLARE_EV if self._glare.active else 0.0})

    def _request(self, wait_s: float) -> Any:
        """A completed request, or None. What came too late stays asked for, so none is lost."""
        if self._job is None:
            self._job = self._camera.capture_request(wait=False)
        try:
            request = self._job.get_result(timeout=wait_s)
        except TimeoutError:
            return None
        self._job = None
        return request

    def _frame(self, request: Any) -> Frame:
        stream = self._camera.camera_configuration()[_STREAM]
        width, height = stream["size"]
        luma = luma_of(request.make_buffer(_STREAM), width, height, stream["stride"])
        now = self._clock.boottime()
        metadata = request.get_metadata()
        taken = metadata.get("SensorTimestamp", 0) / 1e9  # of CLOCK_BOOTTIME
        self._alive_at = now
        if self._guard is not None and (controls := self._guard.controls(metadata)):
            self._set(controls)
        return Frame(luma, taken if 0 <= now - taken <= _SANE_S else now)

    def _set(self, controls: dict[str, Any]) -> None:
        """Set them while it runs; a camera that will not is left to its automatic from then on."""
        try:
            self._camera.set_controls(controls)
        except RuntimeError as error:
            self._guard, self._available = None, {}
            fields = {"camera": self._number, "controls": ", ".join(controls), "why": str(error)}
            _log.warning("camera would not be set", extra={"fields": fields})

    def _check_alive(self) -> None:
        if self._clock.boottime() - self._alive_at > _STALL_S:
            self._close()
            raise self._failed(f"gave no frame for {_STALL_S:.0f} s; it is being restarted")

    def _reopen(self, wait_s: float) -> None:
        """Open and start the camera, at most once a second. Raises DeviceError, DeviceAbsent."""
        if self._closing is not None and self._closing.is_alive():
            self._closing.join(wait_s)
            raise self._failed("hangs and cannot be closed: only a restart helps")
        due = self._attempted + _RETRY_S - self._clock.boottime()
        if due > 0:
            threading.Event().wait(min(wait_s, due))
            if self._clock.boottime() - self._attempted < _RETRY_S:
                raise self._failed(self._reason, absent=self._absent)
        self._attempted = self._clock.boottime()
        try:
            self._start()
        except IndexError as error:  # of the list of cameras
            raise self._failed("no such camera; see to its cable", absent=True) from error
        except (RuntimeError, OSError, ValueError) as error:
            self._close()
            raise self._failed(f"cannot be opened: {error}") from error
        self._alive_at = self._clock.boottime()

    def _start(self) -> None:
        if self._open_camera is None:
            raise RuntimeError("used outside of its with block")
        camera = self._camera = self._open_camera(self._number)
        available = self._available = camera.camera_controls
        settings = camera.create_video_configuration(
            main={"size": self._size, "format": self._format},
            controls=controls_for(available, self._fps, self._lens_m, self._mains_hz),
            buffer_count=4,
        )
        camera.configure(settings)
        camera.start()
        self._guard = guard_for(camera.camera_controls, self._limits)
        self._glare = GlareWatch()  # a new start exposes as usual
        _log.info("camera there", extra={"fields": {"camera": self._number}})

    def _close(self) -> None:
        """Close the camera within a bound; a thread that does not come back is left behind."""
        camera, self._camera, self._job = self._camera, None, None
        if camera is None:
            return
        self._closing = threading.Thread(target=_closed, args=(camera,), daemon=True)
        self._closing.start()
        self._closing.join(_CLOSE_S)

    def _failed(self, reason: str, *, absent: bool = False) -> DeviceError:
        self._reason, self._absent = reason, absent
        kind = DeviceAbsent if absent else DeviceError
        return kind(f"camera {self._number}: {reason}")


def _closed(camera: Any) -> None:
    try:
        camera.cancel_all_and_flush()  # or closing waits for requests that never come
        camera.close()
    except (RuntimeError, OSError) as error:
        _log.warning("camera closed badly: %s", error)


def _picamera2() -> Callable[[int], Any]:
    try:
        from picamera2 import Picamera2  # noqa: PLC0415 - only a Pi has it
    except ImportError as error:
        raise DeviceError(
            f"picamera2 cannot be imported ({error}): install python3-picamera2 by apt, and make "
            "the venv with --system-site-packages"
        ) from error
    opener: Callable[[int], Any] = Picamera2
    return opener
