"""What is wrong with the pins of a board's parts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gatepost.boards.board import reserved
from gatepost.boards.header import PHYSICAL
from gatepost.boards.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

FITTED = ("lamp", "buzzer", "relay", "light", "oled", "button")
"""The tables of a configuration that a profile gives."""

PIN_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lamp": ("red", "green", "blue"),
        "buzzer": ("pin",),
        "relay": ("pin",),
        "light": ("pin",),
        "button": ("pin",),
    }
)
"""Which keys of a table are pins (BCM numbers)."""


def claims(tables: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Table, key and pin of each part that has one; what is no number has other problems."""
    for table, keys in PIN_KEYS.items():
        values = tables.get(table)
        if not isinstance(values, dict):
            continue
        for key in keys:
            if type(values.get(key)) is int:
                yield table, key, values[key]


def faults(
    model: str, uses: Collection[str], tables: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, str], str]]:
    """Where and what: pins that a model has not, or that something else has."""
    oled = tables.get("oled")
    oled = oled if isinstance(oled, dict) else None
    taken = reserved(model, uses, oled)
    for table, key, pin in claims(tables):
        if pin not in PHYSICAL:
            yield (table, key), f"pin {pin} is absent on a {model}: its header has 0 to 27"
        elif pin in taken:
            yield (table, key), f"pin {pin} is reserved: {taken[pin]}"
    buses = MODELS[model].buses
    bus = 1 if oled is None else oled.get("bus", 1)
    if type(bus) is int and bus not in buses:
        told = "is the camera's and the ID EEPROM's" if bus == 0 else "is absent there"
        names = ", ".join(str(each) for each in buses)
        yield ("oled", "bus"), f"bus {bus} {told}: the header of a {model} has {names}"
