"""A USB barcode reader in serial mode (CDC-ACM), through pyserial."""

from __future__ import annotations

import logging
import math
import select
import termios
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import serial

from gatepost.drivers.framing import Assembler, Framed, decoded
from gatepost.drivers.usb_texts import UsbTexts
from gatepost.model import Read

if TYPE_CHECKING:
    from gatepost.drivers.usb import Place
    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_MOST_PIECE = 4096  # bytes at once: a device that floods must not hold us
NO_SUFFIX = "it ended without the suffix that is configured"
NO_START = "it may be the rest of what ended without its suffix"
NOT_ENCODED = "bytes that are not of the configured encoding: read as Latin-1"


@dataclass(frozen=True, slots=True)
class Framing:
    """How a reader sends a code.

    Attributes:
        suffix: one of framing.SUFFIXES; `pause_s` of silence ends a code too.
        prefix: what comes before each code and is taken off.
        encoding: of its text, as Python names it.
    """

    suffix: str = "any"
    pause_s: float = 0.05
    prefix: str = ""
    encoding: str = "utf-8"


_PLAIN = Framing()


class SerialTexts(UsbTexts[serial.Serial]):
    """A TextSource over a serial port that may vanish and come back."""

    def __init__(
        self, place: Place, *, clock: Clock, baud: int = 115200, framing: Framing = _PLAIN
    ) -> None:
        super().__init__(place, partial(_open, baud=baud), clock)
        self._framing = framing
        prefix = framing.prefix.encode(framing.encoding, "replace")
        self._last = 0.0  # when the last piece came
        self._assembler = Assembler(framing.suffix, prefix, self._losses.drop)

    def _take(self, device: serial.Serial, until: float) -> bool:
        ends = self._last + self._framing.pause_s if self._assembler.begun else math.inf
        wait = max(0.0, min(until, ends) - self._clock.boottime())
        ready, _, _ = select.select([device.fileno()], [], [], wait)
        if ready:
            self._last = self._clock.boottime()
            # As many as are there: asked for more, pyserial loses them when the port vanishes.
            piece = device.read(max(1, min(device.in_waiting, _MOST_PIECE)))
            codes = self._assembler.feed(piece)
        elif self._clock.boottime() >= ends:
            ended = self._assembler.pause()
            codes = [ended] if ended else []
        else:
            return False
        for code in codes:
            self._give(code, by_pause=not ready)
        return True

    def _give(self, code: Framed, *, by_pause: bool) -> None:
        text, fits = decoded(code.data, self._framing.encoding)
        if not fits:
            self._losses.say("a code is not as configured", NOT_ENCODED)
        if not code.whole:
            self._losses.say("lossy", NO_SUFFIX if by_pause else NO_START)
        self._waiting.add(Read(code.data, text, self._clock.boottime(), lossy=not code.whole))

    def _vanished(self) -> None:
        if self._assembler.begun:
            lost = self._assembler.drop()
            self._losses.drop("it vanished within a code")
            _log.warning("%s: vanished within a code: %d bytes lost", self._place, lost)


def _open(node: str, baud: int) -> serial.Serial:
    try:
        return serial.Serial(node, baud, timeout=0, exclusive=True)
    except termios.error as error:  # not a port; it has an errno, and is no OSError
        raise OSError(*error.args) from error
