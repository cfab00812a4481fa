"""A USB barcode reader in keyboard mode, through evdev; grabbed, so that it types nowhere else."""

from __future__ import annotations

import fcntl
import select
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import evdev
from evdev import ecodes

from gatepost.drivers.keymaps import LAYOUTS
from gatepost.drivers.typing_keys import Typing
from gatepost.drivers.usb_texts import UsbTexts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatepost.drivers.usb import Place
    from gatepost.ports import Clock

# linux/input.h: which clock an open device stamps its events by, and which events it gives.
_EVIOCSCLOCKID, _EVIOCSMASK = 0x400445A0, 0x40104593


class Keys(Protocol):
    """What of evdev.InputDevice is used; a fake gives events from a pipe."""

    def fileno(self) -> int: ...

    def read(self) -> Iterable[evdev.InputEvent]:
        """Those that are there. Raises BlockingIOError without any, OSError when it is gone."""

    def grab(self) -> None:
        """Nobody else gets its keys. Raises OSError (EBUSY) where another has them."""

    def active_keys(self) -> list[int]:
        """Which keys are held down."""

    def suit(self) -> bool:
        """Stamp the events by CLOCK_BOOTTIME from now on; False where the kernel cannot."""

    def close(self) -> None: ...


class EventDevice(evdev.InputDevice):  # type: ignore[type-arg]
    """An event device whose events can be stamped by the clock that orders everything here."""

    def suit(self) -> bool:
        """Stamp the events by CLOCK_BOOTTIME from now on; False where the kernel cannot.

        The kernel keeps 64 events for us: scan codes are left out, so that 16 keys fit, not 10.
        """
        with suppress(OSError):  # before Linux 4.4
            fcntl.ioctl(self.fd, _EVIOCSMASK, struct.pack("IIQ", ecodes.EV_MSC, 0, 0))
        try:
            fcntl.ioctl(self.fd, _EVIOCSCLOCKID, struct.pack("i", time.CLOCK_BOOTTIME))
        except OSError:
            return False
        return True


class KeyTexts(UsbTexts[Keys]):
    """A TextSource over a keyboard that may vanish and come back.

    Args:
        layout: one of LAYOUTS, the one that the reader is set to.
        suffix: one of typing_keys.SUFFIXES; `pause_s` seconds after the last key end a code too.
        opening: gives the device at a path.
    """

    def __init__(
        self,
        place: Place,
        *,
        clock: Clock,
        layout: str = "us",
        suffix: str = "enter",
        pause_s: float = 0.05,
        prefix: str = "",
        opening: Callable[[str], Keys] = EventDevice,
    ) -> None:
        super().__init__(place, self._open, clock)
        self._opening = opening
        self._typing = Typing(
            LAYOUTS[layout],
            suffix=suffix,
            pause_s=pause_s,
            prefix=prefix,
            losses=self._losses,
            given=self._waiting.add,
        )
        self._stamped = False  # the kernel says when a key came
        self._missing = False  # until the next report: what comes is not whole (SYN_DROPPED)

    def _take(self, device: Keys, until: float) -> bool:
        ends = self._typing.ends
        wait = max(0.0, min(until, ends) - self._clock.boottime())
        ready, _, _ = select.select([device.fileno()], [], [], wait)
        if not ready:
            now = self._clock.boottime()
            self._typing.pause(now)
            return now >= ends
        try:
            for event in device.read():  # 64 at most
                self._event(device, event)
        except BlockingIOError:  # told of, and not there
            return False
        return True

    def _vanished(self) -> None:
        if self._typing.vanish():
            self._losses.drop("it vanished within a code")

    def _event(self, keys: Keys, event: evdev.InputEvent) -> None:
        at = event.timestamp() if self._stamped else self._clock.boottime()
        if event.type == ecodes.EV_SYN:
            if event.code == ecodes.SYN_DROPPED:
                self._missing = True
            elif self._missing and event.code == ecodes.SYN_REPORT:
                self._missing = False
                self._typing.missed(at, keys.active_keys())
        elif event.type == ecodes.EV_KEY and not self._missing:
            self._typing.key(event.code, event.value, at)

    def _open(self, node: str) -> Keys:
        keys = self._opening(node)
        try:
            self._stamped = keys.suit()
            keys.grab()
            held = keys.active_keys()
        except OSError:
            keys.close()
            raise
        self._missing = False
        self._typing.open(self._clock.boottime(), held)
        return keys
