"""A kernel's GPIO lines in memory, below lgpio and below our own ioctl; what they went through."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from gatepost.drivers.lines import CHIP_INFO, GET_LINE, LINE_INFO, Lines


@dataclass
class Line:
    """A line: who holds it, and what was done to it ("in", "low", "high", "pulses 20")."""

    holder: str = ""
    output: bool = False
    high: bool = False
    diary: list[str] = field(default_factory=list)

    def drive(self, high: object) -> None:
        self.output, self.high = True, bool(high)
        self.diary.append("high" if high else "low")

    def release(self) -> None:
        self.holder = ""


@dataclass
class Chip:
    label: str
    lines: dict[int, Line] = field(default_factory=lambda: {n: Line() for n in range(54)})


@dataclass
class Kernel:
    """The chips of a machine: a file each in `dev`."""

    dev: Path
    chips: dict[str, Chip] = field(default_factory=dict)
    calls: int = 0
    given: list[int] = field(default_factory=list)

    def add(self, name: str, label: str) -> Chip:
        (self.dev / name).touch()
        self.chips[name] = Chip(label)
        return self.chips[name]

    def lines(self) -> Lines:
        return Lines(self.dev, self.ioctl)

    def ioctl(self, file: int, request: int, told: bytearray) -> int:
        self.calls += 1
        name = Path(f"/proc/self/fd/{file}").readlink().name
        chip = self.chips[name]
        if request == CHIP_INFO:
            told[:] = struct.pack("=32s32sI", name.encode(), chip.label.encode(), len(chip.lines))
        elif request == LINE_INFO:
            self._info(chip, told)
        else:
            assert request == GET_LINE
            self._get(chip, told)
        return 0

    def _info(self, chip: Chip, told: bytearray) -> None:
        (number,) = struct.unpack_from("=I", told, 64)
        line = chip.lines[number]
        flags = bool(line.holder) | (8 if line.output else 4)
        struct.pack_into("=32s32sIIQ", told, 0, b"", line.holder.encode(), number, 0, flags)

    def _get(self, chip: Chip, told: bytearray) -> None:
        """As struct gpio_v2_line_request says: one line, one attribute, its levels."""
        assert len(told) == 592
        count, _, *_ = struct.unpack_from("=II", told, 560)
        flags, attributes = struct.unpack_from("=QI", told, 288)
        kind, _, values, mask = struct.unpack_from("=IIQQ", told, 320)
        assert (count, flags, attributes, kind, mask) == (1, 8, 1, 2, 1)
        assert told[256:288].rstrip(b"\0") == b"gatepost"
        (number,) = struct.unpack_from("=I", told, 0)
        if number not in chip.lines:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        line = chip.lines[number]
        if line.holder:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        line.drive(values & 1)
        self.given.append(os.open(os.devnull, os.O_RDONLY))
        struct.pack_into("=i", told, 588, self.given[-1])


class error(Exception):  # noqa: N801 - lgpio's name
    """What lgpio raises: its words are all that it has."""


class Lgpio(ModuleType):
    """The library lgpio over such a kernel: as far as gpiozero uses it."""

    SET_PULL_NONE, SET_PULL_UP, SET_PULL_DOWN = 128, 32, 64
    BOTH_EDGES, RISING_EDGE, FALLING_EDGE = 3, 1, 2
    error = error

    def __init__(self, kernel: Kernel) -> None:
        super().__init__("lgpio")
        self.kernel = kernel
        self.chip = Chip("")
        self.opened: list[int] = []
        self.pulses: dict[int, float] = {}

    def gpiochip_open(self, number: int) -> int:
        name = f"gpiochip{number}"
        if name not in self.kernel.chips:
            raise error("can not open gpiochip")
        self.chip = self.kernel.chips[name]
        self.opened.append(number)
        return 7

    def gpiochip_close(self, _handle: int) -> int:
        for line in self.chip.lines.values():
            if line.holder == "lg":
                line.release()
        return 0

    def _claim(self, number: int) -> Line:
        line = self.chip.lines[number]
        if line.holder not in {"", "lg"}:
            raise error("GPIO busy")
        line.holder = "lg"
        return line

    def gpio_claim_input(self, _handle: int, number: int, _flags: int = 0) -> int:
        line = self._claim(number)
        line.output = False
        line.diary.append("in")
        return 0

    def gpio_claim_output(self, _handle: int, number: int, level: int = 0, _flags: int = 0) -> int:
        line = self._claim(number)
        if not line.output:  # else nothing is done: see xSetAsOutput in lgpio's lgGpio.c
            line.drive(level)
        return 0

    def gpio_free(self, _handle: int, number: int) -> int:
        self.chip.lines[number].release()
        return 0

    def gpio_get_mode(self, _handle: int, number: int) -> int:
        return 2 if self.chip.lines[number].output else 0

    def gpio_read(self, _handle: int, number: int) -> int:
        return int(self.chip.lines[number].high)

    def gpio_write(self, _handle: int, number: int, level: int) -> int:
        self.chip.lines[number].drive(level)
        return 0

    def tx_pwm(self, _handle: int, number: int, hertz: float, share: float) -> int:
        self.pulses[number] = share if hertz else 0
        self.chip.lines[number].diary.append(f"pulses {share:g}" if hertz else "no pulses")
        return 0

    def gpio_set_debounce_micros(self, _handle: int, _number: int, _micros: int) -> int:
        return 0

    def gpio_claim_alert(self, _handle: int, number: int, _edges: int, _flags: int = 0) -> int:
        self._claim(number)
        return 0

    def callback(self, _handle: int, number: int, _edges: int, func: Any) -> Any:
        return _Callback(number, func)


@dataclass
class _Callback:
    number: int
    func: Any

    def cancel(self) -> None:
        self.func = None
