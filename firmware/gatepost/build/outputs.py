"""What a station answers with: lamp, relay, buzzer, screens, the light over the code, a button."""

from __future__ import annotations

import logging
import sys
from functools import cache, partial
from typing import TYPE_CHECKING

from gatepost.clock import SystemClock
from gatepost.drivers.button import Button
from gatepost.drivers.buzzer import Buzzer
from gatepost.drivers.chips import Pins
from gatepost.drivers.idle import note
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.light import Light
from gatepost.drivers.oled import Oled
from gatepost.drivers.panel import Panel
from gatepost.drivers.relay import Relay
from gatepost.errors import DeviceError
from gatepost.lighting import Dusk, lighting
from gatepost.mailbox import Mailbox
from gatepost.pressing import Pressed, pressing
from gatepost.signalling import showing, signalling, unheard
from gatepost.supervisor import Worker

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable, Mapping, Sequence

    from gatepost.config import Config
    from gatepost.model import Cue, View
    from gatepost.ports import Clock, Signal, Switch
    from gatepost.signalling.device import Told

_LOG = logging.getLogger(__name__)
_QUICK = ("lamp", "relay", "buzzer")  # in this order they show


def signalling_of(
    config: Config, cues: queue.Queue[Cue], clock: Clock, told: Told = unheard
) -> list[Worker]:
    """Lamp first, then relay and buzzer; each slow signal has a mailbox and a worker of its own.

    `told` hears which signal fails and why; "": it works again.
    """
    try:
        note(config)
    except DeviceError as error:  # the configuration is there too, only slower
        _LOG.warning("what rests how is not noted", extra={"fields": {"why": str(error)}})
    signals = dict(signals_of(config, clock))
    immediate = [signals.pop(name) for name in _QUICK if name in signals]
    boxes: dict[str, Mailbox[Cue]] = {name: Mailbox() for name in signals}
    workers = [
        Worker(name, partial(showing, boxes[name], signal, clock, told=told), 30)
        for name, signal in signals.items()
    ]
    quick = partial(signalling, cues, immediate, list(boxes.values()), clock, told=told)
    return [Worker("signalling", quick, 15), *workers]


def signals_of(config: Config, clock: Clock) -> Mapping[str, Signal]:
    """What is fitted of "lamp", "relay", "buzzer", "oled" and "panel", closed."""
    language = config.station.language
    signals: dict[str, Signal] = {}
    if config.lamp:
        signals["lamp"] = Lamp(config.lamp, pins_of(config), clock)
    if config.relay:
        signals["relay"] = Relay(config.relay, pins_of(config))
    if config.buzzer:
        signals["buzzer"] = Buzzer(config.buzzer, pins_of(config))
    if config.oled:
        signals["oled"] = Oled(config.oled, language, clock)
    if config.panel and config.panel.terminal:
        title = f"gatepost {config.station.id} at {config.station.site}"
        signals["panel"] = Panel(sys.stdout, language, title, config.panel.width)
    return signals


def lights_of(config: Config) -> Switch | None:
    """The light over the code, closed; None where none is fitted."""
    return Light(config.light, pins_of(config)) if config.light else None


def button_of(config: Config) -> Button | None:
    """The push button, closed; None where none is fitted."""
    return Button(config.button, pins_of(config)) if config.button else None


def lighting_of(
    config: Config, lit: Mapping[str, Mailbox[View]], clock: Clock, told: Told = unheard
) -> list[Worker]:
    """The light over the code, by what its camera sees; empty where none is fitted."""
    if config.light is None:
        return []
    light = config.light
    return [
        Worker(
            "lighting",
            partial(
                lighting,
                box,
                Light(light, pins_of(config)),
                Dusk(light.on_below, light.off_above, light.hold_s),
                clock,
                told=told,
            ),
            15,
        )
        for box in lit.values()
    ]


def pressing_of(
    config: Config,
    cues: queue.Queue[Cue],
    brief: Callable[[], Sequence[str]],
    told: Told = unheard,
    clock: Clock | None = None,
) -> list[Worker]:
    """The push button's worker; empty where none is fitted.

    Args:
        config: whose button.
        cues: what it shows is put there.
        brief: how the station is, at most four lines of 16 letters.
        told: hears what is wrong with the button; "": nothing any more.
        clock: boot time; None: the machine's.
    """
    button = button_of(config)
    if config.button is None or button is None:
        return []
    pressed = Pressed(
        setup_s=config.button.setup_s,
        selftest_s=config.button.selftest_s,
        language=config.station.language,
        brief=brief,
        cue=cues.put,
        told=told,
    )
    return [Worker("button", partial(pressing, button, pressed, clock or SystemClock()), 15)]


def pins_of(config: Config) -> Pins:
    """The pins of the station's board: one factory for all outputs of the process."""
    board = config.board
    return _pins(*((board.chip, board.revision) if board else ("", 0)))


@cache
def _pins(chip: str, revision: int) -> Pins:
    return Pins(chip, revision)
