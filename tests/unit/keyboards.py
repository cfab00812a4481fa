"""A reader in keyboard mode: the keys that it types, and its event device over a pipe."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import evdev
from evdev import _input, ecodes

from gatepost.clock import SystemClock
from gatepost.drivers.keymaps import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

A, B, C, U, D1, D2, ENTER, TAB, SPACE, CAPS = 30, 48, 46, 22, 2, 3, 28, 15, 57, 58
SHIFT, CTRL, ALT, ALTGR, KP_ENTER = 42, 29, 56, 100, 96
KEYPAD = dict(zip("0123456789", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73), strict=True))

Strokes = list[tuple[int, int]]


def tap(*codes: int) -> Strokes:
    """The last key, with the others held."""
    *held, last = codes
    down = [(code, 1) for code in held]
    return [*down, (last, 1), (last, 0), *((code, 0) for code in reversed(held))]


def typed(text: str, layout: str = "us") -> Strokes:
    """As somebody would type it who has no keys but those of the layout."""
    return [stroke for char in text for stroke in _char(char, layout)]


def _char(char: str, layout: str) -> Strokes:
    modifiers: tuple[tuple[int, ...], ...] = ((), (SHIFT,), (ALTGR,), (SHIFT, ALTGR))
    for code, levels in LAYOUTS[layout].keys.items():
        for held, level in zip(modifiers, levels, strict=True):
            if level == char:
                return tap(*held, code)
    return by_alt(f"{ord(char)}")


def by_alt(digits: str) -> Strokes:
    """Alt held, digits on the keypad."""
    return [(ALT, 1), *(each for digit in digits for each in tap(KEYPAD[digit])), (ALT, 0)]


def by_hex(char: str, *, held: bool = False, end: int = SPACE) -> Strokes:
    """Ctrl, Shift and U, then its number; `held`: Ctrl and Shift end it."""
    number = typed(f"{ord(char):x}")
    down, up = [(CTRL, 1), (SHIFT, 1)], [(SHIFT, 0), (CTRL, 0)]
    if held:
        return [*down, *tap(U), *number, *up]
    return [*down, *tap(U), *up, *number, *tap(end)]


class PipeKeys(evdev.eventio.EventIO):
    """What evdev.InputDevice gives, with a pipe below it: its bytes, and how they are read, are
    the kernel's and evdev's own; what needs an ioctl is played."""

    def __init__(self, fd: int, board: Board) -> None:
        self.fd = os.dup(fd)
        os.set_blocking(self.fd, False)
        self.board = board
        self.grabbed = False

    def read(self) -> Iterator[evdev.InputEvent]:
        events = list(_input.device_read_many(self.fd))
        if not events:  # all who write are gone
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return (evdev.InputEvent(*event) for event in events)

    def grab(self) -> None:
        if self.board.grabbed_by_others:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.grabbed = True

    def active_keys(self) -> list[int]:
        return self.board.held

    def suit(self) -> bool:
        return self.board.stamps

    def close(self) -> None:
        os.close(self.fd)
        self.board.closed += 1


class Board:
    """A keyboard reader under a name that lasts; what it is told to type goes into a pipe."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.held: list[int] = []
        self.grabbed_by_others = False
        self.stamps = True
        self.closed = 0
        self.opened: list[PipeKeys] = []
        self._ends: tuple[int, int] | None = None
        self._clock = SystemClock()

    def put_in(self) -> None:
        self._ends = os.pipe()
        self.link.write_text("here")

    def pull(self) -> None:
        self.link.unlink(missing_ok=True)
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    def open(self, path: str) -> PipeKeys:
        if not Path(path).exists() or self._ends is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        keys = PipeKeys(self._ends[0], self)
        self.opened.append(keys)
        return keys

    def press(self, strokes: Iterable[tuple[int, int]], at: float | None = None) -> float:
        """Type, all at `at` s of boot time, else now; returns when."""
        at = self._clock.boottime() if at is None else at
        for code, value in strokes:
            self.event(ecodes.EV_KEY, code, value, at)
            self.event(ecodes.EV_SYN, ecodes.SYN_REPORT, 0, at)
        return at

    def event(self, kind: int, code: int, value: int, at: float) -> None:
        assert self._ends is not None
        seconds, rest = divmod(round(at * 1_000_000), 1_000_000)
        os.write(self._ends[1], struct.pack("@llHHi", seconds, rest, kind, code, value))
