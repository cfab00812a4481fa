"""A little certificate authority for the demo and the tests; never for a real fleet.

It makes everything that a station, a broker and a central server need to trust each other:
the authority, three certificates issued by it, and the central key pair for sealing.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import OKPKey

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509.base import CertificateBuilder

Algorithm: TypeAlias = Literal["p256", "ed25519"]
PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

# A station without a clock believes that it is 1970 or its build's day: certificates whose
# validity began long ago do not break TLS on it.
NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2049, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """Where everything lies: certificates and keys in PEM, the sealing key pair as JWK."""

    ca: Path
    station_certificate: Path
    station_key: Path
    broker_certificate: Path
    broker_key: Path
    central_certificate: Path
    central_key: Path
    sealing_public: Path
    sealing_private: Path


def make_authority(
    folder: Path, station_id: str, algorithm: Algorithm = "p256", central: str = "central"
) -> AuthorityFiles:
    """Make an authority and all that it issues in `folder` (made if need be).

    The station's common name is `station_id`, the central server's is `central`. The
    authority's own key is forgotten: nothing can be issued later.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = new_key(algorithm)
    ca = self_signed("gatepost example authority", key)
    write(folder / "ca.pem", _pem(ca))
    for name, common in (("station", station_id), ("broker", "localhost"), ("central", central)):
        own = new_key(algorithm)
        certificate = issue(ca, key, own, common, server=name == "broker")
        write(folder / f"{name}.pem", _pem(certificate))
        write_secret(folder / f"{name}.key", private_pem(own))
    public, private = _sealing_pair(folder)
    return AuthorityFiles(
        ca=folder / "ca.pem",
        station_certificate=folder / "station.pem",
        station_key=folder / "station.key",
        broker_certificate=folder / "broker.pem",
        broker_key=folder / "broker.key",
        central_certificate=folder / "central.pem",
        central_key=folder / "central.key",
        sealing_public=public,
        sealing_private=private,
    )


def new_key(algorithm: Algorithm) -> PrivateKey:
    """A new private key, P-256 or Ed25519."""
    if algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


def self_signed(name: str, key: PrivateKey) -> x509.Certificate:
    """The certificate of an authority."""
    builder = _begin(name, name, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return builder.sign(key, _digest(key))


def issue(
    ca: x509.Certificate, ca_key: PrivateKey, key: PrivateKey, name: str, *, server: bool = False
) -> x509.Certificate:
    """A certificate for `key` with the common name `name`; `server`: for this computer's broker."""
    issuer = str(ca.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if server:
        names += [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
    builder = _begin(name, issuer, key)
    for extension, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(authority=False), True),
        (x509.ExtendedKeyUsage([use]), False),
        (x509.SubjectAlternativeName(names), False),
        (_authority_id(ca), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(ca_key, _digest(ca_key))


def _begin(name: str, issuer: str, key: PrivateKey) -> CertificateBuilder:
    """What every certificate here has. Python 3.13 and later ask for the key identifiers too."""
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _authority_id(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _digest(key: PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: PrivateKey) -> bytes:
    """A private key as PKCS #8, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _sealing_pair(folder: Path) -> tuple[Path, Path]:
    kid = f"example-{secrets.token_hex(4)}"
    pair = OKPKey.generate_key("X25519", {"kid": kid, "use": "enc", "alg": "ECDH-ES"})
    public, private = folder / "sealing-public.jwk", folder / "sealing-private.jwk"
    write(public, _json(pair.as_dict(private=False)))
    write_secret(private, _json(pair.as_dict(private=True)))
    return public, private


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"


def write(path: Path, content: bytes) -> None:
    """Write what everybody may read."""
    path.write_bytes(content)


def write_secret(path: Path, content: bytes) -> None:
    """Write what only its owner may read; it never stands there with another mode."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
