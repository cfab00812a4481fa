"""A CWT (RFC 8392) in a COSE_Sign1, as our own passes and New Zealand's have it: strict.

What is not signed must not be there: a header outside the signature, a missing tag or spare
bits would let one pass have many texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.codes.fields import mapping, octets, seconds
from gatepost.errors import Unreadable
from gatepost.model import Layer, Proof
from gatepost.packing import cbor, cose

if TYPE_CHECKING:
    from gatepost.packing.cose import Sign1

ISSUER, EXPIRES, NOT_BEFORE, ISSUED, ID = 1, 4, 5, 6, 7  # claims
KID = 4  # header
_SIGN1_TAG = b"\xd2"  # 18
_MOST = 2048  # bytes: several times New Zealand's longest


@dataclass(frozen=True, slots=True)
class Cwt:
    """The parts of a token; nothing of it was checked."""

    signed: Sign1
    claims: dict[Any, Any]

    @property
    def kid(self) -> Any:
        """The key's id as it stands: bytes, and in New Zealand text too."""
        return self.signed.header.get(KID)

    def identifier(self, sizes: range) -> bytes:
        """Its own id (cti)."""
        return octets(self.claims.get(ID), "cti", sizes)

    def time(self, label: int) -> float | None:
        """A time of it, seconds since 1970, where it is told."""
        return seconds(self.claims[label], "a time") if label in self.claims else None

    def proof(self, kid: bytes, issuer: str = "") -> Proof:
        """What is to be verified."""
        return Proof(
            algorithm=self.signed.algorithm,
            kid=kid,
            issuer=issuer,
            message=cose.to_be_signed(self.signed.protected, self.signed.payload),
            signature=self.signed.signature,
            not_before_s=self.time(NOT_BEFORE),
            not_after_s=self.time(EXPIRES),
            issued_s=self.time(ISSUED),
        )


def parse(data: bytes) -> Cwt:
    """A tagged COSE_Sign1 over a CWT. Raises Unreadable(STRUCTURE)."""
    if len(data) > _MOST:
        raise Unreadable(Layer.STRUCTURE, f"a token of more than {_MOST} bytes")
    if data[:1] != _SIGN1_TAG:
        raise Unreadable(Layer.STRUCTURE, "not a COSE_Sign1: no tag 18")
    signed = cose.parse(data)
    if signed.header != cbor.loads(signed.protected or b"\xa0"):
        raise Unreadable(Layer.STRUCTURE, "a header that is not signed")
    return Cwt(signed, mapping(cbor.loads(signed.payload), "the CWT", Layer.STRUCTURE))
