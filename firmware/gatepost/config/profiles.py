"""A board's profile: TOML text -> Board, or every problem at once, each with its line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gatepost.boards import FITTED, MODELS, Board, Part, Supply, faults
from gatepost.config.documents import document_of, plain, text_of
from gatepost.config.lines import Lines
from gatepost.config.profile_schema import Profile, Wiring
from gatepost.config.tables import Tables
from gatepost.config.values import meant
from gatepost.config.whole import pins_twice
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gatepost.config.lines import Where

MOST_BYTES = 64 * 1024
_NO_IDLE = (
    "a profile never says it: which level asks nothing is the choice of each site, whose own file "
    "says [relay] idle"
)
_MOST_PIN_MA = 16.0  # a pin at its strongest; "GPIO pads control", Raspberry Pi documentation
_RAIL_V = 3.3
_LEDS = {
    "lamp": (("red_ohm", "red_v"), ("green_ohm", "green_v"), ("blue_ohm", "blue_v")),
    "relay": (("series_ohm", "led_v"),),
}


def load_board(path: Path) -> Board:
    """Read the profile at `path`. Raises ConfigError with every problem in it."""
    profile = Reading(path, text_of(path, MOST_BYTES))
    if profile.board is None:
        raise ConfigError(profile.problems())
    return profile.board


class Reading:
    """What was read in a profile.

    Raises ConfigError for a text that is no TOML.

    Attributes:
        tables: where more problems with what stands in it can be told.
        given: its tables of a configuration, as TOML gave them.
        board: None where there are problems.
    """

    def __init__(self, path: Path, text: str) -> None:
        text = plain(text)
        document = document_of(text, path)
        self.tables = Tables(path, Lines(text))
        self.given: dict[str, dict[str, Any]] = {
            name: dict(document[name]) for name in FITTED if isinstance(document.get(name), dict)
        }
        self.board = self._board(document, path)

    def problems(self) -> list[str]:
        """All of them, by line."""
        return [problem for _, problem in sorted(set(self.tables.problems))]

    def _board(self, document: dict[str, Any], path: Path) -> Board | None:
        self._no_idle(document)
        wiring = document.pop("wiring", {})
        sections = self.tables.sections(document, Profile, {})
        wires: dict[str, Any] = {}
        if isinstance(wiring, dict):
            wires = self.tables.sections(wiring, Wiring, {}, at=("wiring",))
        else:
            self.tables.problem(("wiring",), "must be tables: write [wiring.lamp]")
        for where, told in self._contradictions(sections, wires):
            self.tables.problem(where, told)
        if self.tables.problems:
            return None
        return _made(path, sections, self.given, wires)

    def _no_idle(self, document: dict[str, Any]) -> None:
        relay = document.get("relay")
        if isinstance(relay, dict) and "idle" in relay:
            self.tables.problem(("relay", "idle"), _NO_IDLE)
            document["relay"] = {key: value for key, value in relay.items() if key != "idle"}
            self.given["relay"].pop("idle", None)

    def _contradictions(
        self, sections: Mapping[str, Any], wires: Mapping[str, Any]
    ) -> Iterator[tuple[Where, str]]:
        yield from pins_twice(sections)
        facts = sections["board"]
        if facts is not None:
            yield from _model(facts)
            yield from faults(facts.model, facts.uses, self.given)
        for name in FITTED:
            if name in self.given and name not in wires:
                yield ("wiring", name), f"is missing: [{name}] is fitted"
            if name in wires and name not in self.given:
                yield ("wiring", name), f"there is no [{name}]"
        yield from _strong(wires)
        light = sections.get("light")
        if light is not None and light.active == "low":
            yield ("light", "active"), "an N-channel transistor lights it while the pin is high"


def _model(facts: Any) -> Iterator[tuple[Where, str]]:
    model = MODELS[facts.model]
    if facts.chip != model.chip:
        yield ("board", "chip"), f"on a {model.name} it is {model.chip!r}"
    kind = facts.revision >> 4 & 0xFF
    if kind not in model.types:
        known = [each.name for each in MODELS.values() if kind in each.types]
        of = f"of a {known[0]}" if known else "of no model that is known here"
        yield ("board", "revision"), f"0x{facts.revision:x} is {of}, not of a {model.name}"


def _strong(wires: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """LEDs at pins that would draw more than a pin bears."""
    for name, pairs in _LEDS.items():
        values = wires.get(name)
        for ohm, volt in pairs if values is not None else ():
            ma = led_ma(getattr(values, ohm), getattr(values, volt))
            if ma > _MOST_PIN_MA:
                told = f"lets {ma:.0f} mA through a pin that bears {_MOST_PIN_MA:g}"
                yield ("wiring", name, ohm), told


def led_ma(ohm: float, volt: float) -> float:
    """The current through an LED over which `volt` stand, behind a resistor at 3.3 V, in mA."""
    return (_RAIL_V - volt) / ohm * 1000


def _made(
    path: Path, sections: Mapping[str, Any], given: Mapping[str, Any], wires: Mapping[str, Any]
) -> Board:
    facts, supply = sections["board"], sections["supply"]
    return Board(
        source=path,
        model=facts.model,
        title=facts.title,
        chip=facts.chip,
        revision=facts.revision,
        uses=facts.uses,
        tables=given,
        parts={name: _part(name, values) for name, values in wires.items()},
        supply=Supply(**asdict(supply)),
    )


def _part(name: str, wiring: Any) -> Part:
    values = asdict(wiring)
    told = {key: values.pop(key) for key in ("what", "typical_ma", "peak_ma")}
    return Part(name=name, values=values, **told)


def absent(names: tuple[str, ...], board: Board) -> Iterator[str]:
    """What is wrong with saying that these parts of a profile are not fitted."""
    for name in names:
        if name not in board.tables:
            yield f"the profile fits no {name}{meant(name, board.tables)}"
