"""JSON (RFC 8259), strict and bounded: one meaning for everybody who reads it.

Refused: what is not UTF-8, duplicate names, NaN and Infinity, numbers beyond a double, more
than `most` bytes, more than `values` values, depth over DEEPEST.
"""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from gatepost.errors import Unreadable
from gatepost.recognised import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 64 * 1024  # bytes, where the caller says nothing else
DEEPEST = 24  # objects and arrays within one another; a FHIR bundle has a dozen
_CONTAINERS = frozenset({dict, list})
_MARKS = (b",", b"{", b"[")


def loads(data: bytes, most: int = MOST, values: int | None = None) -> Any:
    """What a JSON text holds. Raises Unreadable(STRUCTURE).

    The values are counted before they are read, by the marks that part them: a text of small
    ones costs many times what one of its length does.
    """
    if len(data) > most:
        raise Unreadable(Layer.STRUCTURE, f"JSON of more than {most} bytes")
    if values is not None and sum(map(data.count, _MARKS)) > values:
        raise Unreadable(Layer.STRUCTURE, f"JSON of more than {values} values")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable(Layer.STRUCTURE, f"JSON: {error}") from error
    if _too_deep(value):
        raise Unreadable(Layer.STRUCTURE, f"JSON deeper than {DEEPEST}")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name that stands twice in an object")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond a double")
    return value


def _too_deep(value: Any) -> bool:
    """Level by level: a call for each value would take most of the time of reading it."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner = [each for each in level if type(each) in _CONTAINERS]
        if not inner:
            return False
        level = [*chain.from_iterable(_members(each) for each in inner)]
    return True


def _members(container: Any) -> Iterable[Any]:
    return container.values() if type(container) is dict else container
