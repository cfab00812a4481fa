"""A USB barcode reader in serial mode (CDC-ACM), through pyserial."""

from __future__ import annotations

import logging
import os
import select
import termios
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import serial

from gatepost.errors import DeviceAbsent

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
MOST_BYTES = 8 * 1024  # of one code; the largest QR code holds 7,089 digits
PAUSE_S = 0.05  # some readers are set to send no suffix: then a pause ends a code
_RETRY_S = 1.0


class Assembler:
    """Pieces of what a reader sends -> whole codes, each ended by CR, LF or a pause."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._dropping = False  # the rest of a code that is too long

    @property
    def begun(self) -> bool:
        """Whether there is a piece of a code that may still go on."""
        return bool(self._begun) or self._dropping

    def feed(self, piece: bytes) -> list[bytes]:
        """The codes that `piece` ends, in order; empty ones are none."""
        *ends, rest = piece.replace(b"\r", b"\n").split(b"\n")
        codes = []
        for end in ends:
            self._add(end)
            codes.append(self.pause())
        self._add(rest)
        return [code for code in codes if code]

    def pause(self) -> bytes:
        """What was begun, ended by a pause; b"" where there is nothing."""
        code = bytes(self._begun)
        self.drop()
        return code

    def drop(self) -> int:
        """Forget what was begun; returns how many bytes that were."""
        lost = len(self._begun)
        self._begun.clear()
        self._dropping = False
        return lost

    def _add(self, piece: bytes) -> None:
        if self._dropping:
            return
        self._begun += piece
        if len(self._begun) > MOST_BYTES:
            _log.warning("code dropped: longer than %d bytes", MOST_BYTES)
            self._begun.clear()
            self._dropping = True


class SerialTexts:
    """A TextSource over a serial port that may vanish and come back."""

    def __init__(self, device: str, *, baud: int = 115200, clock: Clock) -> None:
        self._device = device
        self._baud = baud
        self._clock = clock
        self._port: serial.Serial | None = None
        self._attempted = float("-inf")
        self._reason = "not opened yet"
        self._codes: deque[tuple[bytes, float]] = deque()
        self._assembler = Assembler()

    def __enter__(self) -> Self:
        """Ready to read; the port is opened by the first `next_text`, and again when lost."""
        self._attempted = float("-inf")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def next_text(self, wait_s: float) -> tuple[bytes, float] | None:
        """The next code, or None after `wait_s` seconds (within a code, 50 ms more).

        Raises DeviceAbsent, after `wait_s` seconds, while the device is not there. A code that
        was whole before the device vanished is given first.
        """
        if self._codes:
            return self._codes.popleft()
        port = self._port or self._opened(wait_s)
        until = self._clock.boottime() + wait_s
        try:
            more = True
            while more and not self._codes:  # a reader that never stops must not hold us either
                more = self._take_piece(port, until) and self._clock.boottime() < until
        except OSError as error:  # serial.SerialException is one; so is EIO
            self._lost(f"went away: {error}")
        if self._codes:
            return self._codes.popleft()
        if self._port is None:
            raise self._absent()
        return None

    def _take_piece(self, port: serial.Serial, until: float) -> bool:
        """Wait for a piece or for the pause that ends a code; False when neither came."""
        begun = self._assembler.begun
        wait = PAUSE_S if begun else max(0.0, until - self._clock.boottime())
        ready, _, _ = select.select([port.fileno()], [], [], wait)
        if ready:
            # As many as are there: asked for more, pyserial loses them when the port vanishes.
            codes = self._assembler.feed(port.read(max(1, port.in_waiting)))
        elif begun:
            codes = [self._assembler.pause()]
        else:
            return False
        now = self._clock.boottime()
        self._codes.extend((code, now) for code in codes if code)
        return True

    def _opened(self, wait_s: float) -> serial.Serial:
        due = self._attempted + _RETRY_S - self._clock.boottime()
        if due > 0:
            threading.Event().wait(min(wait_s, due))
            if self._clock.boottime() - self._attempted < _RETRY_S:
                raise self._absent()
        self._attempted = self._clock.boottime()
        try:
            self._port = serial.Serial(self._device, self._baud, timeout=0, exclusive=True)
        except (OSError, ValueError, termios.error) as error:
            number = getattr(error, "errno", None)
            self._reason = os.strerror(number) if number else str(error)
            raise self._absent() from error
        _log.info("reader there", extra={"fields": {"device": self._device}})
        return self._port

    def _lost(self, reason: str) -> None:
        self._reason = reason
        self._close()
        lost = self._assembler.drop()
        if lost:
            _log.warning("%s: vanished within a code: %d bytes lost", self._device, lost)

    def _close(self) -> None:
        if self._port is not None:
            with suppress(OSError):  # of a device that is gone
                self._port.close()
            self._port = None

    def _absent(self) -> DeviceAbsent:
        return DeviceAbsent(f"{self._device}: {self._reason}")
