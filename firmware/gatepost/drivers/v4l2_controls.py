"""The controls of a V4L2 device, by the kernel's own calls.

OpenCV knows no range of a control, no frequency of the mains, and not whether a value was taken.
Kernel documentation: userspace API, V4L2, VIDIOC_QUERYCTRL and VIDIOC_G_CTRL.
"""

from __future__ import annotations

import fcntl
import os
import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from gatepost.drivers.exposure import Range

if TYPE_CHECKING:
    from collections.abc import Callable

_QUERY = struct.Struct("=II32siiiiI8x")  # struct v4l2_queryctrl
_VALUE = struct.Struct("=Ii")  # struct v4l2_control


def _call(number: int, size: int) -> int:
    """_IOWR('V', number, size) of linux/ioctl.h, as x86, ARM and RISC-V have it."""
    return 3 << 30 | size << 16 | ord("V") << 8 | number


_QUERYCTRL = _call(36, _QUERY.size)
_G_CTRL = _call(27, _VALUE.size)
_S_CTRL = _call(28, _VALUE.size)
_DISABLED = 0x0001  # V4L2_CTRL_FLAG_DISABLED
_READ_ONLY = 0x0004  # V4L2_CTRL_FLAG_READ_ONLY


class Control(IntEnum):
    """The controls that matter here, by linux/v4l2-controls.h."""

    GAIN = 0x00980913
    POWER_LINE_FREQUENCY = 0x00980918  # 0 off, 1 50 Hz, 2 60 Hz, 3 automatic
    EXPOSURE_AUTO = (
        0x009A0901  # 1 manual; webcams (UVC) have 3, aperture priority, not 0, automatic
    )
    EXPOSURE_ABSOLUTE = 0x009A0902  # 100 microseconds each
    EXPOSURE_AUTO_PRIORITY = 0x009A0903  # 1: exposing may slow the frames down
    FOCUS_ABSOLUTE = 0x009A090A
    FOCUS_AUTO = 0x009A090C


class Controls(Protocol):
    """A device's controls."""

    def range_of(self, control: Control) -> Range | None:
        """What `control` takes; None where the device has none that can be set."""

    def get(self, control: Control) -> int:
        """Its value. Raises OSError."""

    def set(self, control: Control, value: int) -> None:
        """Set it. Raises OSError; some devices take another value without a word."""

    def close(self) -> None:
        """Give the device back."""


class DeviceControls:
    """The Controls of a device, beside whoever takes its pictures. Raises OSError."""

    def __init__(
        self,
        device: str,
        ioctl: Callable[[int, int, bytearray], int] = fcntl.ioctl,
    ) -> None:
        self._ioctl = ioctl
        self._file = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def range_of(self, control: Control) -> Range | None:
        asked = bytearray(_QUERY.pack(control, 0, b"", 0, 0, 0, 0, 0))
        try:
            self._ioctl(self._file, _QUERYCTRL, asked)
        except OSError:  # EINVAL: it has none; anything else: it will not let itself be set
            return None
        _, _, _, least, most, step, default, flags = _QUERY.unpack(asked)
        return None if flags & (_DISABLED | _READ_ONLY) else Range(least, most, step, default)

    def get(self, control: Control) -> int:
        asked = bytearray(_VALUE.pack(control, 0))
        self._ioctl(self._file, _G_CTRL, asked)
        value: int = _VALUE.unpack(asked)[1]
        return value

    def set(self, control: Control, value: int) -> None:
        self._ioctl(self._file, _S_CTRL, bytearray(_VALUE.pack(control, value)))

    def close(self) -> None:
        os.close(self._file)
