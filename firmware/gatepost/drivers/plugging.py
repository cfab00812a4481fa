"""A USB reader that may vanish and come back: opened when it is there, tried once a second."""

from __future__ import annotations

import errno
import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.drivers.usb import Place
    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
_HELD = {errno.EBUSY, errno.EAGAIN}


class Closed(Protocol):
    """What can be closed."""

    def close(self) -> None: ...


_Device = TypeVar("_Device", bound=Closed)


class Plug(Generic[_Device]):
    """Opens a device by its place.

    Attributes:
        device: while it is open.
    """

    def __init__(self, place: Place, opening: Callable[[str], _Device], *, clock: Clock) -> None:
        """`opening` raises OSError for a device that is not there, or that fails."""
        self.device: _Device | None = None
        self._place = place
        self._opening = opening
        self._clock = clock
        self._attempted = float("-inf")
        self._error = DeviceError("not opened yet")

    def renew(self) -> None:
        """Let the next `get` try at once."""
        self._attempted = float("-inf")

    def get(self, wait_s: float) -> _Device:
        """The open device.

        Raises DeviceAbsent, after `wait_s` seconds, while it is not there; DeviceError where it
        is there and cannot be had, as when another program holds it.
        """
        if self.device is not None:
            return self.device
        due = self._attempted + _RETRY_S - self._clock.boottime()
        if due > 0:
            threading.Event().wait(min(wait_s, due))
            if self._clock.boottime() - self._attempted < _RETRY_S:
                raise self._error
        self._attempted = self._clock.boottime()
        try:
            self.device = self._opening(self._place.node())
        except DeviceError as error:
            self._error = error
            raise
        except (OSError, ValueError) as error:
            self._error = self._why(error)
            raise self._error from error
        _log.info("reader there", extra={"fields": {"device": str(self._place)}})
        return self.device

    def lose(self, error: OSError) -> None:
        """It went away, or fails."""
        self._error = DeviceAbsent(f"{self._place}: went away: {error}")
        self.close()

    def missing(self) -> DeviceError:
        """Why there is no device."""
        return self._error

    def close(self) -> None:
        """Close it. Does nothing without one."""
        if self.device is not None:
            with suppress(OSError):  # of a device that is gone
                self.device.close()
            self.device = None

    def _why(self, error: Exception) -> DeviceError:
        number = getattr(error, "errno", None)
        if number in _HELD:
            return DeviceError(f"{self._place}: another program holds it")
        return DeviceAbsent(f"{self._place}: {os.strerror(number) if number else error}")
