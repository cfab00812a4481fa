"""Whether a signature holds, by cryptography; the algorithm is the key's, never the code's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

if TYPE_CHECKING:
    from gatepost.model import Proof
    from gatepost.trust.keys import TrustedKey

_SHA256 = hashes.SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_PSS = padding.PSS(padding.MGF1(_SHA256), salt_length=_SHA256.digest_size)  # RFC 8230, 2


def holds(trusted: TrustedKey, proof: Proof) -> bool:
    """Whether `proof.signature` is this key's over `proof.message`."""
    algorithm = trusted.algorithm
    if algorithm != proof.algorithm:
        return False
    key: Any = trusted.key  # of the one type that fits its algorithm, see keys.algorithm_of
    signature = proof.signature
    try:
        if algorithm == "ES256":
            half = trusted.size // 2
            if len(signature) != trusted.size:
                return False
            r = int.from_bytes(signature[:half], "big")
            s = int.from_bytes(signature[half:], "big")
            key.verify(encode_dss_signature(r, s), proof.message, _ECDSA)
        elif algorithm == "PS256":
            key.verify(signature, proof.message, _PSS, _SHA256)
        else:
            key.verify(signature, proof.message)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm, InternalError):
        return False
    return True
