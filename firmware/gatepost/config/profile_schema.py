"""What a board's profile may say beside the tables of a configuration that it gives."""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.boards import INTERFACES, MODELS
from gatepost.config.entries import entry
from gatepost.config.schema import (  # noqa: TC001 - the loader reads the annotations
    ButtonConfig,
    BuzzerConfig,
    LampConfig,
    LightConfig,
    OledConfig,
)

_TEXT = r"[^\x00-\x1f\x7f<>&]{1,160}"  # stands in drawings and tables
_CHIPS = tuple(sorted({model.chip for model in MODELS.values()}))


def _what() -> str:
    text: str = entry("what to buy, in words", pattern=_TEXT)
    return text


def _typical() -> float:
    value: float = entry("what it draws of the 5 V supply, mA", least=0, most=10000)
    return value


def _peak() -> float:
    value: float = entry("the most it draws, mA", least=0, most=10000)
    return value


def _ohm(doc: str) -> float:
    value: float = entry(f"{doc}, ohms", least=1, most=10_000_000)
    return value


def _volt(doc: str) -> float:
    value: float = entry(f"{doc}, volts", least=0.5, most=3.2)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFacts:
    """Which Raspberry Pi it is."""

    model: str = entry("the model", choices=tuple(MODELS))
    title: str = entry("its name for people", pattern=_TEXT)
    chip: str = entry("label of the GPIO chip that drives its header", choices=_CHIPS)
    revision: int = entry("a revision code of such a board", least=0x800000, most=0xFFFFFFFF)
    uses: tuple[str, ...] = entry(
        "interfaces beside the fitted parts that take pins", default=(), choices=tuple(INTERFACES)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyFacts:
    """The 5 V supply, and what the board itself draws."""

    what: str = _what()
    connector: str = entry("where it is plugged in", pattern=_TEXT)
    ma: float = entry("what it gives for ever, mA", least=100, most=20000)
    board_typical_ma: float = entry("what the bare board draws, mA", least=0, most=10000)
    board_peak_ma: float = entry("the most it draws, mA", least=0, most=10000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPin:
    """The relay's pin. Its idle level is the site's choice: a profile says nothing of it."""

    pin: int = entry("pin (BCM)", least=2, most=27)


@dataclass(frozen=True, slots=True, kw_only=True)
class LampWiring:
    """A resistor for each colour, and the voltage over the LED behind it."""

    what: str = _what()
    red_ohm: float = _ohm("resistor of red")
    green_ohm: float = _ohm("resistor of green")
    blue_ohm: float = _ohm("resistor of blue")
    red_v: float = _volt("over the red LED")
    green_v: float = _volt("over the green LED")
    blue_v: float = _volt("over the blue LED")
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuzzerWiring:
    """A transistor that switches it, and the resistor beside a piezo that discharges it."""

    what: str = _what()
    transistor: str = entry("NPN", pattern=_TEXT)
    base_ohm: float = _ohm("from the pin to the base")
    bleed_ohm: float = _ohm("beside the piezo")
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayWiring:
    """From the pin to the door controller: photorelay, then a one-shot that holds the maximum."""

    what: str = _what()
    series_ohm: float = _ohm("before the photorelay's LED")
    led_v: float = _volt("over the photorelay's LED")
    hold_ohm: float = _ohm("holds the pin at its idle level while nobody drives it")
    one_shot: str = entry("the timer that bounds a request", pattern=_TEXT)
    one_shot_s: float = entry("what it is set to, seconds", least=0.5, most=60)
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class LightWiring:
    """A MOSFET that switches the light, and the resistor that keeps it dark."""

    what: str = _what()
    transistor: str = entry("N-channel, for gates of 3.3 V", pattern=_TEXT)
    gate_ohm: float = _ohm("from the pin to the gate")
    pull_ohm: float = _ohm("from there to ground")
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class OledWiring:
    """The display: four wires."""

    what: str = _what()
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonWiring:
    """The button, and the resistor that saves the pin should it ever be an output."""

    what: str = _what()
    series_ohm: float = _ohm("between pin and button")
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugWiring:
    """What is plugged in: camera, reader."""

    what: str = _what()
    cable: str = entry("by which cable, into what", pattern=_TEXT)
    typical_ma: float = _typical()
    peak_ma: float = _peak()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A whole profile, but for its tables [wiring.PART]."""

    board: BoardFacts
    supply: SupplyFacts
    lamp: LampConfig | None = None
    buzzer: BuzzerConfig | None = None
    relay: RelayPin | None = None
    light: LightConfig | None = None
    oled: OledConfig | None = None
    button: ButtonConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The tables [wiring.PART]: what the pins do not tell."""

    lamp: LampWiring | None = None
    buzzer: BuzzerWiring | None = None
    relay: RelayWiring | None = None
    light: LightWiring | None = None
    oled: OledWiring | None = None
    button: ButtonWiring | None = None
    camera: PlugWiring | None = None
    reader: PlugWiring | None = None
