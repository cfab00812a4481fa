"""Bytes of a fuzzer -> texts of every kind, also validly packed and signed: so it gets to the core.

The first byte chooses the wrapping, the rest is what is wrapped. Without this a fuzzer of texts
would never leave Base45: nothing that it changes still inflates, and nothing still verifies.
"""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OKPKey

from gatepost import trust
from gatepost.codes import recognise
from gatepost.gate import Gate
from gatepost.model import Direction, Scan, Stamp
from gatepost.packing import base45, cbor, cose
from gatepost.rules import EVERYTHING
from gatepost.sealing import understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.model import Decision

ECDSA_KEY = ec.derive_private_key(20_260_101, ec.SECP256R1())
EDDSA_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DCC_KID, PASS_KID, SHC_ISSUER = b"fuzzed-1", b"fuzzed-2", "https://example.org/fuzz"
NZCP_ISSUER = "did:web:example.org"
REVOKED = b"fuzz-revoked"
NOW = Stamp("0" * 32, 0, 1_800_000_000_000_000, synchronised=True, bound_us=1000)


@cache
def certificate() -> bytes:
    """DER of a certificate that was for tests alone, and has ended."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fuzzed tests")])
    begin = datetime(2021, 1, 1, tzinfo=UTC)
    tests = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.4.1.1847.2021.1.1")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ECDSA_KEY.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin.replace(year=2023))
        .add_extension(tests, critical=False)
    )
    return builder.sign(ECDSA_KEY, SHA256()).public_bytes(Encoding.DER)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@cache
def trust_list() -> trust.TrustList:
    """The fuzzer's keys, trusted for each signed kind."""
    ecdsa = ECKey.import_key(ECDSA_KEY.public_key()).as_dict(private=False)
    eddsa = OKPKey.import_key(EDDSA_KEY.public_key()).as_dict(private=False)
    keys = [
        {"kind": "dcc", "kid": _b64(DCC_KID), "jwk": ecdsa},
        {"kind": "shc", "issuer": SHC_ISSUER, "jwk": ecdsa},
        {"kind": "nzcp", "issuer": NZCP_ISSUER, "kid": "key-1", "jwk": ecdsa},
        {"kind": "pass", "kid": _b64(PASS_KID), "jwk": eddsa},
        {"kind": "pretix", "jwk": eddsa},
        {"kind": "dcc", "certificate": base64.b64encode(certificate()).decode()},
    ]
    revoked = [{"kind": "pass", "id": sha256(_b64(REVOKED).encode()).hexdigest()}]
    issued = datetime(2026, 1, 1, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    listed = {"type": "gatepost-trust", "version": 1, "issued": issued, "audience": ["*"]}
    return trust.parse_list(json.dumps(listed | {"keys": keys, "revoked": revoked}).encode())


def _raw(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _hc1(data: bytes) -> str:
    return "HC1:" + base45.encode(zlib.compress(data, 1))


def _dcc(payload: bytes) -> str:
    return _hc1(cose.sign1(payload, DCC_KID, ECDSA_KEY))


def _nzcp(payload: bytes) -> str:
    signed = cose.sign1(payload, b"key-1", ECDSA_KEY)
    return "NZCP:/1/" + base64.b32encode(signed).decode().rstrip("=")


def _pass(payload: bytes) -> str:
    return "GP1:" + base45.encode(cose.sign1(payload, PASS_KID, EDDSA_KEY))


def _shc(payload: bytes) -> str:
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    deflated = deflater.compress(payload) + deflater.flush()
    kid = ECKey.import_key(ECDSA_KEY.public_key()).thumbprint()
    head = json.dumps({"alg": "ES256", "zip": "DEF", "kid": kid})
    message = f"{_b64(head.encode())}.{_b64(deflated)}"
    r, s = decode_dss_signature(ECDSA_KEY.sign(message.encode(), ec.ECDSA(SHA256())))
    token = f"{message}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return "shc:/" + "".join(f"{ord(letter) - 45:02}" for letter in token)


def _pretix(payload: bytes) -> str:
    payload = payload[:65535]
    signature = EDDSA_KEY.sign(payload)
    lengths = len(payload).to_bytes(2, "big") + len(signature).to_bytes(2, "big")
    return base64.b64encode(b"\x01" + lengths + payload + signature).decode()[::-1]


def _cose_only(data: bytes) -> str:
    return "GP1:" + base45.encode(data)


def _certified(payload: bytes) -> str:
    return _hc1(cose.sign1(payload, sha256(certificate()).digest()[:8], ECDSA_KEY))


def _unzipped(data: bytes) -> str:
    return "HC1:" + base45.encode(data)


def _spoilt(payload: bytes) -> str:
    """A good code but for the last bit of its signature."""
    signed = bytearray(cose.sign1(payload, DCC_KID, ECDSA_KEY))
    signed[-1] ^= 1
    return _hc1(bytes(signed))


def _headed(data: bytes) -> str:
    """Signed well, under a protected header that is the fuzzer's: its length comes first."""
    length = data[0] if data else 0
    protected, payload = data[1 : 1 + length], data[1 + length :]
    r, s = decode_dss_signature(
        ECDSA_KEY.sign(cose.to_be_signed(protected, payload), ec.ECDSA(SHA256()))
    )
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return _hc1(cbor.dumps([protected, {}, payload, signature]))


WRAPPINGS: tuple[Callable[[bytes], str], ...] = (
    _raw,
    _hc1,
    _dcc,
    _nzcp,
    _pass,
    _shc,
    _pretix,
    _cose_only,
    _certified,
    _unzipped,
    _spoilt,
    _headed,
)


def text_of(data: bytes) -> str:
    """The text that a fuzzer's bytes stand for."""
    return WRAPPINGS[data[0] % len(WRAPPINGS)](data[1:]) if data else ""


def judged(text: str) -> Decision:
    """Everything that a station does with a text before it writes it down, sealing included."""
    code = recognise(text)
    checked = trust.check(code, trust_list(), NOW)
    scan = Scan(text.encode("utf-8", "surrogatepass"), text, "qr", "fuzz", Direction.AUTO, 1.0)
    understood(scan, code, "gp-fuzz", NOW)
    return Gate(EVERYTHING, "fuzz").decide(scan, code, checked, NOW)
