"""What lamp, buzzer and relay share: a device on pins with a player, opened and closed as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gatepost.drivers.chips import Pins
from gatepost.drivers.playing import Player, pin_errors
from gatepost.errors import DeviceAbsent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

Value = TypeVar("Value")


class PinSignal(ABC, Generic[Value]):
    """A signal on pins that is given values in their time; at rest when closed.

    Subclasses open gpiozero's device, give it a value, and bring it to rest; its errors become
    ours here.

    Args:
        part: its name in errors.
        pins: gives gpiozero's factory, the same to all outputs; None: one of its own.
    """

    def __init__(self, part: str, pins: Callable[[], Any] | None = None) -> None:
        self._part = part
        self._pins = pins or Pins()
        self._device: Any = None
        self._player: Player[Value] = Player(part, self._apply)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Claim the pins, at rest. Raises DeviceAbsent without pins, DeviceError otherwise."""
        with pin_errors(self._part):
            self._device = self._open(self._pins())
        self._stack.callback(self._close)
        self._player.start()
        self._stack.callback(self._player.stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _play(
        self,
        steps: Sequence[tuple[Value, float]],
        *,
        repeat: bool = False,
        begin: Value | None = None,
    ) -> None:
        """Set the first value now, the others in their time (seconds): see `Player.play`."""
        self._check()
        self._player.play(steps, repeat=repeat, begin=begin)

    def _check(self) -> None:
        if self._device is None:
            raise DeviceAbsent(f"{self._part}: not open")

    def _apply(self, value: Value) -> None:
        with pin_errors(self._part):
            self._set(value)

    def _close(self) -> None:
        device, self._device = self._device, None
        with pin_errors(self._part):
            try:
                self._rest(device)
            finally:  # else its pins are taken until the process ends
                device.close()

    @abstractmethod
    def _open(self, factory: Any) -> Any:
        """Gpiozero's device on the pins of `factory`, at rest."""

    @abstractmethod
    def _set(self, value: Value) -> None:
        """Give the device one value."""

    @abstractmethod
    def _rest(self, device: Any) -> None:
        """Bring the device to rest before it is closed."""
