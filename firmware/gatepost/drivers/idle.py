"""Every output to rest, without the daemon: what a crash left on is put off.

A daemon that is killed in mid-request leaves its relay asking. What becomes of a line whose
holder is gone is the kernel's to say, and on a Pi it may well stay as it was: Raspberry Pi OS
keeps outputs as they were last driven (pinctrl-bcm2835 and pinctrl-rp1 with
`persist_gpio_outputs`, on by default there; raspberrypi/linux pull requests 6117 and 6150). With
`dtparam=strict_gpiod` in config.txt, as in the mainline kernel, a line becomes an input again as
soon as nobody holds it, and the resistor beside it decides. So `rest` drives each line to its
resting level and lets go: it then stays there by the one rule, or falls to the resistor, which
must hold the same level, by the other.

Nothing is loaded for it: no gpiozero, no lgpio. It takes milliseconds. To read a configuration
takes a hundred times as long, with the door asked to open: so the daemon notes what rests how
when it starts, in the service's folder in RAM, and `rest_noted` needs no more than that.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gatepost.drivers.lines import KNOWN, Lines
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.runtime import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gatepost.config.schema import Config

_NOTED = "resting"


def note(config: Config) -> None:
    """Write down what rests how, for `rest_noted`; nothing without a service's folder.

    Raises DeviceError where it cannot be written, such as to a full /run: `rest` is left then.
    """
    path = _place()
    if path is None:
        return
    rows = [" ".join(_labels(config))]
    rows += [f"{line} {int(high)} {name}" for name, line, high in _resting(config)]
    new = path.with_name(f".{_NOTED}.new")
    try:
        new.write_text("\n".join(rows), "utf-8")
        new.replace(path)
    except OSError as error:
        for left in (new, path):  # of another configuration: worse than none
            with suppress(OSError):
                left.unlink()
        raise DeviceError(f"{path}: {error.strerror}") from error


def rest_noted(lines: Lines | None = None) -> None:
    """Drive every output to the level that the daemon noted; nothing where it noted none.

    Raises DeviceError and DeviceAbsent, as `rest`.
    """
    path = _place()
    if path is None or not path.exists():
        return
    try:
        labels, *rows = path.read_text("utf-8").splitlines()
        told = [row.split(" ", 2) for row in rows]
        outputs = [(name, int(line), high == "1") for line, high, name in told]
    except (OSError, ValueError) as error:
        raise DeviceError(f"{path}: {error}") from error
    _drive(labels.split(), outputs, lines or Lines())


def _place() -> Path | None:
    folder = runtime_folder()
    return folder / _NOTED if folder else None


def rest(config: Config, lines: Lines | None = None) -> None:
    """Drive every output of `config` to its resting level, the relay first.

    Raises, once it has tried them all, DeviceError with each that could not be; DeviceAbsent
    where there is no chip.
    """
    _drive(_labels(config), list(_resting(config)), lines or Lines())


def _labels(config: Config) -> Iterable[str]:
    return (config.board.chip,) if config.board else KNOWN


def _drive(labels: Iterable[str], outputs: Sequence[tuple[str, int, bool]], lines: Lines) -> None:
    if not outputs:
        return
    chip = lines.find(*labels)
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
