"""Signed ticket of pretix, scheme `pretix_sig1`: Base64, the whole text reversed.

    01, u16 length of the payload, u16 length of the signature, payload, signature (Ed25519)

Lengths are big-endian; the payload is a protobuf of src/pretix/base/secretgenerators in
pretix: {1: seed, 2: item, 3: variation, 4: subevent, 5: valid from, 6: valid until}, times in
seconds since 1970, 0 where there is none. There is no prefix: the header's five bytes, of
which four are certain, make a text a ticket.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.codes.dates import moment
from gatepost.codes.fields import broken, seconds, string
from gatepost.codes.protobuf import fields
from gatepost.errors import Unreadable
from gatepost.model import Basis, Claims, Code, Kind, Layer, Proof

if TYPE_CHECKING:
    from datetime import datetime

    from gatepost.codes.protobuf import Value

# 01 00 xx 00 40 in Base64, reversed: a payload of up to 255 bytes, a signature of 64.
_ENDING = re.compile(r"[A-Za-z0-9+/][A-D]EA[A-Za-z0-9+/][A-D]QA")
_CHARACTERS = re.compile(r"[!-~]{8,}")  # one run of ASCII: no sentence ends like this
_ENDING_LENGTH = 8
_HEADER = 5
_SIGNATURE = 64
_SEED, _ITEM, _VARIATION, _SUBEVENT, _FROM, _UNTIL = range(1, 7)


@dataclass(frozen=True, slots=True)
class Pretix(Claims):
    """What a ticket says: what was bought, by pretix' numbers, 0 where there is none."""

    item: int
    variation: int
    subevent: int
    valid_from: datetime | None
    valid_until: datetime | None


def recognise(text: str) -> Code | None:
    """A signed ticket, or None when it is none."""
    text = text.strip()
    if not _ENDING.fullmatch(text[-_ENDING_LENGTH:]) or not _CHARACTERS.fullmatch(text):
        return None
    try:
        payload, signature = _parts(text)
        return _ticket(fields(payload), payload, signature)
    except Unreadable as error:
        return broken(Kind.PRETIX, error)


def _parts(text: str) -> tuple[bytes, bytes]:
    """Payload and signature. Raises Unreadable(ENCODING) or Unreadable(STRUCTURE)."""
    try:
        data = base64.b64decode(text[::-1], validate=True)
    except ValueError as error:
        raise Unreadable(Layer.ENCODING, "no Base64") from error
    if base64.b64encode(data).decode() != text[::-1]:
        raise Unreadable(Layer.ENCODING, "Base64 with spare bits")
    end = _HEADER + int.from_bytes(data[1:3], "big")
    if len(data) != end + _SIGNATURE:
        raise Unreadable(Layer.STRUCTURE, "its lengths do not add up")
    return data[_HEADER:end], data[end:]


def _ticket(told: dict[int, Value], payload: bytes, signature: bytes) -> Code:
    seed = told.get(_SEED, b"")
    numbers = {field: _number(told, field) for field in range(_ITEM, _UNTIL + 1)}
    try:
        name = seed.decode("utf-8") if isinstance(seed, bytes) else ""
    except UnicodeDecodeError as error:
        raise Unreadable(Layer.CONTENT, "a seed that is no text") from error
    not_before_s = seconds(numbers[_FROM], "valid from") if numbers[_FROM] else None
    not_after_s = seconds(numbers[_UNTIL], "valid until") if numbers[_UNTIL] else None
    return Code(
        Kind.PRETIX,
        identity=string(name, "the seed", 64),
        basis=Basis.PASS,
        claims=Pretix(
            item=numbers[_ITEM],
            variation=numbers[_VARIATION],
            subevent=numbers[_SUBEVENT],
            valid_from=moment(not_before_s),
            valid_until=moment(not_after_s),
        ),
        proof=Proof(
            algorithm="EdDSA",  # the scheme has no other, and names none
            kid=b"",
            issuer="",
            message=payload,
            signature=signature,
            not_before_s=not_before_s,
            not_after_s=not_after_s,
        ),
    )


def _number(told: dict[int, Value], field: int) -> int:
    value = told.get(field, 0)
    if not isinstance(value, int):
        raise Unreadable(Layer.CONTENT, f"field {field} is no number")
    return value
