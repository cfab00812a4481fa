from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING

import pytest

from gatepost.drivers.exposure import Range
from gatepost.drivers.v4l2_controls import Control, DeviceControls

if TYPE_CHECKING:
    from pathlib import Path

# As a trace of v4l2-ctl shows them on x86-64 and arm64.
QUERYCTRL, G_CTRL, S_CTRL = 0xC0445624, 0xC008561B, 0xC008561C


class Kernel:
    """The three calls as the kernel's documentation lays out their structures."""

    def __init__(self) -> None:
        self.values = {int(Control.GAIN): 7}
        self.flags = 0

    def ioctl(self, file: int, call: int, asked: bytearray) -> int:
        assert file >= 0
        (number,) = struct.unpack_from("=I", asked)
        if number not in self.values:
            raise OSError(errno.EINVAL, "Invalid argument")
        if call == QUERYCTRL:
            assert len(asked) == 68
            struct.pack_into("=iiiiI", asked, 40, -5, 64, 3, 1, self.flags)
        elif call == G_CTRL:
            struct.pack_into("=i", asked, 4, self.values[number])
        elif call == S_CTRL:
            (self.values[number],) = struct.unpack_from("=i", asked, 4)
        else:
            raise AssertionError(hex(call))
        return 0


@pytest.fixture
def device(tmp_path: Path) -> str:
    (tmp_path / "video0").touch()
    return str(tmp_path / "video0")


def test_a_control_has_a_range_and_a_value(device: str) -> None:
    kernel = Kernel()
    controls = DeviceControls(device, kernel.ioctl)
    assert controls.range_of(Control.GAIN) == Range(-5, 64, 3, 1)
    assert controls.get(Control.GAIN) == 7
    controls.set(Control.GAIN, -2)
    assert controls.get(Control.GAIN) == -2
    controls.close()


def test_what_is_not_there_or_cannot_be_set_has_no_range(device: str) -> None:
    kernel = Kernel()
    controls = DeviceControls(device, kernel.ioctl)
    assert controls.range_of(Control.FOCUS_ABSOLUTE) is None
    with pytest.raises(OSError, match="Invalid argument"):
        controls.set(Control.FOCUS_ABSOLUTE, 1)
    for flag in (0x0001, 0x0004):
        kernel.flags = flag
        assert controls.range_of(Control.GAIN) is None
    controls.close()


def test_what_is_no_camera_has_no_controls(device: str) -> None:
    controls = DeviceControls(device)
    assert controls.range_of(Control.GAIN) is None
    with pytest.raises(OSError, match="ioctl"):
        controls.get(Control.GAIN)
    controls.close()
    with pytest.raises(FileNotFoundError):
        DeviceControls(f"{device}1")
