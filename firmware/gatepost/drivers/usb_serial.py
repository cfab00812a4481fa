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
from gatepost.drivers.losses import Losses, Waiting
from gatepost.drivers.plugging import Plug
from gatepost.model import Read

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

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


class SerialTexts:
    """A TextSource over a serial port that may vanish and come back."""

    def __init__(
        self, place: Place, *, clock: Clock, baud: int = 115200, framing: Framing = _PLAIN
    ) -> None:
        self._place = place
        self._clock = clock
        self._framing = framing
        self._plug = Plug(place, partial(_open, baud=baud), clock=clock)
        self._losses = Losses(place, clock)
        self._waiting = Waiting(self._losses, clock)
        prefix = framing.prefix.encode(framing.encoding, "replace")
        self._last = 0.0  # when the last piece came
        self._assembler = Assembler(framing.suffix, prefix, self._losses.drop)

    @property
    def dropped(self) -> int:
        """How many codes, or rests of them, were lost."""
        return self._losses.dropped

    def __enter__(self) -> Self:
        """Ready to read; the port is opened by the first `next_text`, and again when lost."""
        self._plug.renew()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._plug.close()

    def next_text(self, wait_s: float) -> Read | None:
        """The next code, or None where none was whole after `wait_s` seconds.

        Raises DeviceAbsent, after `wait_s` seconds, while the device is not there; DeviceError
        while another program holds it. A code that was whole before the device vanished is given
        first.
        """
        if self._waiting:
            return self._waiting.next()
        port = self._plug.get(wait_s)
        until = self._clock.boottime() + wait_s
        try:
            more = True
            while more and not self._waiting:  # a reader that never stops must not hold us either
                more = self._take_piece(port, until) and self._clock.boottime() < until
        except OSError as error:  # serial.SerialException is one; so is EIO
            self._lost(error)
        if not self._waiting and self._plug.device is None:
            raise self._plug.missing()
        return self._waiting.next()

    def _take_piece(self, port: serial.Serial, until: float) -> bool:
        """Wait for a piece or for the pause that ends a code; False when neither came."""
        ends = self._last + self._framing.pause_s if self._assembler.begun else math.inf
        wait = max(0.0, min(until, ends) - self._clock.boottime())
        ready, _, _ = select.select([port.fileno()], [], [], wait)
        if ready:
            self._last = self._clock.boottime()
            # As many as are there: asked for more, pyserial loses them when the port vanishes.
            piece = port.read(max(1, min(port.in_waiting, _MOST_PIECE)))
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

    def _lost(self, error: OSError) -> None:
        self._plug.lose(error)
        if self._assembler.begun:
            lost = self._assembler.drop()
            self._losses.drop("it vanished within a code")
            _log.warning("%s: vanished within a code: %d bytes lost", self._place, lost)


def _open(node: str, baud: int) -> serial.Serial:
    try:
        return serial.Serial(node, baud, timeout=0, exclusive=True)
    except termios.error as error:  # not a port; it has an errno, and is no OSError
        raise OSError(*error.args) from error
