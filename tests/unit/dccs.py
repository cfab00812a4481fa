"""Health certificates of invented people, signed by keys of the test's own."""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gatepost.model import Stamp
from gatepost.packing import base45, cbor, cose

ISSUED = 1_790_000_000  # September 2026
EXPIRES = ISSUED + 86_400 * 90
NOW = ISSUED + 86_400
_ARC = "1.3.6.1.4.1.1847.2021.1"


def stamp(at: float = NOW, *, synchronised: bool = True, bound_s: float = 0) -> Stamp:
    return Stamp("0" * 32, 0, round(at * 1e6), synchronised, round(bound_s * 1e6))


@cache
def ec_key(_name: str = "a", curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """A key; the same name gives the same one within a run."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return ec.generate_private_key(curves[curve])


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def certificate(
    key: Any,
    *,
    begin: float = ISSUED - 86_400 * 365,
    end: float = ISSUED + 86_400 * 365,
    usages: tuple[str, ...] = (),
    country: str = "VN",
    extension: x509.ExtensionType | None = None,
) -> bytes:
    """A certificate (DER) over `key`, signed by itself."""
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Ministry of Examples"),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(moment(begin))
        .not_valid_after(moment(end))
    )
    if usages:
        oids = [x509.ObjectIdentifier(oid) for oid in usages]
        made = made.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    if extension is not None:
        made = made.add_extension(extension, critical=False)
    signed = made.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def usage(number: int, arc: str = _ARC) -> str:
    return f"{arc}.{number}"


def vaccination(**changed: Any) -> dict[str, Any]:
    return {
        "tg": "840539006",
        "vp": "1119349007",
        "mp": "EU/1/20/1528",
        "ma": "ORG-100030215",
        "dn": 2,
        "sd": 2,
        "dt": "2026-08-01",
        "co": "VN",
        "is": "Ministry of Examples",
        "ci": "URN:UVCI:01:VN:0123456789ABCDEF#X",
        **changed,
    }


def a_test(**changed: Any) -> dict[str, Any]:
    return {
        "tg": "840539006",
        "tt": "LP6464-4",
        "sc": "2026-09-01T12:34:56+07:00",
        "tr": "260415000",
        "co": "VN",
        "is": "Ministry of Examples",
        "ci": "URN:UVCI:01:VN:TEST#1",
        **changed,
    }


def recovered(**changed: Any) -> dict[str, Any]:
    return {
        "tg": "840539006",
        "fr": "2026-07-01",
        "df": "2026-07-12",
        "du": "2026-12-28",
        "co": "VN",
        "is": "Ministry of Examples",
        "ci": "URN:UVCI:01:VN:RECOVERY#1",
        **changed,
    }


def content(**changed: Any) -> dict[str, Any]:
    told = {
        "ver": "1.3.0",
        "nam": {"fn": "Nguyễn", "gn": "Văn Á", "fnt": "NGUYEN", "gnt": "VAN<A"},
        "dob": "1964-08-12",
        "v": [vaccination()],
        **changed,
    }
    return {name: value for name, value in told.items() if value is not ...}


def cwt(told: Any = None, **changed: Any) -> dict[Any, Any]:
    """The claims around a certificate; `iss`, `exp`, `iat`, `nbf` change them, ... removes."""
    names = {"iss": 1, "exp": 4, "nbf": 5, "iat": 6}
    claims = {1: "VN", 4: EXPIRES, 6: ISSUED, -260: {1: content() if told is None else told}}
    claims |= {names[name]: value for name, value in changed.items()}
    return {name: value for name, value in claims.items() if value is not ...}


def kid_of(der: bytes) -> bytes:
    return hashlib.sha256(der).digest()[:8]


def signature(key: Any, message: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return key.sign(message, pss, hashes.SHA256())
    size = (key.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signed(
    claims: Any = None,
    *,
    key: Any = None,
    kid: bytes = b"kid-of-a",
    protected: dict[Any, Any] | None = None,
    unprotected: dict[Any, Any] | None = None,
    tag: bytes = b"\xd2",
) -> bytes:
    """A COSE_Sign1; `claims` may be bytes, as they are."""
    key = ec_key() if key is None else key
    if protected is None:
        protected = {1: -37 if isinstance(key, rsa.RSAPrivateKey) else -7, 4: kid}
    head = cbor.dumps(protected) if protected else b""
    payload = (
        claims if isinstance(claims, bytes) else cbor.dumps(cwt() if claims is None else claims)
    )
    made = signature(key, cose.to_be_signed(head, payload))
    return tag + cbor.dumps([head, unprotected or {}, payload, made])


def text(data: bytes) -> str:
    """What stands in the QR."""
    return "HC1:" + base45.encode(zlib.compress(data, 9))
