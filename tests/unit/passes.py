"""Signed codes of every kind but the DCC, made for tests; everybody in them is invented."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from gatepost.packing import base45, cbor, cose

if TYPE_CHECKING:
    from gatepost.model import Code

P256 = ec.derive_private_key(20_211_102, ec.SECP256R1())
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PASS_KID = b"gp-key-1"
SHC_KID = "example-key-of-nobody-0123456789abcdefghijk"
SHC_ISSUER = "https://cards.example.org/issuer"
NZ_ISSUER = "did:web:passes.example.nz"
NBF, EXP = 1_640_000_000, 1_900_000_000


def verified(code: Code) -> bool:
    """Whether a code's proof holds under the keys of this file, by cryptography alone."""
    proof = code.proof
    if proof is None:
        return False
    try:
        if proof.algorithm == "EdDSA":
            ED25519.public_key().verify(proof.signature, proof.message)
        elif proof.algorithm == "ES256" and len(proof.signature) == 64:
            r, s = (int.from_bytes(each) for each in (proof.signature[:32], proof.signature[32:]))
            way = ec.ECDSA(hashes.SHA256())
            P256.public_key().verify(encode_dss_signature(r, s), proof.message, way)
        else:
            return False
    except InvalidSignature:
        return False
    return True


# --- SMART Health Cards


def patient(**changes: Any) -> dict[str, Any]:
    """A FHIR patient."""
    name = [{"family": "Mẫu", "given": ["Nguyễn", "Văn"]}]
    return {"resourceType": "Patient", "name": name, "birthDate": "1989-03-04"} | changes


def shot(on: str, code: str) -> dict[str, Any]:
    """A FHIR immunization."""
    coding = [{"system": "http://hl7.org/fhir/sid/cvx", "code": code}]
    told = {"resourceType": "Immunization", "status": "completed", "occurrenceDateTime": on}
    return told | {"vaccineCode": {"coding": coding}}


def shc_claims(*resources: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a card says: a patient and two vaccinations, where nothing else is given."""
    chosen = resources or (patient(), shot("2021-03-01", "208"), shot("2021-04-01", "208"))
    entries = [{"fullUrl": f"resource:{at}", "resource": each} for at, each in enumerate(chosen)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    vc = {
        "type": ["https://smarthealth.cards#health-card"],
        "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": bundle},
    }
    return {"iss": SHC_ISSUER, "nbf": NBF + 0.5, "vc": vc} | changes


def shc(told: Any = None, *, packed: bytes | None = None, **header: Any) -> str:
    """A card; `packed` instead of what DEFLATE makes of `told`."""
    if packed is None:
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        text = json.dumps(shc_claims() if told is None else told)
        packed = stream.compress(text.encode()) + stream.flush()
    head = json.dumps({"zip": "DEF", "alg": "ES256", "kid": SHC_KID} | header).encode()
    message = f"{_url(head)}.{_url(packed)}"
    der = P256.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
    signature = b"".join(each.to_bytes(32) for each in decode_dss_signature(der))
    return as_digits(f"{message}.{_url(signature)}")


def as_digits(token: str) -> str:
    """A JWS as a card has it."""
    return "shc:/" + "".join(f"{ord(each) - 45:02}" for each in token)


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# --- NZ COVID Passes


def nz_claims(**changes: Any) -> dict[Any, Any]:
    """What a pass says; `changes` to its credential."""
    vc = {
        "@context": [
            "https://www.w3.org/2018/credentials/v1",
            "https://nzcp.covid19.health.nz/contexts/v1",
        ],
        "version": "1.0.0",
        "type": ["VerifiableCredential", "PublicCovidPass"],
        "credentialSubject": {"givenName": "Ann", "familyName": "Example", "dob": "1960-04-16"},
    }
    return {1: NZ_ISSUER, 4: EXP, 5: NBF, 7: bytes(range(16)), "vc": vc | changes}


def nzcp(told: Any = None, *, kid: Any = "key-1") -> str:
    """A NZ COVID Pass."""
    payload = cbor.dumps(nz_claims() if told is None else told)
    return "NZCP:/1/" + as_base32(cose.sign1(payload, kid, P256))


def as_base32(data: bytes) -> str:
    """Bytes as a pass has them."""
    return base64.b32encode(data).decode().rstrip("=")


# --- pretix


def varint(number: int) -> bytes:
    """A whole number as protobuf writes it."""
    number %= 1 << 64
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def ticket_payload(seed: bytes = b"aB3dE5gH7", **numbers: int) -> bytes:
    """A ticket's protobuf; of `numbers` those that are not 0 stand in it."""
    told = {"item": 11, "variation": 12, "subevent": 0, "valid_from": NBF, "valid_until": EXP}
    parts = [b"\x0a" + varint(len(seed)) + seed]
    parts += [
        bytes([field << 3]) + varint(value)
        for field, value in enumerate((told | numbers).values(), 2)
        if value
    ]
    return b"".join(parts)


def pretix(payload: bytes | None = None) -> str:
    """A ticket signed as pretix signs it."""
    payload = ticket_payload() if payload is None else payload
    signature = ED25519.sign(payload)
    sizes = len(payload).to_bytes(2) + len(signature).to_bytes(2)
    return base64.b64encode(b"\x01" + sizes + payload + signature).decode()[::-1]


# --- our own


def holder(**changes: Any) -> dict[Any, Any]:
    """A pass's claims; `changes`: of the private map, by `name`, `role`, `places`."""
    told = {"name": "Nguyễn Văn Mẫu", "role": 1, "places": ["site-1"]} | changes
    inner = {label: told[name] for label, name in enumerate(("name", "role", "places"), 1)}
    private = {label: value for label, value in inner.items() if value is not None}
    return {4: EXP, 5: NBF, 7: bytes(range(12)), -65537: private}


def gp(told: Any = None, *, kid: Any = PASS_KID) -> str:
    """One of our passes, made by hand."""
    payload = cbor.dumps(holder() if told is None else told)
    return "GP1:" + base45.encode(cose.sign1(payload, kid, ED25519))
