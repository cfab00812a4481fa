"""CBOR (RFC 8949) by cbor2, strict and bounded.

Refused: duplicate keys, indefinite lengths, bytes behind the item, more than MOST bytes, depth
over 16, keys that are no integer, text or byte string, and every tag but 0 and 1 (dates, kept
as the text or the number that they are). COSE's own tags are a prefix, see cose.py. Arrays as
keys can be made to collide in Python's hashes, at a cost that grows with the square of their
number: 4 KiB of them take some milliseconds, and no code of a person is half as large.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NoReturn

import cbor2

from gatepost.errors import Unreadable
from gatepost.recognised import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST = 4096  # bytes of one item
DEEPEST = 16  # containers within one another

_KEYS = frozenset({int, str, bytes})
_TAGS_OF_CBOR2 = (*range(64), 100, 256, 258, 260, 261, 1004, 43000, 55799)
_MARK = os.urandom(8)  # nobody who writes a code can know it
_BEHIND = b"\x48" + _MARK
_FOREIGN = (cbor2.CBORError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)


def _refused(*_: object) -> NoReturn:
    raise ValueError("a tag that is not allowed")


def _as_it_is(value: Any, _immutable: bool) -> Any:
    return value


def _keys_checked(value: Mapping[Any, Any], _immutable: bool) -> Mapping[Any, Any]:
    for key in value:
        if type(key) not in _KEYS:
            raise ValueError("a key that is no integer, text or byte string")
    return value


# cbor2 has its own decoders for these; what it knows not comes to the tag hook.
_DECODERS: dict[int, Callable[..., Any]] = {
    **dict.fromkeys(_TAGS_OF_CBOR2, _refused),
    0: _as_it_is,
    1: _as_it_is,
}


def loads(data: bytes) -> Any:
    """The one item in `data`. Raises Unreadable(STRUCTURE).

    It is read as the first of two: where the second is not our mark, bytes stood behind it.
    """
    if len(data) > MOST:
        raise Unreadable(Layer.STRUCTURE, f"CBOR of more than {MOST} bytes")
    try:
        item, mark = cbor2.loads(
            b"\x82" + data + _BEHIND,
            tag_hook=_refused,
            object_hook=_keys_checked,
            semantic_decoders=_DECODERS,
            max_depth=DEEPEST + 1,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except _FOREIGN as error:
        raise Unreadable(Layer.STRUCTURE, f"CBOR: {error}") from error
    if mark != _MARK:
        raise Unreadable(Layer.STRUCTURE, "CBOR with bytes behind it")
    return item


def dumps(value: object) -> bytes:
    """The one form of `value` (RFC 8949, 4.2: sorted keys, shortest numbers)."""
    return cbor2.dumps(value, canonical=True)
