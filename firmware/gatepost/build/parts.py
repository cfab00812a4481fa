"""A station's devices one by one, closed, for its self-test and its setup mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.build.outputs import button_of, lights_of, signals_of
from gatepost.build.readers import decoders_of, gun_of, source_of
from gatepost.config import KeyboardReader, SerialReader
from gatepost.drivers.oled import Oled
from gatepost.selftest.parts import Camera, Parts

if TYPE_CHECKING:
    from gatepost.config import Config
    from gatepost.ports import Clock, TextSource


def parts_of(config: Config, clock: Clock) -> Parts:
    """All that is fitted. Raises ConfigError for a reader that cannot be."""
    signals = signals_of(config, clock)
    decoders = decoders_of(config)
    cameras: dict[str, Camera] = {}
    guns: dict[str, TextSource] = {}
    for each in config.reader:
        if isinstance(each, (SerialReader, KeyboardReader)):
            guns[each.name] = gun_of(each, clock)
        else:
            cameras[each.name] = Camera(source_of(each, clock), decoders[each.name])
    return Parts(
        lamp=signals.get("lamp"),
        buzzer=signals.get("buzzer"),
        relay=signals.get("relay"),
        oled=Oled(config.oled, config.station.language, clock) if config.oled else None,
        light=lights_of(config),
        button=button_of(config),
        cameras=cameras,
        guns=guns,
    )
