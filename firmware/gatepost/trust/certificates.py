"""Trusted keys out of X.509 certificates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.utils import CryptographyDeprecationWarning
from joserfc.jwk import ECKey

from gatepost.errors import TrustError
from gatepost.model import SIGNED, Kind
from gatepost.packing.foreign import FOREIGN
from gatepost.trust.keys import OTHER_FORM, PublicKey, TrustedKey, TrustList, algorithm_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# With those that warn of what they will not take, where warnings are made errors.
_RAISED = (*FOREIGN, CryptographyDeprecationWarning)
# Extended key usages of health certificates (eHealth Network, volume 1); both arcs are in use.
_USAGES = {
    f"{arc}.1847.2021.1.{number}": usage
    for arc in ("1.3.6.1.4.1", "1.3.6.1.4.1.0")
    for number, usage in ((1, "test"), (2, "vaccination"), (3, "recovery"))
}
# An extended key usage that lists none (id 2.5.29.37, an empty sequence). RFC 5280 forbids it,
# and cryptography then reads no extension at all; there are issuers that write it: it means none.
_EMPTY_USAGE = bytes.fromhex("0603551d2504023000")
_KID_SIZE = 8


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate says of its key; whoever lists the certificate vouches for it."""

    der: bytes
    key: PublicKey
    name: str
    not_before_s: float
    not_after_s: float
    usages: frozenset[str]

    def trusted(
        self, kind: Kind, issuer: str = "", kid: bytes | None = None, name: str = ""
    ) -> TrustedKey:
        """The key, trusted for a kind. Raises TrustError where it does not fit the kind."""
        if kid is None:
            kid = derived_kid(kind, self.key, self.der)
        return TrustedKey(
            kind,
            issuer,
            kid,
            self.key,
            name or self.name,
            self.not_before_s,
            self.not_after_s,
            self.usages,
        )


def certified(der: bytes) -> Certified:
    """What a certificate (DER) says. Raises TrustError where it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        return Certified(
            der,
            key,  # type: ignore[arg-type]  # which kinds of key count is for TrustedKey to say
            _name(certificate),
            certificate.not_valid_before_utc.timestamp(),
            certificate.not_valid_after_utc.timestamp(),
            _usages(certificate, der),
        )
    except _RAISED as error:
        raise TrustError(f"no certificate that can be read: {str(error)[:80]!a}") from error


def derived_kid(kind: Kind, key: object, der: bytes = b"") -> bytes:
    """The kid that codes of a kind carry for a key; b"" where it does not follow from the key.

    DCC: the first 8 bytes of SHA-256 of the certificate. SHC: the thumbprint of RFC 7638, as
    text. Our own passes: the first 8 bytes of SHA-256 of the raw public key.
    """
    if kind is Kind.DCC and der:
        return hashlib.sha256(der).digest()[:_KID_SIZE]
    if kind is Kind.SHC and isinstance(key, ec.EllipticCurvePublicKey):
        return ECKey.import_key(key).thumbprint().encode("ascii")
    if kind is Kind.PASS and isinstance(key, ed25519.Ed25519PublicKey):
        return hashlib.sha256(key.public_bytes_raw()).digest()[:_KID_SIZE]
    return b""


def of_certificates(ders: Sequence[bytes]) -> TrustList:
    """These certificates' keys, trusted for every signed kind that they fit, of any issuer.

    Where a kind's kid does not follow from a certificate, a code may name any: so also a health
    certificate whose kid is longer than the standard's, as there is an issuer that writes them.
    Raises TrustError where one cannot be read.
    """
    keys = []
    for each in map(certified, ders):
        keys += [each.trusted(kind) for kind in sorted(SIGNED) if algorithm_of(kind, each.key)]
        if algorithm_of(Kind.DCC, each.key):
            keys.append(each.trusted(Kind.DCC, kid=OTHER_FORM))
    return TrustList(keys=tuple(keys))


def _name(certificate: x509.Certificate) -> str:
    """Organisation or common name, and country, of the subject."""
    names = []
    for oid in (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME):
        names += [str(each.value) for each in certificate.subject.get_attributes_for_oid(oid)]
    countries = certificate.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)
    return ", ".join([*names[:1], *(str(each.value) for each in countries[:1])])


def _usages(certificate: x509.Certificate, der: bytes) -> frozenset[str]:
    """For what kinds of certificate it may sign; empty where it does not say."""
    if _EMPTY_USAGE in der:
        return frozenset()
    try:
        listed = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    oids = {each.dotted_string for each in listed}
    return frozenset(usage for oid, usage in _USAGES.items() if oid in oids)
