"""The station's camera driver on the real Picamera2, and what goes wrong with it. In the chroot.

    python -m camera_trouble [NAME ...]    prints JSON: what each trouble came to

There are two cameras, each of which shows pictures of one grey.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camera_paced import Sensor

from gatepost.clock import SystemClock
from gatepost.drivers.leaving import Departures
from gatepost.drivers.picamera import PiCamera
from gatepost.errors import DeviceError, DeviceStuck

if TYPE_CHECKING:
    from gatepost.model import Frame

FPS = 30
_BOUND_S = 30.0
_HASTE = 5.0


class Hasty(SystemClock):
    """A clock that runs ahead, for troubles that are only waited for."""

    def boottime(self) -> float:
        return super().boottime() * _HASTE


def camera_on(sensor: Sensor, number: int = 0, clock: SystemClock | None = None) -> PiCamera:
    """The driver, closed; it may leave the process whenever it wants."""
    clock = clock or SystemClock()
    return PiCamera(
        number,
        width=1280,
        height=720,
        fps=FPS,
        lens_m=0.12,
        clock=clock,
        departures=Departures(Path(tempfile.mkdtemp()), clock),
        open_camera=sensor.opener(),
    )


def frame_of(camera: PiCamera) -> Frame:
    """Its next frame, whatever fails until then."""
    until = SystemClock().boottime() + _BOUND_S
    while SystemClock().boottime() < until:
        try:
            if (frame := camera.next_frame(0.1)) is not None:
                return frame
        except DeviceError:
            pass
    raise TimeoutError


def error_of(camera: PiCamera) -> OSError:
    """What it fails with next."""
    until = SystemClock().boottime() + _BOUND_S
    while SystemClock().boottime() < until:
        try:
            camera.next_frame(0.1)
        except (DeviceError, DeviceStuck) as error:
            return error
    raise TimeoutError


def frames() -> dict[str, Any]:
    """That frames come, whole and in order, and how old they are."""
    with camera_on(Sensor(FPS)) as camera:
        taken = [frame_of(camera) for _ in range(10)]
    return {
        "shapes": sorted({each.luma.shape for each in taken}),
        "grey": float(taken[0].luma.mean()),
        "in_order": [each.taken for each in taken] == sorted({each.taken for each in taken}),
    }


def restarted() -> dict[str, Any]:
    """That it is restarted in place, and how long no frame comes for that."""
    sensor = Sensor(FPS)
    with camera_on(sensor) as camera:
        last = frame_of(camera)
        sensor.running.clear()
        error = error_of(camera)
        sensor.running.set()
        back = frame_of(camera)
    return {"told": str(error), "without_s": back.taken - last.taken}


def left() -> dict[str, Any]:
    """How it comes to leave the process: its errors, until it does."""
    sensor, told = Sensor(FPS), []
    with camera_on(sensor, clock=Hasty()) as camera:
        frame_of(camera)
        sensor.running.clear()
        while not told or told[-1] != "DeviceStuck":
            told.append(type(error_of(camera)).__name__)
        sensor.running.set()
    return {"errors": told}


def absent() -> dict[str, Any]:
    """What a number is told that no camera has; pipes that ten tries of it leave open."""
    sensor = Sensor(FPS)
    with camera_on(sensor, 7) as camera:
        error = error_of(camera)
    return {"error": type(error).__name__, "left_open": _left_open(sensor, 7)}


def in_use() -> dict[str, Any]:
    """What is told while another holds the camera; pipes that ten tries leave open; and after."""
    sensor = Sensor(FPS)
    with camera_on(Sensor(FPS)) as holder, camera_on(sensor) as camera:
        frame_of(holder)
        error = error_of(camera)
        left_open = _left_open(sensor, 0)
        holder.__exit__(None, None, None)
        shape = frame_of(camera).luma.shape
    return {"told": str(error), "left_open": left_open, "then": shape}


def _left_open(sensor: Sensor, number: int) -> int:
    opened, before = sensor.opener(), _pipes()
    for _ in range(10):
        with suppress(RuntimeError, IndexError):
            opened(number)
    return _pipes() - before


def two() -> dict[str, Any]:
    """The greys that two cameras show at the same time."""
    with camera_on(Sensor(FPS), 0) as one, camera_on(Sensor(FPS), 1) as other:
        pairs = [(frame_of(one).luma.mean(), frame_of(other).luma.mean()) for _ in range(5)]
    return {"greys": [float(each) for each in pairs[-1]]}


def reopened() -> dict[str, Any]:
    """Pipes left open by five times of opening and closing."""
    before = _pipes()
    for _ in range(5):
        with camera_on(Sensor(FPS)) as camera:
            frame_of(camera)
    until = SystemClock().boottime() + _BOUND_S  # one that is slow is closed by its thread, later
    while (left_open := _pipes() - before) > 0 and SystemClock().boottime() < until:
        threading.Event().wait(0.1)
    return {"left_open": left_open}


def unclosable() -> dict[str, Any]:
    """What comes of a camera that hangs, in closing too. Last: it hangs for ever."""
    sensor, told = Sensor(FPS), []
    with camera_on(sensor, clock=Hasty()) as camera:
        frame_of(camera)
        sensor.running.clear()
        sensor.closable.clear()
        while not told or not told[-1].startswith("DeviceStuck"):
            error = error_of(camera)
            told.append(f"{type(error).__name__}: {error}")
    return {"errors": told}


def _pipes() -> int:
    """Each Picamera2 has one, of two ends."""
    links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(each.startswith("pipe:") for each in links)


def main() -> int:
    """Print what was found, and leave as the daemon does."""
    every = (frames, restarted, left, absent, in_use, two, reopened, unclosable)
    wanted = [each for each in every if each.__name__ in sys.argv[1:] or not sys.argv[1:]]
    json.dump({each.__name__: each() for each in wanted}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
