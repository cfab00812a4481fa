"""Whoever signs the codes of the demo's visitors, and the trust list that knows them.

Keys follow from the demo's seed, so that the same seed brings the same codes: they are as good
as public and must never be trusted anywhere else. One issuer is missing in the list on purpose.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatepost.packing import base64url, cbor, cose

# Every kind that names a visitor, and what the gate of the demo asks of them.
RULES = """\
[gate]
accept = ["pc-covid", "cccd", "bhyt", "dcc", "shc", "nzcp", "pretix", "pass"]
directions = "both"        # in, then out, by what the gate remembers of the day
repeat_s = 10.0
anti_passback = "record"
"""
SHC_ISSUER = "https://health.example/demo"
NZ_ISSUER, NZ_KID = "did:web:pass.example", "demo-1"
REVOKED_PASS = b"demo-revoked"  # the id of every pass here that was taken back
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_ALGORITHM, _KID, _ES256 = 1, 4, -7  # COSE header labels, and ECDSA on P-256
_TAG = b"\xd2"  # COSE_Sign1


@dataclass(frozen=True)
class Es256Key:
    """A P-256 key that gives the same signature each time: the demo's films are repeatable."""

    number: int

    @cached_property
    def public(self) -> ec.EllipticCurvePublicNumbers:
        private = ec.derive_private_key(self.number, ec.SECP256R1())
        return private.public_key().public_numbers()

    def sign(self, message: bytes) -> bytes:
        """Both halves (FIPS 186-5, 6.4); the nonce follows from key and message, as in RFC 6979."""
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        secret = self.number.to_bytes(32, "big")
        nonce = _number(hmac.digest(secret, message, "sha256"))
        point = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers()
        r = point.x % _ORDER
        s = pow(nonce, -1, _ORDER) * (digest + r * self.number) % _ORDER
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def jwk(self) -> dict[str, str]:
        """The public half."""
        x, y = (
            base64url.encode(part.to_bytes(32, "big")) for part in (self.public.x, self.public.y)
        )
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def thumbprint(self) -> str:
        """SHA-256 over the public half (RFC 7638): a SMART Health Card's kid."""
        told = json.dumps(self.jwk(), sort_keys=True, separators=(",", ":"))
        return base64url.encode(hashlib.sha256(told.encode()).digest())

    def sign1(self, payload: bytes, kid: bytes) -> bytes:
        """A COSE_Sign1 (RFC 9052) over `payload`."""
        protected = cbor.dumps({_ALGORITHM: _ES256, _KID: kid})
        signature = self.sign(cose.to_be_signed(protected, payload))
        return _TAG + cbor.dumps([protected, {}, payload, signature])


@dataclass(frozen=True)
class Issuers:
    """Those of one seed."""

    seed: int

    @cached_property
    def passports(self) -> Es256Key:
        return self._es256("passports")

    @cached_property
    def stranger(self) -> Es256Key:
        """Signs passports, and stands in no list."""
        return self._es256("stranger")

    @cached_property
    def health_cards(self) -> Es256Key:
        return self._es256("health cards")

    @cached_property
    def nz_passes(self) -> Es256Key:
        return self._es256("NZ passes")

    @cached_property
    def tickets(self) -> Ed25519PrivateKey:
        return self._ed25519("tickets")

    @cached_property
    def passes(self) -> Ed25519PrivateKey:
        return self._ed25519("passes")

    def trust_list(self) -> bytes:
        """Everybody but the stranger, as contract/trust.json has it."""
        keys = [
            _entry(
                "dcc",
                "Ministry of Examples",
                self.passports,
                kid=base64url.encode(kid(self.passports)),
            ),
            _entry("shc", "Example Clinic", self.health_cards, issuer=SHC_ISSUER),
            _entry("nzcp", "Example Passes", self.nz_passes, issuer=NZ_ISSUER, kid=NZ_KID),
            _entry("pretix", "Example Box Office", self.tickets),
            _entry("pass", "Example Site Office", self.passes),
        ]
        revoked = hashlib.sha256(base64url.encode(REVOKED_PASS).encode()).hexdigest()
        told = {
            "type": "gatepost-trust",
            "version": 1,
            "issued": "2021-09-01T00:00:00Z",
            "audience": ["*"],
            "keys": keys,
            "revoked": [{"kind": "pass", "id": revoked}],
            "central": [],
        }
        return json.dumps(told, indent=1).encode()

    def _es256(self, name: str) -> Es256Key:
        return Es256Key(_number(self._secret(name)))

    def _ed25519(self, name: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._secret(name))

    def _secret(self, name: str) -> bytes:
        return hashlib.sha256(f"gatepost demo only: {name} {self.seed}".encode()).digest()


def kid(key: Es256Key) -> bytes:
    """The kid that the demo's passports carry: eight bytes, as a certificate's hash would give."""
    return hashlib.sha256(key.thumbprint().encode()).digest()[:8]


def _number(secret: bytes) -> int:
    """A number from 1 to the order of P-256 less one."""
    return int.from_bytes(secret, "big") % (_ORDER - 1) + 1


def _entry(kind: str, name: str, key: Es256Key | Ed25519PrivateKey, **more: str) -> dict[str, Any]:
    if isinstance(key, Es256Key):
        jwk = key.jwk()
    else:
        public = key.public_key().public_bytes_raw()
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(public)}
    return {"kind": kind, "name": name, "jwk": jwk, **more}
