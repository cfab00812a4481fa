"""The lamp: an RGB LED on three pins, through gpiozero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.drivers.dimming import Legs, Night
from gatepost.drivers.patterns import LIGHTS, OFF, Colour
from gatepost.drivers.pins import PinSignal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from gatepost.config.schema import LampConfig
    from gatepost.model import Cue
    from gatepost.ports import Clock

_FULL = 1.0


@dataclass(frozen=True, slots=True)
class Shade:
    """A colour; `at_once`: not even by night may its light come late."""

    colour: Colour
    at_once: bool = False


class Lamp(PinSignal[Shade]):
    """Shows each cue's colours and rhythm; dark when closed.

    By night, where `config` says so and the time is known, it is dimmed: a lamp for daylight
    dazzles in the dark, and shines into windows. The buzzer and the screen are not: who cannot
    see the light goes by the one, and the other is dim at rest by day and night as it is.

    Args:
        config: pins, which leg the colours share, and the night.
        pins: gives gpiozero's factory, see `PinSignal`.
        clock: tells the night; None: it never is.
        zone: of the clock; None: the machine's.
    """

    def __init__(
        self,
        config: LampConfig,
        pins: Callable[[], Any] | None = None,
        clock: Clock | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        super().__init__("lamp", pins)
        self._config = config
        self._clock = clock
        self._night = Night.between(config.night_from, config.night_until, zone)

    def show(self, cue: Cue) -> None:
        """Light up for `cue`: the first colour stands when this returns.

        Raises DeviceError when a pin failed, DeviceAbsent while closed.
        """
        light = LIGHTS[cue.kind]
        steps = [(Shade(colour), seconds) for colour, seconds in light.steps]
        begin = Shade(light.steps[0][0], at_once=True)
        self._play(steps, repeat=light.repeat, begin=begin)

    def _open(self, factory: Any) -> Any:
        config = self._config
        return Legs(
            (config.red, config.green, config.blue),
            active_high=config.common == "cathode",
            factory=factory,
        )

    def _set(self, value: Shade) -> None:
        self._device.show(value.colour, self._level(), at_once=value.at_once)

    def _level(self) -> float:
        if self._clock is None or self._config.night >= _FULL:
            return _FULL
        return self._config.night if self._night.now(self._clock) else _FULL

    def _rest(self, device: Any) -> None:
        device.show(OFF)
