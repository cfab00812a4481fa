"""Worker: the push button -> the station's state on the screen, or another mode.

A short press shows how the station is. Held, the screen tells what letting go will begin; the
longer, the further. One that is held when the station starts asks for nothing. One that is held
for 30 s is stuck (a coin, a bent key, water): it is noted for the health report, and neither asks.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gatepost.errors import DeviceError
from gatepost.model import Cue, CueKind
from gatepost.modes import Mode, ask
from gatepost.ports import Closing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from gatepost.ports import Clock

_LOG = logging.getLogger(__name__)
_TURN_S = 0.1
_RETRY_S = 5.0
STUCK_S = 30.0
PART = "button"
# The screen's lines, at most 16 letters each: what letting go begins; and that it could not.
LINES: dict[str, dict[Mode, tuple[str, ...]]] = {
    "vi": {
        Mode.SETUP: ("Thả nút: cài đặt", "Let go: setup"),
        Mode.SELFTEST: ("Thả nút: tự kiểm", "Let go: test"),
    },
    "en": {
        Mode.SETUP: ("Let go: setup", "Thả nút: cài đặt"),
        Mode.SELFTEST: ("Let go: test", "Thả nút: tự kiểm"),
    },
}
REFUSED = {
    "vi": ("Chưa đổi được", "chế độ", "Cannot switch"),
    "en": ("Cannot switch", "Chưa đổi được", "chế độ"),
}


class Contact(Closing, Protocol):
    """A push button."""

    def change(self, wait_s: float) -> bool | None:
        """Whether it is held now, when that changed within `wait_s` s. Raises DeviceError."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What pressing does.

    Attributes:
        setup_s, selftest_s: held so long it asks for these.
        language: the first one, "vi" or "en".
        brief: how the station is, at most four lines of 16 letters.
        cue: shows something.
        told: what is wrong with the button; "": nothing any more.
        request: asks for a mode; raises DeviceError.
    """

    setup_s: float
    selftest_s: float
    language: str
    brief: Callable[[], Sequence[str]]
    cue: Callable[[Cue], object]
    told: Callable[[str, str], object]
    request: Callable[[Mode], None] = ask

    def stage(self, held_s: float) -> Mode | None:
        """What letting go after `held_s` seconds asks for."""
        if held_s >= self.selftest_s:
            return Mode.SELFTEST
        return Mode.SETUP if held_s >= self.setup_s else None

    def announce(self, mode: Mode) -> None:
        """Say what letting go would begin."""
        self.show(LINES[self.language][mode])

    def let_go(self, held_s: float) -> None:
        """Do what was held for."""
        mode = self.stage(held_s)
        if mode is None:
            self.show(self.brief())
            return
        _LOG.info("asked for by the button", extra={"fields": {"mode": mode.value}})
        try:
            self.request(mode)
        except DeviceError as error:
            _LOG.warning("mode not asked for", extra={"fields": {"why": str(error)}})
            self.show(REFUSED[self.language])

    def tell(self, problem: str) -> None:
        """Say what is wrong with the button, "" when that is over."""
        if problem:
            _LOG.warning("button failed", extra={"fields": {"why": problem}})
        else:
            _LOG.info("button recovered")
        self.told(PART, problem)

    def show(self, lines: Sequence[str]) -> None:
        """Put the lines on the screen."""
        self.cue(Cue(CueKind.STATUS, detail="\n".join(lines)))


class Hold:
    """One button over time: since when it is held, and whether that may mean anything."""

    def __init__(self, pressed: Pressed) -> None:
        self._pressed = pressed
        self._since: float | None = None
        self._announced: Mode | None = None
        self._ignored = False
        self._stuck = False

    def take(self, held: bool | None, now: float, *, first: bool) -> None:
        """Take a change (None: none) at `now`, seconds; `first`: it was found so."""
        if held:
            self._since, self._announced = now, None
            self._ignored = first  # nobody saw it being pressed
        elif self._since is None:
            return
        elif held is None:
            self._goes_on(now - self._since)
        else:
            held_s, self._since = now - self._since, None
            self._ends(held_s)

    def _goes_on(self, held_s: float) -> None:
        if held_s >= STUCK_S and not self._stuck:
            self._stuck = True
            self._pressed.tell("stuck")
        mode = self._pressed.stage(held_s)
        if mode and mode is not self._announced and not self._ignored:
            self._announced = mode
            self._pressed.announce(mode)

    def _ends(self, held_s: float) -> None:
        if self._stuck:
            self._stuck = False
            self._pressed.tell("")
        elif not self._ignored and held_s < STUCK_S:
            self._pressed.let_go(held_s)


def pressing(
    button: Contact, pressed: Pressed, clock: Clock, wait_s: float = _TURN_S
) -> Generator[None, None, None]:
    """The worker. A button that fails is told, and tried again every 5 s.

    Args:
        button: opened here.
        pressed: what it does.
        clock: boot time.
        wait_s: the longest time between two heartbeats, seconds.
    """
    why = ""
    while True:
        try:
            with button:
                if why:
                    why = ""
                    pressed.tell("")
                yield from _watching(button, Hold(pressed), clock, wait_s)
        except DeviceError as error:
            if str(error) != why:
                why = str(error)
                pressed.tell(why)
        again = clock.boottime() + _RETRY_S
        while clock.boottime() < again:
            yield
            time.sleep(wait_s)


def _watching(
    button: Contact, hold: Hold, clock: Clock, wait_s: float
) -> Generator[None, None, None]:
    """Raises DeviceError."""
    first = True
    while True:
        yield
        hold.take(button.change(wait_s), clock.boottime(), first=first)
        first = False
