"""A lamp's colours by their brightness, and how bright it is at night.

lgpio's pulses (its only way to a share of the brightness) begin up to 30 ms after they are asked
for, and change up to 10 ms after: its thread takes what is new at the end of a cycle, and wakes
50 times a second while it has none. So what is fully on or off is never by pulses, and what is
dimmed can be shown fully first, until its pulses begin.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gpiozero import OutputDevice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from gatepost.drivers.patterns import Colour
    from gatepost.ports import Clock

_HERTZ = 100
_FAINTEST = 0.02  # of what is not dark; lgpio's pulses have 100 steps


@dataclass(frozen=True, slots=True)
class Night:
    """Whether it is night, by the local clock.

    Attributes:
        begin, end: minutes of the day; the same: always.
        zone: of the clock; None: the machine's.
    """

    begin: int
    end: int
    zone: tzinfo | None = None

    @classmethod
    def between(cls, begin: str, end: str, zone: tzinfo | None = None) -> Night:
        """From and until "HH:MM"."""
        return cls(_minutes(begin), _minutes(end), zone)

    def now(self, clock: Clock) -> bool:
        """Never while nobody knows the time: a lamp that is too bright is still seen by day."""
        if clock.bound_us() is None:
            return False
        moment = datetime.fromtimestamp(clock.wall_us() / 1_000_000, tz=self.zone)
        at = moment.hour * 60 + moment.minute
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


class Legs:
    """The three pins of an RGB lamp, closed as one. Raises what gpiozero raises."""

    def __init__(self, pins: Sequence[int], *, active_high: bool, factory: Any) -> None:
        with ExitStack() as stack:
            self._legs = [
                stack.enter_context(_Leg(pin, active_high=active_high, pin_factory=factory))
                for pin in pins
            ]
            self._stack = stack.pop_all()

    def show(self, colour: Colour, level: float = 1.0, *, at_once: bool = False) -> None:
        """Shine in `colour` at a share of its brightness.

        `at_once`: what is dimmed for its level is fully bright until its pulses begin.
        """
        for leg, share in zip(self._legs, colour, strict=True):
            leg.shine(share * level, at_once=at_once and share >= 1)

    def close(self) -> None:
        """Give the pins back as they are."""
        self._stack.close()


class _Leg(OutputDevice):  # type: ignore[misc] # gpiozero has no types
    """One colour's pin: by pulses only where it is neither dark nor fully bright."""

    def shine(self, share: float, *, at_once: bool) -> None:
        """Be lit for `share` of the time, 0 to 1."""
        if not 0 < share < 1:
            self._plain(on=share > 0)
            return
        if at_once:
            self._plain(on=True)
        share = max(share, _FAINTEST)
        self.pin.frequency = _HERTZ
        self.pin.state = share if self.active_high else 1 - share

    def _plain(self, *, on: bool) -> None:
        if self.pin.frequency is not None:
            self.pin.frequency = None
        self._write(on)
