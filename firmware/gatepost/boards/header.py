"""The 40-pin header, the same on every model since the B+: which pin is what.

Source: "GPIO and the 40-pin header", Raspberry Pi documentation.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ODD = ("3V3", 2, 3, 4, "GND", 17, 27, 22, "3V3", 10, 9, 11, "GND", 0, 5, 6, 13, 19, 26, "GND")
_EVEN = ("5V", "5V", "GND", 14, 15, 18, "GND", 23, 24, "GND", 25, 8, 7, 1)
_EVEN_BELOW = ("GND", 12, "GND", 16, 20, 21)
_LAST_PULLED_UP = 8

_BY_ROW: tuple[tuple[int | str, ...], ...] = (_ODD, (*_EVEN, *_EVEN_BELOW))

HEADER: Mapping[int, int | str] = MappingProxyType(
    {
        row * 2 + column: what
        for column, pins in enumerate(_BY_ROW, 1)
        for row, what in enumerate(pins)
    }
)
"""By the number of the pin on the header: its BCM number, or the rail that it carries."""

PHYSICAL: Mapping[int, int] = MappingProxyType(
    {what: number for number, what in HEADER.items() if isinstance(what, int)}
)
"""By BCM number: the number of the pin on the header."""


def label(physical: int) -> str:
    """What a diagram writes beside a pin of the header."""
    what = HEADER[physical]
    return f"GPIO{what}" if isinstance(what, int) else what


def pulled_up(bcm: int) -> bool:
    """Whether a pin rests high from power-up until a program drives it; else it rests low.

    Source: BCM2835 ARM Peripherals, table 6-31: 0 to 8 are pulled up, 9 to 27 down.
    """
    return bcm <= _LAST_PULLED_UP
