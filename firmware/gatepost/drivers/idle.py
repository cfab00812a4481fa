"""Every output to rest, without the daemon: what a crash left on is put off.

A daemon that is killed in mid-request leaves its relay asking. What becomes of a line whose
holder is gone is the kernel's to say, and on a Pi it may well stay as it was: Raspberry Pi OS
keeps outputs as they were last driven (pinctrl-bcm2835 and pinctrl-rp1 with
`persist_gpio_outputs`, on by default there; raspberrypi/linux pull requests 6117 and 6150). With
`dtparam=strict_gpiod` in config.txt, as in the mainline kernel, a line becomes an input again as
soon as nobody holds it, and the resistor beside it decides. So `rest` drives each line to its
resting level and lets go: it then stays there by the one rule, or falls to the resistor, which
must hold the same level, by the other.

Nothing is loaded for it: no gpiozero, no lgpio. It takes milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.drivers.lines import KNOWN, Lines
from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.config.schema import Config


def rest(config: Config, lines: Lines | None = None) -> None:
    """Drive every output of `config` to its resting level, the relay first.

    Raises, once it has tried them all, DeviceError with each that could not be; DeviceAbsent
    where there is no chip.
    """
    lines = lines or Lines()
    outputs = list(_resting(config))
    if not outputs:
        return
    chip = lines.find(*((config.board.chip,) if config.board else KNOWN))
    problems = []
    for name, line, high in outputs:
        try:
            lines.drive(chip, line, high=high)
        except DeviceAbsent:
            raise
        except DeviceError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise DeviceError("; ".join(problems))


def _resting(config: Config) -> Iterator[tuple[str, int, bool]]:
    """Each output's name, line, and whether it rests high; the relay first."""
    if config.relay:
        yield "relay", config.relay.pin, config.relay.idle == "high"
    if config.buzzer:
        yield "buzzer", config.buzzer.pin, False
    if config.light:
        yield "light", config.light.pin, config.light.active == "low"
    if config.lamp:
        dark = config.lamp.common == "anode"
        for colour in ("red", "green", "blue"):
            yield f"lamp {colour}", getattr(config.lamp, colour), dark
