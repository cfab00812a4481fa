"""The relay: a request to open, to a door controller; through gpiozero."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from gpiozero import OutputDevice

from gatepost.drivers.playing import Player, pin_errors
from gatepost.errors import DeviceAbsent
from gatepost.model import CueKind

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from gatepost.config.schema import RelayConfig
    from gatepost.model import Cue

MOST_S = 5.0  # whatever a configuration says: a request to open never stands for longer
_GAP_S = 0.1  # between two requests, so that the controller sees two
_KEEPS = frozenset({CueKind.READY, CueKind.PENDING, CueKind.TROUBLE})


class Relay:
    """Asks for the door to open, for a bounded time, when a visitor is accepted.

    Any later verdict ends the request; the resting cues and "one moment" leave it to run out.
    While nobody drives the pin (power-up, a crash) the board's own resistor has to hold the
    idle level: a closed pin is an input.

    Args:
        config: the pin, its idle level and how long a request lasts.
        pin_factory: gpiozero's; None: the machine's own.
    """

    def __init__(self, config: RelayConfig, pin_factory: Any = None) -> None:
        self._config = config
        self._pin_factory = pin_factory
        self._pin: Any = None
        self._player: Player[bool] = Player("relay", self._set)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Claim the pin at its idle level. Raises DeviceAbsent without pins, or DeviceError."""
        with pin_errors("relay"):
            self._pin = OutputDevice(
                self._config.pin,
                active_high=self._config.idle == "low",
                initial_value=False,
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
        """Begin a request for an accepted visitor, end it for another verdict.

        Raises DeviceError when the pin failed, DeviceAbsent while closed.
        """
        if self._pin is None:
            raise DeviceAbsent("relay: not open")
        if cue.kind in _KEEPS:
            return
        if cue.kind is not CueKind.ACCEPTED:
            self._player.play(((False, 0.0),))
            return
        with pin_errors("relay"):
            gap = ((False, _GAP_S),) if self._pin.value else ()
        self._player.play((*gap, (True, min(self._config.pulse_s, MOST_S)), (False, 0.0)))

    def _set(self, asking: bool) -> None:
        with pin_errors("relay"):
            self._pin.value = asking

    def _close(self) -> None:
        pin, self._pin = self._pin, None
        with pin_errors("relay"):
            pin.off()
            pin.close()
