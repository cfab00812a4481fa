"""The buzzer, through gpiozero: a passive one plays tones, an active one only beeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpiozero import Buzzer as ActiveBuzzer
from gpiozero import TonalBuzzer
from gpiozero.tones import Tone

from gatepost.drivers.patterns import SOUNDS
from gatepost.drivers.pins import PinSignal
from gatepost.model import CueKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.config.schema import BuzzerConfig
    from gatepost.model import Cue

_MIDDLE = Tone(frequency=880.0)
_OCTAVES = 2  # either way: 220 to 3520 Hz


class Buzzer(PinSignal[float]):
    """Plays each cue's sound; silent when closed. The same by night: who sees badly goes by it.

    Args:
        config: the pin, and which sort of buzzer it is.
        pins: gives gpiozero's factory, see `PinSignal`.
    """

    def __init__(self, config: BuzzerConfig, pins: Callable[[], Any] | None = None) -> None:
        super().__init__("buzzer", pins)
        self._config = config
        self._trouble_told: str | None = None

    def show(self, cue: Cue) -> None:
        """Play the sound of `cue` from its first tone, in place of what was playing.

        Raises DeviceError when the pin failed, DeviceAbsent while closed.
        """
        self._check()
        silence = ((0.0, 0.0),)
        sound = () if self._known(cue) else SOUNDS[cue.kind]
        self._play(sound + silence)

    def _known(self, cue: Cue) -> bool:
        """A resting trouble is heard once, not again after each visitor until it is over."""
        if cue.kind in {CueKind.READY, CueKind.HINT}:  # neither stands while there is trouble
            self._trouble_told = None
        if cue.kind is not CueKind.TROUBLE or cue.reader:  # with a reader: a visitor's answer
            return False
        known, self._trouble_told = cue.detail == self._trouble_told, cue.detail
        return known

    def _open(self, factory: Any) -> Any:
        if self._config.type == "active":
            return ActiveBuzzer(self._config.pin, pin_factory=factory)
        return TonalBuzzer(
            self._config.pin, mid_tone=_MIDDLE, octaves=_OCTAVES, pin_factory=factory
        )

    def _set(self, value: float) -> None:
        if self._config.type == "active":
            self._device.value = bool(value)
        elif value:
            self._device.play(Tone(frequency=value))
        else:
            self._device.stop()

    def _rest(self, device: Any) -> None:
        """Closing is silence."""
