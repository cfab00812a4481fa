"""A board: what a station is built on, as its profile tells it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from gatepost.boards.header import PHYSICAL
from gatepost.boards.models import EEPROM, INTERFACES, MODELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is fitted.

    Attributes:
        name: lamp, buzzer, relay, light, oled, button, camera or reader.
        what: what to buy, in words.
        typical_ma, peak_ma: what it draws, counted at the 5 V supply.
        values: what the pins do not tell: resistors (..._ohm), voltages (..._v), parts by name.
    """

    name: str
    what: str
    typical_ma: float
    peak_ma: float
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Supply:
    """The 5 V supply, and what the board itself draws of it, in mA."""

    what: str
    connector: str
    ma: float
    board_typical_ma: float
    board_peak_ma: float


@dataclass(frozen=True, slots=True)
class Board:
    """What a profile says.

    Attributes:
        source: where it was read.
        model, title: one of `MODELS`, and its name for people.
        chip: label of the GPIO chip that drives the header.
        revision: a revision code of such a board.
        uses: interfaces beside the fitted parts that take pins, of `INTERFACES`.
        tables: the profile's part of a configuration, as TOML gave it.
        parts: what is fitted, by name.
        supply: what feeds it.
    """

    source: Path
    model: str
    title: str
    chip: str
    revision: int
    uses: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Any]]
    parts: Mapping[str, Part]
    supply: Supply

    @property
    def reserved(self) -> dict[int, str]:
        """The pins (BCM) that no lamp, buzzer, relay, light or button may have, and why."""
        oled = self.tables.get("oled")
        return reserved(self.model, self.uses, oled)

    @property
    def pins(self) -> frozenset[int]:
        """The pins (BCM) of the header that are free to be used."""
        return frozenset(PHYSICAL) - frozenset(self.reserved)

    def without(self, names: Collection[str]) -> Board:
        """The board on which these parts of the profile are not fitted."""
        return replace(
            self,
            tables={name: table for name, table in self.tables.items() if name not in names},
            parts={name: part for name, part in self.parts.items() if name not in names},
        )

    def strange(self, machine: str) -> str:
        """Why this is no profile for a machine that says so of itself; "" when it is, or silent."""
        if not machine or machine.startswith(MODELS[self.model].machine):
            return ""
        return f"the profile is for {self.title}, this machine says {machine!r}"


def reserved(model: str, uses: Collection[str], oled: Mapping[str, Any] | None) -> dict[int, str]:
    """As `Board.reserved`, of what a profile says."""
    found = dict.fromkeys(EEPROM[0], EEPROM[1])
    for name in uses:
        pins, why = INTERFACES[name]
        found |= dict.fromkeys(sorted(pins), why)
    if oled is not None:
        bus = oled.get("bus", 1)
        pair = MODELS[model].buses.get(bus, ()) if type(bus) is int else ()
        found |= dict.fromkeys(pair, f"the OLED's I2C bus {bus} uses it")
    return found


def fitted_as(board: Board, config: Any) -> Board:
    """The board with the parts, pins and polarities that a configuration gives.

    Parts of which the board has no wiring are left out: nobody knows their resistors.
    """
    tables: dict[str, Mapping[str, Any]] = {}
    for name in board.tables:
        values = getattr(config, name)
        if values is not None:
            tables[name] = {item.name: getattr(values, item.name) for item in fields(values)}
    return replace(board, tables=tables)
