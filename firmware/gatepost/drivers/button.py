"""The push button, through gpiozero."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from gpiozero import Button as GpioButton

from gatepost.drivers.chips import Pins
from gatepost.drivers.playing import pin_errors
from gatepost.errors import DeviceAbsent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from gatepost.config.schema import ButtonConfig

_BOUNCE_S = 0.03  # contacts chatter for some milliseconds; nobody presses for less than 50
_PART = "button"


class Button:
    """Tells when it is pressed and let go. A press between two looks is not missed.

    Args:
        config: the pin, and which way it is pulled.
        pins: gives gpiozero's factory; None: one of its own.
    """

    def __init__(self, config: ButtonConfig, pins: Callable[[], Any] | None = None) -> None:
        self._config = config
        self._pins = pins or Pins()
        self._device: Any = None
        self._changes: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._told = False

    def __enter__(self) -> Self:
        """Claim the pin. Raises DeviceAbsent without pins, DeviceError otherwise."""
        self._changes, self._told = queue.SimpleQueue(), False
        with pin_errors(_PART):
            self._device = GpioButton(
                self._config.pin,
                pull_up=self._config.pull == "up",
                bounce_time=_BOUNCE_S,
                pin_factory=self._pins(),
            )
            self._device.when_pressed = lambda: self._changes.put(True)
            self._device.when_released = lambda: self._changes.put(False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        device, self._device = self._device, None
        with pin_errors(_PART):
            device.close()

    def pressed(self) -> bool:
        """Whether it is held down now. Raises DeviceError, DeviceAbsent while closed."""
        if self._device is None:
            raise DeviceAbsent(f"{_PART}: not open")
        with pin_errors(_PART):
            return bool(self._device.is_pressed)

    def change(self, wait_s: float) -> bool | None:
        """The next change: whether it is now held; None when none came within `wait_s` seconds.

        The first is what it is found in, where that is held. What the pin says counts in the
        end, whatever was told of it meanwhile. Raises DeviceError, DeviceAbsent while closed.
        """
        now = self.pressed()
        try:
            told = self._changes.get(timeout=wait_s)
        except queue.Empty:
            told = now
        if told is self._told:
            return None
        self._told = told
        return told
