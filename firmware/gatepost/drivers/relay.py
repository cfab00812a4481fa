"""The relay: a request to open, to a door controller; through gpiozero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpiozero import OutputDevice

from gatepost.drivers.pins import PinSignal
from gatepost.drivers.playing import pin_errors
from gatepost.model import CueKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.config.schema import RelayConfig
    from gatepost.model import Cue

MOST_S = 5.0  # whatever a configuration says: a request to open never stands for longer
_GAP_S = 0.1  # between two requests, so that the controller sees two
_KEEPS = frozenset(
    {
        *(CueKind.READY, CueKind.PENDING, CueKind.HINT, CueKind.TROUBLE),
        *(CueKind.IDENTIFY, CueKind.STATUS),
    }
)


class Relay(PinSignal[bool]):
    """Asks for the door to open, for a bounded time, when a visitor is accepted.

    Any later verdict ends the request; the resting cues and "one moment" leave it to run out.
    While nobody drives the pin (power-up, a reset) the board's own resistor has to hold the idle
    level. That a request ends after `MOST_S` is this program's word, and a program that was
    stopped in mid-request says nothing: `drivers.idle` ends what a crash left, and the one-shot
    relay behind the pin (see the bill of materials) is what holds the maximum whatever happens.

    Args:
        config: the pin, its idle level and how long a request lasts.
        pins: gives gpiozero's factory, see `PinSignal`.
    """

    def __init__(self, config: RelayConfig, pins: Callable[[], Any] | None = None) -> None:
        super().__init__("relay", pins)
        self._config = config

    def show(self, cue: Cue) -> None:
        """Begin a request for an accepted visitor, end it for another verdict.

        Raises DeviceError when the pin failed, DeviceAbsent while closed.
        """
        self._check()
        if cue.kind in _KEEPS:
            return
        if cue.kind is not CueKind.ACCEPTED:
            self._play(((False, 0.0),))
            return
        with pin_errors("relay"):
            gap = ((False, _GAP_S),) if self._device.value else ()
        self._play((*gap, (True, min(self._config.pulse_s, MOST_S)), (False, 0.0)))

    def _open(self, factory: Any) -> Any:
        return OutputDevice(
            self._config.pin,
            active_high=self._config.idle == "low",
            initial_value=False,
            pin_factory=factory,
        )

    def _set(self, value: bool) -> None:
        self._device.value = value

    def _rest(self, device: Any) -> None:
        device.off()
