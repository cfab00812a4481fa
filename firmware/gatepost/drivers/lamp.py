"""The lamp: an RGB LED on three pins, through gpiozero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpiozero import RGBLED

from gatepost.drivers.patterns import LIGHTS, OFF, Colour
from gatepost.drivers.pins import PinSignal

if TYPE_CHECKING:
    from gatepost.config.schema import LampConfig
    from gatepost.model import Cue


class Lamp(PinSignal[Colour]):
    """Shows each cue's colours and rhythm; dark when closed.

    Args:
        config: pins, and which leg the colours share.
        pin_factory: gpiozero's; None: the machine's own.
    """

    def __init__(self, config: LampConfig, pin_factory: Any = None) -> None:
        super().__init__("lamp", pin_factory)
        self._config = config

    def show(self, cue: Cue) -> None:
        """Light up for `cue`: the first colour stands when this returns.

        Raises DeviceError when a pin failed, DeviceAbsent while closed.
        """
        light = LIGHTS[cue.kind]
        self._play(light.steps, repeat=light.repeat)

    def _open(self) -> Any:
        config = self._config
        return RGBLED(
            config.red,
            config.green,
            config.blue,
            active_high=config.common == "cathode",
            pin_factory=self._pin_factory,
        )

    def _set(self, value: Colour) -> None:
        self._device.value = value

    def _rest(self, device: Any) -> None:
        device.value = OFF
