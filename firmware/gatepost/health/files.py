"""The kernel's small files: whatever cannot be read, or is not what it should be, is not known.

A driver that fails answers with EIO, one that is not loaded leaves no file, a wild one may give
any number: none of it may end the station, or reach the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 64 * 1024  # /proc/self/mountinfo is the longest of them
_MOST_DIGITS = 20
MOST = 2**53 - 1  # no number of the wire contract is larger


def text(path: Path) -> str | None:
    """What the file says, without blanks around it; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES)
    except OSError:
        return None
    return raw.decode("utf-8", "replace").strip()


def number(path: Path, base: int = 10) -> int | None:
    """The whole number in the file; None where there is none, or none that fits the contract."""
    return whole(text(path), base)


def whole(told: str | None, base: int = 10) -> int | None:
    """A text as a whole number from -(2**53 - 1) to 2**53 - 1; else None."""
    if told is None or not 0 < len(told) <= _MOST_DIGITS or not told.isascii():
        return None
    try:
        value = int(told, base)
    except ValueError:
        return None
    return value if -MOST <= value <= MOST else None


def thousandths(told: str) -> int | None:
    """A decimal number such as "0.25" in thousandths, rounded down; else None."""
    before, _, after = told.partition(".")
    left, right = whole(before), whole((after + "000")[:3])
    if left is None or right is None or left < 0 or right < 0 or left > MOST // 1000:
        return None
    return left * 1000 + right


def word(path: Path, most: int = 40) -> str | None:
    """The file's text as one printable ASCII word or two, cut; None where there is none."""
    told = text(path)
    shown = "".join(c for c in told or "" if c.isascii() and c.isprintable())[:most].strip()
    return shown or None
