"""The models that a profile may be for, and what of their header is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MACHINE = Path("/proc/device-tree/model")


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the Raspberry Pi.

    Attributes:
        name: as a profile writes it.
        machine: how the device tree's `model` begins on it.
        chip: label of the GPIO chip that drives its header.
        types: its type codes in a revision code (bits 4 to 11).
        buses: I2C buses on the header, each with the pins (SDA, SCL) it takes unless an overlay
            moves it; all but 1 need an overlay.
    """

    name: str
    machine: str
    chip: str
    types: frozenset[int]
    buses: Mapping[int, tuple[int, int]]


_ONE = MappingProxyType({1: (2, 3)})
_OF_4 = MappingProxyType({1: (2, 3), 3: (4, 5), 4: (8, 9), 5: (12, 13), 6: (22, 23)})
_OF_5 = MappingProxyType({1: (2, 3), 2: (4, 5), 3: (6, 7)})

# Type codes: "New-style revision codes", Raspberry Pi documentation. Buses: the overlays' README.
MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            Model(
                "pi-zero-2w",
                "Raspberry Pi Zero 2 W",
                "pinctrl-bcm2835",
                frozenset({0x12}),
                _ONE,
            ),
            Model(
                "pi-3",
                "Raspberry Pi 3 Model",
                "pinctrl-bcm2835",
                frozenset({0x08, 0x0D, 0x0E}),
                _ONE,
            ),
            Model("pi-4", "Raspberry Pi 4 Model", "pinctrl-bcm2711", frozenset({0x11}), _OF_4),
            Model("pi-5", "Raspberry Pi 5 Model", "pinctrl-rp1", frozenset({0x17}), _OF_5),
        )
    }
)

INTERFACES: Mapping[str, tuple[frozenset[int], str]] = MappingProxyType(
    {
        "uart": (frozenset({14, 15}), "the serial console (uart) uses it"),
        "spi": (frozenset({7, 8, 9, 10, 11}), "SPI0 uses it"),
        "i2s": (frozenset({18, 19, 20, 21}), "digital audio (i2s) uses it"),
        "1-wire": (frozenset({4}), "the 1-wire bus uses it"),
    }
)
"""What else may use pins of the header: those, and the reason that is told."""

EEPROM = (frozenset({0, 1}), "at power-up the board looks there for a HAT's ID EEPROM")


def machine(path: Path = _MACHINE) -> str:
    """What this machine says it is; "" where it does not say."""
    try:
        return path.read_text("utf-8").rstrip("\x00\n")
    except (OSError, UnicodeDecodeError):
        return ""
