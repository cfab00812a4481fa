"""What a station answers with: lamp, relay, buzzer, screens, and the light over the code."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from gatepost.drivers.buzzer import Buzzer
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.light import Light
from gatepost.drivers.oled import Oled
from gatepost.drivers.panel import Panel
from gatepost.drivers.relay import Relay
from gatepost.lighting import Dusk, lighting
from gatepost.mailbox import Mailbox
from gatepost.signalling import showing, signalling
from gatepost.supervisor import Worker

if TYPE_CHECKING:
    import queue
    from collections.abc import Mapping

    from gatepost.config import Config
    from gatepost.model import Cue, View
    from gatepost.ports import Clock, Signal


def signalling_of(config: Config, cues: queue.Queue[Cue], clock: Clock) -> list[Worker]:
    """Lamp first, then relay and buzzer; each slow signal has a mailbox and a worker of its own."""
    immediate: list[Signal] = []
    if config.lamp:
        immediate.append(Lamp(config.lamp))
    if config.relay:
        immediate.append(Relay(config.relay))
    if config.buzzer:
        immediate.append(Buzzer(config.buzzer))
    language = config.station.language
    slow: dict[str, Signal] = {}
    if config.oled:
        slow["oled"] = Oled(config.oled, language, clock)
    if config.panel and config.panel.terminal:
        title = f"gatepost {config.station.id} at {config.station.site}"
        slow["panel"] = Panel(sys.stdout, language, title, config.panel.width)
    boxes: dict[str, Mailbox[Cue]] = {name: Mailbox() for name in slow}
    workers = [
        Worker(name, partial(showing, boxes[name], signal, clock), 30)
        for name, signal in slow.items()
    ]
    quick = partial(signalling, cues, immediate, list(boxes.values()), clock)
    return [Worker("signalling", quick, 15), *workers]


def lighting_of(config: Config, lit: Mapping[str, Mailbox[View]], clock: Clock) -> list[Worker]:
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
                Light(light),
                Dusk(light.on_below, light.off_above, light.hold_s),
                clock,
            ),
            15,
        )
        for box in lit.values()
    ]
