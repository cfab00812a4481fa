"""The real Picamera2 on libcamera's virtual camera, made to run as a sensor does. In the chroot.

The virtual camera fills a buffer as soon as it is queued: 400 frames a second, of which the
station would see every tenth. Here what is queued is handed over frame by frame, at a sensor's
pace; and it can be held up, as by a cable that is loose. Everything else is the real thing.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from picamera2 import Picamera2
from picamera2.allocators import LibcameraAllocator

from gatepost.drivers.picamera_opening import opener_of

if TYPE_CHECKING:
    from collections.abc import Callable

_MODE = {"format": "SRGGB10", "size": (1280, 720)}  # the virtual camera has no raw stream


class Sensor:
    """The pace of frames, and what goes wrong.

    Attributes:
        running: cleared, no frame comes any more.
        closable: cleared, stopping the camera hangs.
        frames: handed over since the start.
    """

    def __init__(self, fps: float) -> None:
        self.running = threading.Event()
        self.running.set()
        self.closable = threading.Event()
        self.closable.set()
        self.frames = 0
        self._every_s = 1 / fps

    def opener(self) -> Callable[[int], Any]:
        """What PiCamera opens its camera with: Picamera2 on this sensor."""
        sensor = self

        class Paced(Picamera2):
            def _get_raw_modes(self) -> list[dict[str, Any]]:
                return [_MODE]

            def _grab_camera(self, idx: int) -> _Camera:
                return _Camera(super()._grab_camera(idx), sensor)

            def __init__(self, number: int) -> None:
                super().__init__(number)
                self.allocator = LibcameraAllocator(self.camera.real)

        return opener_of(Paced)

    def due(self, before: float) -> float:
        """When the frame after that of `before` comes, monotonic seconds."""
        return max(before + self._every_s, time.monotonic() - self._every_s)


class _Camera:
    """A libcamera.Camera whose requests are handed over at the sensor's pace."""

    def __init__(self, real: Any, sensor: Sensor) -> None:
        self.real = real
        self._sensor = sensor
        self._queued: queue.Queue[Any] = queue.Queue()
        self._started = threading.Event()
        self._turn = threading.Lock()
        threading.Thread(target=self._hand_over, daemon=True).start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __eq__(self, other: object) -> bool:
        return self.real == other

    def __hash__(self) -> int:
        return hash(self.real)

    def start(self, controls: Any) -> None:
        self.real.start(controls)
        self._started.set()

    def queue_request(self, request: Any) -> None:
        self._queued.put(request)

    def stop(self) -> None:
        self._sensor.closable.wait()
        with self._turn:
            self._started.clear()
            self.real.stop()

    def release(self) -> None:
        self._queued.put(None)
        self.real.release()

    def _hand_over(self) -> None:
        due = time.monotonic()
        while (request := self._queued.get()) is not None:
            due = self._sensor.due(due)
            threading.Event().wait(max(0.0, due - time.monotonic()))
            self._sensor.running.wait()
            with self._turn:
                if self._started.is_set():
                    self._sensor.frames += 1
                    self.real.queue_request(request)
