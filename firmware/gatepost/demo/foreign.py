"""Invented codes of other systems: SMART Health Card, NZ COVID Pass, a ticket of pretix.

As small as each may be: a health card has one vaccination, for a code on a sheet of paper must
be readable from where a visitor holds it.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING

from gatepost.demo.issuers import NZ_ISSUER, NZ_KID, SHC_ISSUER
from gatepost.packing import base64url, cbor

if TYPE_CHECKING:
    import random

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gatepost.demo.dcc import Holder
    from gatepost.demo.issuers import Es256Key

_VALID_FROM = 1_640_995_200  # 2022-01-01
_NEVER_AGES = 4_102_358_400  # 2099-12-31
_SMALLEST = 45  # the code of "-", which a health card writes as 00


def invent_health_card(holder: Holder, rng: random.Random, key: Es256Key) -> str:
    """A SMART Health Card with one vaccination: "shc:/" and about 1000 digits."""
    header = {"zip": "DEF", "alg": "ES256", "kid": key.thumbprint()}
    payload = _deflated(_compact(_card(holder, rng)))
    message = f"{base64url.encode(_compact(header))}.{base64url.encode(payload)}"
    token = f"{message}.{base64url.encode(key.sign(message.encode()))}"
    return "shc:/" + "".join(f"{ord(letter) - _SMALLEST:02}" for letter in token)


def _card(holder: Holder, rng: random.Random) -> dict[str, object]:
    patient = {
        "resourceType": "Patient",
        "name": [{"family": holder.family, "given": [holder.given]}],
        "birthDate": holder.born,
    }
    code = {"system": "http://hl7.org/fhir/sid/cvx", "code": rng.choice(("207", "208", "210"))}
    immunization = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"coding": [code]},
        "patient": {"reference": "resource:0"},
        "occurrenceDateTime": f"2021-{rng.randint(8, 12):02}-{rng.randint(1, 28):02}",
    }
    entries = [
        {"fullUrl": f"resource:{place}", "resource": resource}
        for place, resource in enumerate((patient, immunization))
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return {
        "iss": SHC_ISSUER,
        "nbf": _VALID_FROM + rng.randrange(90) * 86_400,
        "vc": {
            "type": ["https://smarthealth.cards#health-card"],
            "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": bundle},
        },
    }


def invent_nz_pass(holder: Holder, rng: random.Random, key: Es256Key) -> str:
    """A NZ COVID Pass: "NZCP:/1/" and about 400 characters of Base32."""
    context = ["https://www.w3.org/2018/credentials/v1", "https://pass.example/contexts/v1"]
    subject = {"givenName": holder.given, "familyName": holder.family, "dob": holder.born}
    claims = {
        1: NZ_ISSUER,
        4: _NEVER_AGES,
        5: _VALID_FROM + rng.randrange(90) * 86_400,
        7: rng.randbytes(16),
        "vc": {
            "@context": context,
            "version": "1.0.0",
            "type": ["VerifiableCredential", "PublicCovidPass"],
            "credentialSubject": subject,
        },
    }
    signed = key.sign1(cbor.dumps(claims), NZ_KID.encode())
    return "NZCP:/1/" + base64.b32encode(signed).decode().rstrip("=")


def invent_ticket(rng: random.Random, key: Ed25519PrivateKey) -> str:
    """A signed ticket of pretix (pretix_sig1): a seed and what was bought."""
    seed = "".join(rng.choices("abcdefghjklmnpqrstuvwxyz23456789", k=16)).encode()
    item = rng.randint(1, 99)
    payload = b"\x0a" + bytes([len(seed)]) + seed + b"\x10" + bytes([item]) + b"\x18\x00\x20\x00"
    signature = key.sign(payload)
    sizes = len(payload).to_bytes(2, "big") + len(signature).to_bytes(2, "big")
    return base64.b64encode(b"\x01" + sizes + payload + signature).decode()[::-1]


def _deflated(data: bytes) -> bytes:
    """Raw DEFLATE (RFC 1951), as the card's specification asks for."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packing.compress(data) + packing.flush()


def _compact(value: dict[str, object] | dict[str, str]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
