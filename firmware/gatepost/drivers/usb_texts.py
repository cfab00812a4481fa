"""What both kinds of USB barcode readers share: a device that comes and goes, codes that wait."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from gatepost.drivers.losses import Losses, Waiting
from gatepost.drivers.plugging import Closed, Plug

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from gatepost.drivers.usb import Place
    from gatepost.model import Read
    from gatepost.ports import Clock

_Device = TypeVar("_Device", bound=Closed)


class UsbTexts(ABC, Generic[_Device]):
    """A TextSource over a USB reader that may vanish and come back."""

    def __init__(self, place: Place, opening: Callable[[str], _Device], clock: Clock) -> None:
        """`opening` gives the device at a path, or raises OSError."""
        self._place = place
        self._clock = clock
        self._plug = Plug(place, opening, clock=clock)
        self._losses = Losses(place, clock)
        self._waiting = Waiting(self._losses, clock)

    @property
    def dropped(self) -> int:
        """How many codes, or rests of them, were lost."""
        return self._losses.dropped

    def __enter__(self) -> Self:
        """Ready to read; the device is opened by the first `next_text`, and again when lost."""
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
        """The next code; None where none was whole after `wait_s` seconds.

        Raises DeviceAbsent, after `wait_s` seconds, while the device is not there; DeviceError
        while another program holds it. A code that was whole before the device vanished is given
        first.
        """
        if self._waiting:
            return self._waiting.next()
        device = self._plug.get(wait_s)
        until = self._clock.boottime() + wait_s
        try:
            more = True
            while more and not self._waiting:  # a reader that never stops must not hold us either
                more = self._take(device, until) and self._clock.boottime() < until
        except OSError as error:  # it was pulled: reading tells before udev does
            self._plug.lose(error)
            self._vanished()
        if not self._waiting and self._plug.device is None:
            raise self._plug.missing()
        return self._waiting.next()

    @abstractmethod
    def _take(self, device: _Device, until: float) -> bool:
        """Wait, to `until` at most, for a piece or for the pause that ends a code.

        False when neither came. Raises OSError when the device is gone.
        """

    @abstractmethod
    def _vanished(self) -> None:
        """The device is gone: drop and count what was begun."""
