"""Values picked out of what a signed code holds; each raises Unreadable(CONTENT) by itself.

A signature says who wrote a code, not that he wrote it well: nothing in it is taken as given.
"""

from __future__ import annotations

import math
from typing import Any

from gatepost.errors import Unreadable
from gatepost.model import Code, Kind, Layer

SITE_ID = r"[a-z0-9][a-z0-9-]{0,62}"  # as the wire contract has it
_MOST_S = 2.0**53  # beyond it a float counts no seconds


def broken(kind: Kind, error: Unreadable) -> Code:
    """A code of a known kind that cannot be read, and in which layer."""
    return Code(kind, flaw=Layer(error.layer))


def mapping(value: Any, what: str, layer: Layer = Layer.CONTENT) -> dict[Any, Any]:
    """A map or object."""
    if not isinstance(value, dict):
        raise Unreadable(layer, f"{what} is no map")
    return value


def sequence(value: Any, what: str) -> list[Any]:
    """An array."""
    if not isinstance(value, list):
        raise Unreadable(Layer.CONTENT, f"{what} is no array")
    return value


def string(value: Any, what: str, most: int = 200) -> str:
    """A text of 1 to `most` characters that UTF-8 can write: no half of a surrogate pair."""
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Unreadable(Layer.CONTENT, f"{what} is no text of 1 to {most} characters")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise Unreadable(Layer.CONTENT, f"{what} is no Unicode")
    return value


def seconds(value: Any, what: str) -> float:
    """A number of seconds since 1970, whole or not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(Layer.CONTENT, f"{what} is no number")
    if not -_MOST_S <= value <= _MOST_S or not math.isfinite(value):
        raise Unreadable(Layer.CONTENT, f"{what} is no time")
    return value


def octets(value: Any, what: str, sizes: range) -> bytes:
    """A byte string whose length is in `sizes`."""
    if not isinstance(value, bytes) or len(value) not in sizes:
        raise Unreadable(Layer.CONTENT, f"{what} is no byte string of its size")
    return value
