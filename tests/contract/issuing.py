"""Certificates with whatever stands in them, and tokens over them, for tests of who is trusted."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from gatepost.signing import CHECKPOINT

if TYPE_CHECKING:
    from collections.abc import Sequence

_ED25519 = bytes.fromhex("300506032b6570")
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def ca(path_length: int | None = None) -> x509.BasicConstraints:
    return x509.BasicConstraints(ca=True, path_length=path_length)


def usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


CERTIFIES = usage("key_cert_sign")


@dataclass(frozen=True)
class Holder:
    """Somebody with a key and a certificate."""

    key: ed25519.Ed25519PrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def issue(
        self,
        name: str,
        *extensions: x509.ExtensionType,
        critical: bool = True,
        year: int = 2049,
    ) -> Holder:
        key = ed25519.Ed25519PrivateKey.generate()
        made = _certificate(name, key, extensions, critical, year, self)
        return Holder(key, made)

    def sign(self, tbs: bytes) -> bytes:
        """A certificate of ours over what somebody made, which may be no certificate at all."""
        return der(0x30, tbs, _ED25519, der(0x03, b"\0", self.key.sign(tbs)))


def root(*extensions: x509.ExtensionType) -> Holder:
    key = ed25519.Ed25519PrivateKey.generate()
    return Holder(key, _certificate("root", key, extensions or (ca(), CERTIFIES), True, 2049))


def _certificate(
    name: str,
    key: ed25519.Ed25519PrivateKey,
    extensions: Sequence[x509.ExtensionType],
    critical: bool,
    year: int,
    issuer: Holder | None = None,
) -> x509.Certificate:
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer.certificate.subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(year, 1, 1, tzinfo=UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key if issuer else key, None)


def der(tag: int, *parts: bytes) -> bytes:
    """One ASN.1 value."""
    body = b"".join(parts)
    size = len(body).to_bytes(2, "big")
    return bytes([tag, 0x82]) + size + body if len(body) > 127 else bytes([tag, len(body)]) + body


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(holder: Holder, *chain: bytes, payload: bytes = b"{}", **header: Any) -> str:
    """A JWS by the holder's key; `chain`: what stands in x5c, if not its certificate alone."""
    x5c = [base64.b64encode(each).decode() for each in chain or (holder.der,)]
    told = {"alg": "Ed25519", "typ": CHECKPOINT, "x5c": x5c} | header
    signed = f"{b64url(json.dumps(told).encode())}.{b64url(payload)}"
    return f"{signed}.{b64url(holder.key.sign(signed.encode()))}"
