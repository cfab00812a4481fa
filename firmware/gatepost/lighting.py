"""Worker: how bright the camera's picture is -> the light over the code, without flickering."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Self

    from gatepost.mailbox import Mailbox
    from gatepost.model import View
    from gatepost.ports import Clock, Switch

_LOG = logging.getLogger(__name__)
_TURN_S = 0.25
_RETRY_S = 5.0
_SURE_S = 1.5  # how long it must be dark or bright: a hand before the lens is neither
_SETTLE_S = 1.0  # from switching until the camera's exposure has followed
_PROBE_S = 600.0  # lit for so long, whether it is still needed is tried out
_SOON_S = 30.0  # lit again within this time: going dark was wrong
_MOST_DOUBT = 8.0  # times the waiting, after wrong guesses


@dataclass(slots=True)
class Dusk:
    """Whether the light should be on, by the mean brightness (0 to 255) of each frame.

    The light brightens the very picture that it goes by: what it adds is measured as it comes on,
    and reckoned off while it is. But a camera exposes by itself, so that by day a lit picture is
    no brighter than by night: now and then, when nobody is there, it goes dark for about 3 s to
    see. It never does so before a visitor, nor within `hold_s` seconds of coming on, and waits
    twice as long after each time that was wrong: it never flickers.
    """

    on_below: float
    off_above: float
    hold_s: float
    on: bool = False
    own: float = 0.0  # what the light adds to the picture
    _before: float | None = None  # the picture before the light came on, until `own` is known
    _switched: float = float("-inf")
    _since: float | None = None  # since when it should be switched
    _doubt: float = 1.0

    def take(self, brightness: float, now: float, *, idle: bool) -> bool:
        """Take a frame of time `now`, seconds; `idle`: it shows nobody. Tells whether it is on."""
        if now - self._switched < _SETTLE_S:
            return self.on
        if self._before is not None:
            self.own, self._before = max(0.0, brightness - self._before), None
        if not (self._should_go(brightness, now, idle) if self.on else brightness < self.on_below):
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= _SURE_S:
            self._switch(brightness, now)
        return self.on

    def _should_go(self, brightness: float, now: float, idle: bool) -> bool:
        if not idle or brightness <= self.off_above:
            return False
        wait_s = self.hold_s if brightness - self.own > self.off_above else _PROBE_S
        return now - self._switched >= max(wait_s, self.hold_s) * self._doubt

    def _switch(self, brightness: float, now: float) -> None:
        self.on = not self.on
        if self.on:
            wrong = now - self._switched <= _SOON_S
            self._doubt = min(self._doubt * 2, _MOST_DOUBT) if wrong else 1.0
            self._before = brightness
        self._switched, self._since = now, None


def lighting(
    views: Mailbox[View],
    light: Switch,
    dusk: Dusk,
    clock: Clock,
    wait_s: float = _TURN_S,
    told: Callable[[str, str], object] | None = None,
) -> Generator[None, None, None]:
    """The worker. A light that fails is told once, and tried again every 5 s.

    Args:
        views: what the decoder makes of the newest frame of the camera that stands by it.
        light: what is switched; opened here, dark at the end.
        dusk: when to switch it.
        clock: boot time.
        wait_s: the longest time between two heartbeats, seconds.
        told: hears that "light" fails, and why; "": it works again.
    """
    with _Lit(light, clock, told or (lambda _part, _problem: None)) as lit:
        while True:
            yield
            view = views.take(wait_s)
            if view is not None:
                idle = view.region is None
                dusk.take(view.brightness, clock.boottime(), idle=idle)
            lit.be(on=dusk.on)


class _Lit:
    """A light that may be missing or fail: opened when it can be, switched only when it changes."""

    def __init__(self, light: Switch, clock: Clock, told: Callable[[str, str], object]) -> None:
        self._light = light
        self._told = told
        self._clock = clock
        self._stack = ExitStack()
        self._open = False
        self._is_on: bool | None = None  # None: not known
        self._tried = -_RETRY_S
        self._failure = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stack.close()
        except DeviceError as failure:
            self._failed(failure)

    def be(self, *, on: bool) -> None:
        """Make it so, unless it is; after a failure not before its time."""
        if on is self._is_on:
            return
        now = self._clock.boottime()
        if self._failure and now - self._tried < _RETRY_S:
            return
        self._tried = now
        try:
            if not self._open:
                self._stack.enter_context(self._light)
                self._open = True
            self._light.switch(on=on)
        except DeviceError as error:
            self._failed(error)
            return
        if self._is_on is not None or on:
            _LOG.info("light", extra={"fields": {"on": on}})
        if self._failure:
            self._told("light", "")
        self._is_on, self._failure = on, ""

    def _failed(self, error: DeviceError) -> None:
        self._is_on = None
        if str(error) != self._failure:
            self._failure = str(error)
            _LOG.warning("light failed", extra={"fields": {"why": self._failure}})
            self._told("light", self._failure)
