"""The light over the code: a lamp behind a transistor on one pin, through gpiozero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpiozero import LED, PWMLED

from gatepost.drivers.pins import PinSignal

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.config.schema import LightConfig

_FULL = 1.0


class Light(PinSignal[float]):
    """Lights the codes; dark when closed.

    Its level is by PWM only where it is not full: a camera's rows would show its pulses as bands.

    Args:
        config: the pin, the level that lights it, and how bright.
        pins: gives gpiozero's factory, see `PinSignal`.
    """

    def __init__(self, config: LightConfig, pins: Callable[[], Any] | None = None) -> None:
        super().__init__("light", pins)
        self._config = config

    def switch(self, *, on: bool) -> None:
        """Light up or go dark.

        Raises DeviceError when the pin failed, DeviceAbsent while closed.
        """
        self._play(((self._config.level if on else 0.0, 0.0),))

    def _open(self, factory: Any) -> Any:
        config = self._config
        kind = LED if config.level >= _FULL else PWMLED
        return kind(config.pin, active_high=config.active == "high", pin_factory=factory)

    def _set(self, value: float) -> None:
        self._device.value = value

    def _rest(self, device: Any) -> None:
        device.off()
