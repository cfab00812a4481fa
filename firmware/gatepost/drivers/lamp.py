"""The lamp: an RGB LED on three pins, through gpiozero."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from gpiozero import RGBLED

from gatepost.drivers.patterns import LIGHTS, OFF, Colour
from gatepost.drivers.playing import Player, pin_errors
from gatepost.errors import DeviceAbsent

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from gatepost.config.schema import LampConfig
    from gatepost.model import Cue


class Lamp:
    """Shows each cue's colours and rhythm; dark when closed.

    Args:
        config: pins, and which leg the colours share.
        pin_factory: gpiozero's; None: the machine's own.
    """

    def __init__(self, config: LampConfig, pin_factory: Any = None) -> None:
        self._config = config
        self._pin_factory = pin_factory
        self._led: Any = None
        self._player: Player[Colour] = Player("lamp", self._set)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Claim the pins, dark. Raises DeviceAbsent without pins, DeviceError otherwise."""
        config = self._config
        with pin_errors("lamp"):
            self._led = RGBLED(
                config.red,
                config.green,
                config.blue,
                active_high=config.common == "cathode",
                pin_factory=self._pin_factory,
            )
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

    def show(self, cue: Cue) -> None:
        """Light up for `cue`: the first colour stands when this returns.

        Raises DeviceError when a pin failed, DeviceAbsent while closed.
        """
        if self._led is None:
            raise DeviceAbsent("lamp: not open")
        light = LIGHTS[cue.kind]
        self._player.play(light.steps, repeat=light.repeat)

    def _set(self, colour: Colour) -> None:
        with pin_errors("lamp"):
            self._led.value = colour

    def _close(self) -> None:
        led, self._led = self._led, None
        with pin_errors("lamp"):
            led.value = OFF
            led.close()
