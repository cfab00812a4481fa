"""A USB webcam, through OpenCV and V4L2."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from gatepost.drivers.exposure import GlareWatch
from gatepost.drivers.pictures import hush_opencv, luma_of_picture
from gatepost.drivers.v4l2_controls import Controls, DeviceControls
from gatepost.drivers.v4l2_tuning import Tuner, Wishes
from gatepost.errors import DeviceAbsent
from gatepost.model import Frame, Hint

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from gatepost.model import View
    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_RETRY_S = 1.0  # between two attempts to open the device
_OPENING_S = 5.0  # to open it and to give a first frame; webcams take a second or two
_STALE_S = 2.0  # without a frame: it hangs, or was pulled without a word
_JOIN_S = 3.0
_MOST_BROKEN = 30  # frames, one after the other: a second of them
_LEAST_SIDE = 16  # pixels: less is no picture


class Capture(Protocol):
    """What we use of cv2.VideoCapture. A failed `retrieve` gives (False, anything)."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name

    def set(self, propId: int, value: float) -> bool: ...  # noqa: N803 - OpenCV's name

    def get(self, propId: int) -> float: ...  # noqa: N803 - OpenCV's name

    def grab(self) -> bool: ...

    def retrieve(self) -> tuple[bool, Any]: ...

    def release(self) -> None: ...


def open_v4l2(device: str) -> Capture:
    """Open `device` by OpenCV; `isOpened()` tells whether that went well."""
    hush_opencv()
    if not Path(device).exists():
        return cv2.VideoCapture()  # not opened: and OpenCV need not complain of it each second
    return cv2.VideoCapture(device, cv2.CAP_V4L2)


