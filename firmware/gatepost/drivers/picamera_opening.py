"""Picamera2 as the operating system has it: imported late, and opened without leaving a trace."""

from __future__ import annotations

import logging
import os
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from gatepost.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
# Picamera2 checks little beforehand: a camera that is gone shows as any of these.
FOREIGN = (
    RuntimeError, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError,
    CancelledError,
)  # fmt: skip


def find_picamera2() -> Callable[[int], Any]:
    """What opens a camera by its number, raising IndexError where there is none.

    Raises DeviceError where picamera2 cannot be imported: it is not installed, libcamera is not,
    or their binary parts are of another NumPy than the venv's.
    """
    try:
        from picamera2 import Picamera2  # noqa: PLC0415 - only a Pi has it
    except (ImportError, *FOREIGN) as error:
        raise DeviceError(
            f"picamera2 cannot be imported ({error}): install python3-picamera2 by apt, and make "
            "the venv with --system-site-packages"
        ) from error
    return opener_of(Picamera2)


def opener_of(picamera2: Any) -> Callable[[int], Any]:
    """What opens a camera of this class, Picamera2 or one that is like it, by its number."""

    def opened(number: int) -> Any:
        # Asked beforehand: 0.3.38 makes a pipe first, raises RuntimeError, and leaves it open.
        picamera2.global_camera_info()[number]
        camera = picamera2.__new__(picamera2)
        try:
            camera.__init__(number)
        except BaseException:
            _give_back_pipe(camera)  # else a camera in use by another costs one file a second
            raise
        return camera

    return opened


def _give_back_pipe(camera: Any) -> None:
    reading, writing = (getattr(camera, name, None) for name in ("notifymeread", "notifyme_w"))
    if reading is not None:
        reading.close()
    if isinstance(writing, int):
        os.close(writing)


def close(camera: Any) -> None:
    """Give `camera` back. May hang: see foreign.Task."""
    try:
        camera.cancel_all_and_flush()  # or closing waits for requests that never come
        camera.close()
    except FOREIGN as error:
        _log.warning("camera closed badly: %s", error)


def why(error: BaseException) -> str:
    """An error in words: Picamera2 wraps what libcamera said in words of its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
