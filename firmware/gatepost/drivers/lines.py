"""GPIO lines by the kernel's own interface, without any library: who holds one, and one level.

The character device /dev/gpiochipN, uAPI version 2 (include/uapi/linux/gpio.h, Linux 5.10).
gpiozero and lgpio do all the rest; this is for what they cannot tell, and for the moment after a
crash, when there is no time to load them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEV = Path("/dev")
# Each label with the revision code of a board that has it: for gpiozero's table of its pins.
# https://www.raspberrypi.com/documentation/computers/raspberry-pi.html (new-style codes)
KNOWN = {
    "pinctrl-rp1": 0xC04170,  # Pi 5
    "pinctrl-bcm2711": 0xC03111,  # Pi 4
    "pinctrl-bcm2835": 0x902120,  # Zero 2 W; a Pi 3 has the same label and header
}
# _IOR and _IOWR of type 0xB4: GPIO_GET_CHIPINFO, GPIO_V2_GET_LINEINFO, GPIO_V2_GET_LINE.
CHIP_INFO, LINE_INFO, GET_LINE = 0x8044B401, 0xC100B405, 0xC250B407
_CHIP = struct.Struct("=32s32sI")  # name, label, lines
_LINE = struct.Struct("=32s32sIIQ")  # name, consumer, offset, number of attributes, flags
_LINE_BYTES = 256
_REQUEST_BYTES = 592
_USED, _OUTPUT = 1, 8  # GPIO_V2_LINE_FLAG_
_VALUES = 2  # GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES
# Where things lie in struct gpio_v2_line_request.
_CONSUMER_AT, _FLAGS_AT, _ATTRIBUTES_AT, _ATTRIBUTE_AT = 256, 288, 296, 320
_LINES_AT, _FD_AT = 560, 588
_CONSUMER = b"gatepost"
_NAME = re.compile(r"gpiochip([0-9]+)")


@dataclass(frozen=True, slots=True)
class Chip:
    """A GPIO chip: the file and the number of its device, and the label of its driver."""

    path: Path
    number: int
    label: str


class Lines:
    """The chips of a machine and their lines.

    Args:
        dev: where the devices lie.
        ioctl: the kernel's, as fcntl.ioctl.
    """

    def __init__(
        self, dev: Path = DEV, ioctl: Callable[[int, int, bytearray], int] = fcntl.ioctl
    ) -> None:
        self._dev = dev
        self._ioctl = ioctl

    def find(self, *labels: str) -> Chip:
        """The chip with one of `labels`; numbers change between kernels (a Pi 5's was 4, is 0).

        Raises DeviceAbsent, saying which labels there are; DeviceError where that chip may not
        be opened.
        """
        found, closed = [], []
        for path, number in self._paths():
            try:
                label = self._label(path)
            except OSError as error:
                closed.append(f"{path}: {error.strerror}")
                continue
            if label in labels:
                return Chip(path, number, label)
            found.append(label)
        wanted = " or ".join(labels)
        if closed:
            told = "; ".join(closed)
            raise DeviceError(f"no GPIO chip {wanted} among those that open; {told}")
        there = f"there are {', '.join(found)}" if found else "there is none at all"
        raise DeviceAbsent(f"no GPIO chip {wanted}: {there}")

    def holder(self, chip: Chip, line: int) -> str:
        """What holds `line` calls itself, "" where nobody does. Raises DeviceError."""
        told = bytearray(_LINE_BYTES)
        struct.pack_into("=I", told, 64, line)
        with _errors(chip, line), self._open(chip.path) as file:
            self._ioctl(file, LINE_INFO, told)
        _, consumer, _, _, flags = _LINE.unpack_from(told)
        return (_text(consumer) or "somebody without a name") if flags & _USED else ""

    def drive(self, chip: Chip, line: int, *, high: bool) -> None:
        """Take `line`, drive it to one level, and give it back.

        What becomes of it then is the kernel's to say: see `idle`.
        Raises DeviceError, which tells who holds the line.
        """
        request = bytearray(_REQUEST_BYTES)
        struct.pack_into("=I", request, 0, line)
        struct.pack_into("=32s", request, _CONSUMER_AT, _CONSUMER)
        struct.pack_into("=Q", request, _FLAGS_AT, _OUTPUT)
        struct.pack_into("=I", request, _ATTRIBUTES_AT, 1)
        struct.pack_into("=IIQQ", request, _ATTRIBUTE_AT, _VALUES, 0, int(high), 1)
        struct.pack_into("=I", request, _LINES_AT, 1)
        try:
            with self._open(chip.path) as file:
                self._ioctl(file, GET_LINE, request)
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise self.held(chip, line) from error
            raise DeviceError(f"{chip.path} line {line}: {error.strerror}") from error
        os.close(struct.unpack_from("=i", request, _FD_AT)[0])

    def held(self, chip: Chip, line: int) -> DeviceError:
        """The error that says who holds `line`."""
        try:
            who = self.holder(chip, line)
        except DeviceError:
            who = ""
        return DeviceError(f"GPIO {line} of {chip.label} is held by {who or 'another program'}")

    def _paths(self) -> Iterator[tuple[Path, int]]:
        """In the order of their numbers; a Pi 5 has links under the names of former kernels."""
        named = ((path, _NAME.fullmatch(path.name)) for path in self._dev.glob("gpiochip*"))
        numbered = [(path, int(name[1])) for path, name in named if name and not path.is_symlink()]
        yield from sorted(numbered, key=lambda each: each[1])

    def _label(self, path: Path) -> str:
        told = bytearray(_CHIP.size)
        with self._open(path) as file:
            self._ioctl(file, CHIP_INFO, told)
        return _text(_CHIP.unpack(told)[1])

    @contextmanager
    def _open(self, path: Path) -> Iterator[int]:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            yield file
        finally:
            os.close(file)


@contextmanager
def _errors(chip: Chip, line: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeviceError(f"{chip.path} line {line}: {error.strerror}") from error


def _text(field: bytes) -> str:
    """A text of C in a field of fixed length; a consumer's name is whatever a program says."""
    text = field.split(b"\0", 1)[0].decode("ascii", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
