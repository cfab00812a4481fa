"""The buzzer, through gpiozero: a passive one plays tones, an active one only beeps."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from gpiozero import Buzzer as ActiveBuzzer
from gpiozero import TonalBuzzer
from gpiozero.tones import Tone

from gatepost.drivers.patterns import SOUNDS
from gatepost.drivers.playing import Player, pin_errors
from gatepost.errors import DeviceAbsent
from gatepost.model import CueKind

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from gatepost.config.schema import BuzzerConfig
    from gatepost.model import Cue

_MIDDLE = Tone(frequency=880.0)
_OCTAVES = 2  # either way: 220 to 3520 Hz


class Buzzer:
    """Plays each cue's sound; silent when closed.

    Args:
        config: the pin, and which sort of buzzer it is.
        pin_factory: gpiozero's; None: the machine's own.
    """

    def __init__(self, config: BuzzerConfig, pin_factory: Any = None) -> None:
        self._config = config
        self._pin_factory = pin_factory
        self._device: Any = None
        self._player: Player[float] = Player("buzzer", self._set)
        self._stack = ExitStack()
        self._trouble_told: str | None = None

    def __enter__(self) -> Self:
        """Claim the pin, silent. Raises DeviceAbsent without pins, DeviceError otherwise."""
        with pin_errors("buzzer"):
            self._device = self._open()
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
        """Play the sound of `cue` from its first tone, in place of what was playing.

        Raises DeviceError when the pin failed, DeviceAbsent while closed.
        """
        if self._device is None:
            raise DeviceAbsent("buzzer: not open")
        silence = ((0.0, 0.0),)
        sound = () if self._known(cue) else SOUNDS[cue.kind]
        self._player.play(sound + silence)

    def _known(self, cue: Cue) -> bool:
        """A resting trouble is heard once, not again after each visitor until it is over."""
        if cue.kind is CueKind.READY:
            self._trouble_told = None
        if cue.kind is not CueKind.TROUBLE or cue.reader:  # with a reader: a visitor's answer
            return False
        known, self._trouble_told = cue.detail == self._trouble_told, cue.detail
        return known

    def _open(self) -> Any:
        if self._config.type == "active":
            return ActiveBuzzer(self._config.pin, pin_factory=self._pin_factory)
        return TonalBuzzer(
            self._config.pin, mid_tone=_MIDDLE, octaves=_OCTAVES, pin_factory=self._pin_factory
        )

    def _set(self, hertz: float) -> None:
        with pin_errors("buzzer"):
            if self._config.type == "active":
                self._device.value = bool(hertz)
            elif hertz:
                self._device.play(Tone(frequency=hertz))
            else:
                self._device.stop()

    def _close(self) -> None:
        device, self._device = self._device, None
        with pin_errors("buzzer"):
            device.close()
