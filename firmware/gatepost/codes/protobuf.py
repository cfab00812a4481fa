"""As much of Protocol Buffers as a ticket needs: whole numbers and strings, no messages within.

Our own, in a few lines: a library with a compiler for five numbers would be the larger risk.
"""

from __future__ import annotations

from typing import TypeAlias

from gatepost.errors import Unreadable
from gatepost.model import Layer

Value: TypeAlias = int | bytes

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_LONGEST_VARINT = 10


def fields(data: bytes) -> dict[int, Value]:
    """The fields of a message by number; int64 as it is, else bytes.

    Raises Unreadable(STRUCTURE), also where a number stands twice: nothing here repeats.
    """
    told: dict[int, Value] = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value, at = _value(data, at, wire)
        if number == 0 or number in told:
            raise Unreadable(Layer.STRUCTURE, "a field that stands twice, or number 0")
        told[number] = value
    return told


def _value(data: bytes, at: int, wire: int) -> tuple[Value, int]:
    if wire == _VARINT:
        number, at = _varint(data, at)
        return (number - (1 << 64) if number >> 63 else number), at
    if wire == _BYTES:
        size, at = _varint(data, at)
    else:
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire, len(data) + 1)
    if size > len(data) - at:
        raise Unreadable(Layer.STRUCTURE, "a field that does not end, or of no known type")
    return data[at : at + size], at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        number |= (byte & 127) << 7 * place
        if byte < 128 and number < 1 << 64:
            return number, at + place + 1
    raise Unreadable(Layer.STRUCTURE, "a number that does not end")