class _Grabber:
    """A thread that opens the device, keeps its newest frame, and closes it.

    One thread does it all: OpenCV cannot be closed while another thread waits in `read`, which
    lasts up to 10 s on a device that hangs.
    """

    def __init__(self, work: Callable[[_Grabber], str]) -> None:
        self.changed = threading.Condition()
        self.picture: Any = None
        self.taken = 0.0
        self.ended = ""  # why it ended, once it did
        self.told_to_stop = False
        self._work = work
        self.thread = threading.Thread(target=self._run, name="v4l2", daemon=True)

    def _run(self) -> None:
        reason = "its driver failed"
        try:
            reason = self._work(self)
        finally:
            with self.changed:
                self.ended = reason
                self.changed.notify_all()

    def put(self, picture: Any, taken: float) -> None:
        """Keep a newer frame; the one before it is lost."""
        with self.changed:
            self.picture, self.taken = picture, taken
            self.changed.notify_all()

    def get(self, wait_s: float) -> tuple[Any, float] | None:
        """The newest frame not given yet, as OpenCV has it, or None after `wait_s` seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.picture is not None or self.ended, wait_s)
            picture, self.picture = self.picture, None
            return None if picture is None else (picture, self.taken)


class V4l2Camera:
    """A FrameSource over a USB webcam that may vanish and come back.

    Asks for MJPG: uncompressed, a USB 2 webcam gives 720p at 10 frames a second or less. What it
    gives instead of what was asked for is taken, and logged. `wishes` tells how to expose and
    focus; `open_controls` opens the device's controls.
    """

    def __init__(
        self,
        device: str,
        *,
        width: int,
        height: int,
        fps: int,
        clock: Clock,
        wishes: Wishes | None = None,
        open_capture: Callable[[str], Capture] = open_v4l2,
        open_controls: Callable[[str], Controls] = DeviceControls,
    ) -> None:
        self._device = device
        self._size = (width, height)
        self._fps = fps
        self._clock = clock
        self._open_capture = open_capture
        self._tuner = Tuner(device, wishes or Wishes(), open_controls)
        self._glare = GlareWatch()
        self._given: dict[str, str] = {}  # as the log has it: told again only when it changes
        self._grabber: _Grabber | None = None
        self._reason = "not opened yet"
        self._alive_at = 0.0  # the last frame, or the last attempt to open
        self._seen = False  # a frame came since it was opened
        self._attempted = float("-inf")

    def __enter__(self) -> Self:
        """Begin to open the device; whether it is there, the first frame tells."""
        self._attempt()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._grabber is None:
            return
        self._grabber.told_to_stop = True
        self._grabber.thread.join(_JOIN_S)
        if self._grabber.thread.is_alive():
            _log.warning("%s: hangs, and is left open until the program ends", self._device)

    def next_frame(self, wait_s: float) -> Frame | None:
        """The newest frame; DeviceAbsent, after `wait_s` seconds, while the device is not there.

        `taken` is when the frame was read.
        """
        grabber = self._grabber
        if grabber is None or grabber.ended:
            self._reason = grabber.ended if grabber else self._reason
            if self._clock.boottime() - self._attempted < _RETRY_S:
                self._rest(wait_s)
                raise self._absent()
            grabber = self._attempt()
        got = grabber.get(wait_s)
        if got is not None:
            return self._frame(*got)
        if grabber.ended:
            self._reason = grabber.ended
            raise self._absent()
        self._check_alive(grabber)
        return None

    def suit(self, view: View) -> None:
        """Expose for what the decoder made of the newest frame: darker for a while at glare."""
        self._glare.changed(glare=view.hint is Hint.GLARE, at=self._clock.boottime())
        self._tuner.glare = self._glare.active

    def _attempt(self) -> _Grabber:
        self._attempted = self._alive_at = self._clock.boottime()
        self._seen = False
        self._grabber = _Grabber(self._grab)
        self._grabber.thread.start()
        return self._grabber

    def _frame(self, picture: Any, taken: float) -> Frame:
        if not self._seen:
            _log.info("camera there", extra={"fields": {"device": self._device}})
        self._seen = True
        self._alive_at = taken
        return Frame(luma_of_picture(picture), taken)

    def _check_alive(self, grabber: _Grabber) -> None:
        """Raise DeviceAbsent when no frame came for too long; the thread gives the device back.

        No other is started before it did: it may hang in the driver.
        """
        patience = _STALE_S if self._seen else _OPENING_S
        if self._clock.boottime() - self._alive_at <= patience:
            return
        grabber.told_to_stop = True
        self._reason = f"gave no frame for {patience:.0f} s"
        raise self._absent()

    def _rest(self, wait_s: float) -> None:
        """Wait for the next attempt's time, at most `wait_s` seconds."""
        due = self._attempted + _RETRY_S - self._clock.boottime()
        threading.Event().wait(max(0.0, min(wait_s, due)))

    def _absent(self) -> DeviceAbsent:
        return DeviceAbsent(f"{self._device}: {self._reason}")

    def _grab(self, grabber: _Grabber) -> str:
        """The thread's work. Returns why it ended."""
        capture = self._open_capture(self._device)
        try:
            return self._keep_newest(capture, grabber)
        except cv2.error as error:
            return f"failed: {error}"
        finally:
            self._tuner.close()
            capture.release()

    def _keep_newest(self, capture: Capture, grabber: _Grabber) -> str:
        if not capture.isOpened():
            return "not there, or in use by another program"
        self._set_up(capture)
        broken = 0  # a cable that is bad costs frames, not the camera
        while not grabber.told_to_stop:
            if not capture.grab():
                return "went away, or hangs"
            whole, picture = capture.retrieve()
            if not whole or not _is_picture(picture):
                broken += 1
                if broken > _MOST_BROKEN:
                    return "gives pictures that are broken"
                continue
            broken = 0
            grabber.put(picture, self._clock.boottime())
            self._tuner.follow(picture)
        return "hung, and was closed"

    def _set_up(self, capture: Capture) -> None:
        # In this order: the format decides which sizes there are, the size which rates.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        capture.set(cv2.CAP_PROP_FPS, self._fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)  # fewer old frames in the kernel's queue
        self._tell_given(capture)

    def _tell_given(self, capture: Capture) -> None:
        """Log what the webcam gives where it is not what was asked for, once."""
        width, height = self._size
        asked = {"format": "MJPG", "size": f"{width}x{height}", "fps": f"{self._fps:g}"}
        size = (capture.get(prop) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        given = {
            "format": _four_letters(capture.get(cv2.CAP_PROP_FOURCC)),
            "size": "x".join(f"{side:g}" for side in size),
            "fps": f"{capture.get(cv2.CAP_PROP_FPS):g}",
        }
        if given not in (asked, self._given):
            wanted = {f"asked_{name}": value for name, value in asked.items()}
            _log.info(
                "webcam gives something else",
                extra={"fields": {"device": self._device, **given, **wanted}},
            )
        self._given = given


def _four_letters(code: float) -> str:
    """A FOURCC as text: its letters from the lowest byte on."""
    return int(code).to_bytes(4, "little", signed=code < 0).decode("latin-1").rstrip("\0 ")


def _is_picture(picture: Any) -> bool:
    """Whether OpenCV gave one that can be looked at: uint8[H,W] or [H,W,1 or 3]."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        return False
    shape = picture.shape
    flat = len(shape) == 2 or (len(shape) == 3 and shape[2] in {1, 3})
    return flat and min(shape[:2]) >= _LEAST_SIDE
