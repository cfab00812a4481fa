"""A station signs its checkpoints with the key of its certificate; anybody can check them.

JWS compact (RFC 7515) with the certificate in the header (x5c), ES256 or Ed25519 (RFC 9864).
The chain in x5c leads, leaf first, to an authority of whoever checks it.
"""

from __future__ import annotations

import base64
import json
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from gatepost.errors import ContractError, KeyMaterialError
from gatepost.packing.foreign import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

CHECKPOINT = "gatepost-checkpoint"
_ALGORITHMS = ["ES256", "Ed25519"]
_MOST_TOKEN = 64 * 1024
_MOST_CHAIN = 4
# Names of servers mean nothing here; what else is critical would have to be understood.
_UNDERSTOOD = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.SubjectAlternativeName.oid,
    }
)
_FILTERS = threading.Lock()


class _Registry(jws.JWSRegistry):
    """joserfc allows a header of 512 bytes, less than one certificate; the token is bounded."""

    max_header_length = _MOST_TOKEN

    def __init__(self, algorithm: str, most: int) -> None:
        super().__init__(algorithms=[algorithm])
        self.max_payload_length = most


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
    except (OSError, *FOREIGN) as error:
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
            private: Any = serialization.load_pem_private_key(key.read_bytes(), password=None)
            own = private.public_key().public_bytes(_PEM, _SPKI)
        except (OSError, *FOREIGN) as error:
            raise KeyMaterialError(f"{key}: no private key can be read: {error}") from error
        try:
            same = own == self.chain[0].public_key().public_bytes(_PEM, _SPKI)
            _check_leaf(self.chain[0])  # what nobody accepts is found now, not at the centre
        except FOREIGN as error:
            raise KeyMaterialError(f"{certificate}: {error}") from error
        if not same:
            raise KeyMaterialError(f"{key}: is not the key of {certificate}")
        if len(self.chain) > _MOST_CHAIN:
            raise KeyMaterialError(f"{certificate}: more than {_MOST_CHAIN} certificates")
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


def verify(
    token: str,
    typ: str,
    authorities: Sequence[x509.Certificate],
    at: datetime | None,
    *,
    behind: bool = False,
    most: int = _MOST_TOKEN,
) -> Signed:
    """Check a JWS made by `Signer.sign`: signature, purpose, issuer and validity at `at` (UTC).

    `at` is best the time of reception; None: whenever, for what was checked when it came.
    `behind`: `at` may be long past, so that nothing is refused as not valid yet.
    `most`: how long a token may be, characters; its header is bounded beside that.

    Raises ContractError that says which of them does not hold, and nothing else whatever it
    is given.
    """
    header = _header(token, most)
    if header["typ"] != typ:
        raise ContractError(f"typ is not {typ!r}")
    with _foreign_certificates():
        leaf = _trusted(_certificates(header["x5c"]), authorities, at, behind=behind)
        algorithm, key = _jwk(leaf.public_key())
        signer = common_name(leaf)
    if header["alg"] != algorithm:
        raise ContractError(f"alg is not {algorithm}, which the certificate's key asks for")
    try:
        signed = jws.deserialize_compact(token, key, registry=_Registry(algorithm, most))
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ContractError(f"the signature does not hold: {type(error).__name__}") from error
    return Signed(bytes(signed.payload), signer, leaf)


def _within(certificate: x509.Certificate, at: datetime | None, *, behind: bool) -> bool:
    if at is None:
        return True
    begun = behind or certificate.not_valid_before_utc <= at
    return begun and at <= certificate.not_valid_after_utc


def _header(token: str, most: int) -> dict[str, Any]:
    part = token.split(".", 1)[0]
    for length, limit in ((len(token), most), (len(part), _MOST_TOKEN)):
        if length > limit:
            raise ContractError(f"{length} characters, at most {limit}")
    try:
        text = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"not a JWS: {error}") from error
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "x5c"}:
        raise ContractError("not a JWS of ours: its header must hold alg, typ and x5c alone")
    return header


@contextmanager
def _foreign_certificates() -> Iterator[None]:
    """What somebody sent is touched here: it may be anything, and may not fill our log.

    The filters of warnings are the process's own: one at a time. A negative serial number
    warns; it says nothing of the signature.
    """
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            yield
    except ContractError:
        raise
    except FOREIGN as error:
        raise ContractError(
            f"x5c: no certificate that is understood: {str(error)[:80]!a}"
        ) from error


def _certificates(x5c: Any) -> list[x509.Certificate]:
    if not isinstance(x5c, list) or not 1 <= len(x5c) <= _MOST_CHAIN:
        raise ContractError(f"x5c: must be a list of 1 to {_MOST_CHAIN} certificates")
    if not all(isinstance(each, str) for each in x5c):
        raise ContractError("x5c: must hold strings")
    return [x509.load_der_x509_certificate(base64.b64decode(each, validate=True)) for each in x5c]


def _trusted(
    chain: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    at: datetime | None,
    *,
    behind: bool,
) -> x509.Certificate:
    """The leaf, once the chain leads from it to an authority. Raises ContractError."""
    _check_leaf(chain[0])
    for place, certificate in enumerate(chain):
        if not _within(certificate, at, behind=behind):
            raise ContractError("the certificate is not valid at this time")
        if any(_issued(certificate, each, place) for each in authorities):
            return chain[0]
        if not any(_issued(certificate, each, place) for each in chain[place + 1 : place + 2]):
            break
    raise ContractError("the certificate was not issued by an authority that counts here")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    """Whether `issuer` issued it and may do so, with `below` authorities on the way to the leaf."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*FOREIGN, InvalidSignature):
        return False
    constraints = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    return (
        constraints is not None
        and constraints.ca
        and (constraints.path_length is None or below <= constraints.path_length)
        and (usage is None or usage.key_cert_sign)
        and not _not_understood(issuer)
    )


def _check_leaf(leaf: x509.Certificate) -> None:
    """Raises ContractError where a certificate is not one of a station or another client."""
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise ContractError("the certificate is an authority's own: it signs certificates alone")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise ContractError("the certificate's key usage lacks digitalSignature")
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in extended:
        raise ContractError("the certificate's extended key usage lacks clientAuth")
    if _not_understood(leaf):
        raise ContractError("the certificate has a critical extension that is not understood")


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _not_understood(certificate: x509.Certificate) -> bool:
    return any(each.critical and each.oid not in _UNDERSTOOD for each in certificate.extensions)
