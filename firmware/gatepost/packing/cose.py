"""COSE_Sign1 (RFC 9052), taken apart and put together.

By cryptography alone: Sign1 is these few lines, and a COSE library would bring a dozen
algorithms, key formats and recipients along that must never be accepted here. Whether a
signature holds, and whether its algorithm may be used, is for `trust` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gatepost.errors import KeyMaterialError, Unreadable
from gatepost.packing import cbor
from gatepost.recognised import Layer

ALGORITHMS = {-7: "ES256", -37: "PS256", -8: "EdDSA"}  # as JOSE names them
PrivateKey: TypeAlias = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

_ALG, _CRIT, _KID = 1, 2, 4
_UNDERSTOOD = frozenset({_ALG, _CRIT, _KID})
_SIGN1_TAG = b"\xd2"  # 18
_CWT_TAG = b"\xd8\x3d"  # 61, RFC 8392, in front of COSE's own or of none


@dataclass(frozen=True, slots=True)
class Sign1:
    """A signed message; nothing of it was checked.

    Attributes:
        protected: the protected header's bytes, as they were signed.
        header: both headers; what the protected one says counts.
    """

    protected: bytes
    header: dict[Any, Any]
    payload: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """By its name in JOSE, or as the header has it; "" where none is named."""
        value = self.header.get(_ALG)
        if isinstance(value, int):
            return ALGORITHMS.get(value) or str(value)
        return value if isinstance(value, str) else ""

    @property
    def kid(self) -> bytes:
        """The key's id, b"" where none is named."""
        value = self.header.get(_KID)
        return value if isinstance(value, bytes) else b""


def parse(data: bytes) -> Sign1:
    """A COSE_Sign1, untagged or with tag 18, or as a CWT (61). Raises Unreadable(STRUCTURE)."""
    item = cbor.loads(data.removeprefix(_CWT_TAG).removeprefix(_SIGN1_TAG))
    if type(item) is not list or len(item) != 4:
        raise Unreadable(Layer.STRUCTURE, "not a COSE_Sign1: four parts")
    protected, header, payload, signature = item
    if not type(protected) is type(payload) is type(signature) is bytes:
        raise Unreadable(Layer.STRUCTURE, "a part of the COSE_Sign1 is no byte string")
    if type(header) is not dict:
        raise Unreadable(Layer.STRUCTURE, "a header of the COSE_Sign1 is no map")
    return Sign1(protected, {**header, **_signed_header(protected)}, payload, signature)


@lru_cache(maxsize=256)
def _signed_header(protected: bytes) -> dict[Any, Any]:
    """Kept, as it is the same for all that a key signs; it says nothing of a person."""
    header = cbor.loads(protected) if protected else {}
    if type(header) is not dict:
        raise Unreadable(Layer.STRUCTURE, "a header of the COSE_Sign1 is no map")
    if _CRIT in header:
        _check_critical(header[_CRIT])
    return header


def _check_critical(labels: object) -> None:
    """RFC 9052, 3.1: who does not understand a critical label must not go on."""
    if not isinstance(labels, list) or not all(
        isinstance(label, int) and label in _UNDERSTOOD for label in labels
    ):
        raise Unreadable(Layer.STRUCTURE, "a critical header that is not understood")


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure over which the signature goes (RFC 9052, 4.4)."""
    return b"".join(
        (
            b"\x84\x6aSignature1",
            _head(len(protected)),
            protected,
            b"\x40",
            _head(len(payload)),
            payload,
        )
    )


def _head(size: int) -> bytes:
    """How a byte string of `size` bytes, less than 2**16, begins."""
    if size < 24:
        return bytes((0x40 + size,))
    if size < 256:
        return bytes((0x58, size))
    return b"\x59" + size.to_bytes(2, "big")


def sign1(payload: bytes, kid: bytes, private_key: PrivateKey) -> bytes:
    """A COSE_Sign1, tagged, by a key of Ed25519 or P-256. KeyMaterialError for another."""
    elliptic = isinstance(private_key, ec.EllipticCurvePrivateKey)
    protected = cbor.dumps({_ALG: -7 if elliptic else -8, _KID: kid})
    signature = _signature(private_key, to_be_signed(protected, payload))
    return _SIGN1_TAG + cbor.dumps([protected, {}, payload, signature])


def _signature(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if not isinstance(key.curve, ec.SECP256R1):
        raise KeyMaterialError("the key must be Ed25519 or P-256")
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
