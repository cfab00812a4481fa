"""A station signs its checkpoints with the key of its certificate; anybody can check them.

JWS compact (RFC 7515) with the certificate in the header (x5c), ES256 or Ed25519 (RFC 9864).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from gatepost.errors import ContractError, KeyMaterialError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

CHECKPOINT = "gatepost-checkpoint"
_ALGORITHMS = ["ES256", "Ed25519"]
_MOST_TOKEN = 64 * 1024


class _Registry(jws.JWSRegistry):
    """joserfc allows a header of 512 bytes, less than one certificate; the token is bounded."""

    max_header_length = _MOST_TOKEN


_DER = serialization.Encoding.DER
_PEM = serialization.Encoding.PEM
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def _jwk(key: Any) -> tuple[str, ECKey | OKPKey]:
    """The JOSE algorithm and key of a key. Raises KeyMaterialError for other kinds."""
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)):
        return "Ed25519", OKPKey.import_key(_pem(key))
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)) and isinstance(
        key.curve, ec.SECP256R1
    ):
        return "ES256", ECKey.import_key(_pem(key))
    raise KeyMaterialError("the key must be P-256 or Ed25519")


def _pem(key: Any) -> bytes:
    if hasattr(key, "private_bytes"):
        form = serialization.PrivateFormat.PKCS8
        return bytes(key.private_bytes(_PEM, form, serialization.NoEncryption()))
    return bytes(key.public_bytes(_PEM, _SPKI))


def load_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates in a PEM file. Raises KeyMaterialError when there is none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyMaterialError(f"{path}: no certificate can be read: {error}") from error


def common_name(certificate: x509.Certificate) -> str:
    """The common name: for a station its id, which is also its name at the broker."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


class Signer:
    """A station's key with its certificate chain."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Load both. Raises KeyMaterialError when one is unusable or they do not match."""
        self.chain = load_certificates(certificate)
        try:
            private = serialization.load_pem_private_key(key.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise KeyMaterialError(f"{key}: no private key can be read: {error}") from error
        own = private.public_key().public_bytes(_PEM, _SPKI)
        if own != self.chain[0].public_key().public_bytes(_PEM, _SPKI):
            raise KeyMaterialError(f"{key}: is not the key of {certificate}")
        self._algorithm, self._key = _jwk(private)
        self._x5c = [base64.b64encode(each.public_bytes(_DER)).decode() for each in self.chain]

    @property
    def name(self) -> str:
        """The common name in the certificate."""
        return common_name(self.chain[0])

    def sign(self, payload: bytes, typ: str) -> str:
        """A JWS over `payload` that says what it is by `typ`."""
        header = {"alg": self._algorithm, "typ": typ, "x5c": self._x5c}
        return jws.serialize_compact(header, payload, self._key, algorithms=_ALGORITHMS)


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and by whom: the common name in the certificate."""

    payload: bytes
    signer: str
    certificate: x509.Certificate


def verify(token: str, typ: str, authorities: Sequence[x509.Certificate], at: datetime) -> Signed:
    """Check a JWS made by `Signer.sign`: signature, purpose, issuer and validity at `at` (UTC).

    Raises ContractError that says which of them does not hold.
    """
    header = _header(token)
    if header.get("typ") != typ:
        raise ContractError(f"typ is {header.get('typ')!r}, not {typ!r}")
    leaf = _leaf(header)
    _issued(leaf, authorities, at)
    try:
        algorithm, key = _jwk(leaf.public_key())
        registry = _Registry(algorithms=[algorithm])
        signed = jws.deserialize_compact(token, key, registry=registry)
    except (JoseError, KeyMaterialError, ValueError) as error:
        raise ContractError(f"the signature does not hold: {error}") from error
    return Signed(bytes(signed.payload), common_name(leaf), leaf)


def _header(token: str) -> dict[str, Any]:
    if len(token) > _MOST_TOKEN:
        raise ContractError(f"{len(token)} characters, at most {_MOST_TOKEN}")
    part = token.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise ContractError(f"not a JWS: {error}") from error
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "x5c"}:
        raise ContractError("not a JWS of ours: its header must hold alg, typ and x5c alone")
    return header


def _leaf(header: dict[str, Any]) -> x509.Certificate:
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise ContractError("x5c: the certificate is missing")
    try:
        return x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True))
    except ValueError as error:
        raise ContractError(f"x5c: no certificate: {error}") from error


def _issued(leaf: x509.Certificate, authorities: Sequence[x509.Certificate], at: datetime) -> None:
    if not _not_before(leaf) <= at <= _not_after(leaf):
        raise ContractError("the certificate is not valid at this time")
    for authority in authorities:
        try:
            leaf.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return
    raise ContractError("the certificate was not issued by an authority that counts here")


def _not_before(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_before_utc


def _not_after(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc
