"""What a fuzzer begins with: a good code of each kind, and payloads to be wrapped and signed."""

from __future__ import annotations

import json
import zlib

from fuzz.wrapping import DCC_KID, NZCP_ISSUER, PASS_KID, REVOKED, SHC_ISSUER, WRAPPINGS
from gatepost.packing import cbor

_ENTRY = {
    "tg": "840539006",
    "vp": "1119349007",
    "mp": "EU/1/20/1528",
    "ma": "ORG-100030215",
    "dn": 2,
    "sd": 2,
    "dt": "2021-09-01",
    "co": "VN",
    "is": "Ministry of Examples",
    "ci": "URN:UVCI:01:VN:0123456789ABCDEF#A",
}
_TEST = {
    "tg": "840539006",
    "tt": "LP6464-4",
    "nm": "Example PCR",
    "sc": "2021-02-20T12:34:56Z",
    "tr": "260415000",
    "tc": "Example",
    "co": "VN",
    "is": "Ministry of Examples",
    "ci": "URN:UVCI:01:VN:0123456789ABCDE0#B",
}
_RECOVERY = {
    "tg": "840539006",
    "fr": "2021-02-20",
    "co": "VN",
    "is": "Ministry of Examples",
    "df": "2021-04-04",
    "du": "2021-10-04",
    "ci": "URN:UVCI:01:VN:0123456789ABCDE1#C",
}
_NAME = {"fn": "Mẫu", "gn": "Nguyễn Văn", "fnt": "MAU", "gnt": "NGUYEN<VAN"}
TEXTS = (
    "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|1<GD4877*******<0943******",
    "099201000001|123456789|Nguyễn Văn Mẫu|01021989|Nam|Xã Mẫu, Tỉnh Thử|01032021",
    "GD4797930001234|4e677579e1bb856e2056c4836e204d|01/02/1989|1|Xa Mau|01 - 001|-|$",
    "https://qr.tokhaiyte.vn/vi-du",
    "NZCOVIDTRACER:eyJnbG4iOiI3MDAwMDAwMDAwMDAwIiwidmVyIjoiYzE5OjEiLCJ0eXAiOiJlbnRyeSJ9",
    "UKC19TRACING:1:eyJhbGciOiJFUzI1NiJ9.eyJpZCI6IkExIiwib3BuIjoiViJ9.AAAA",
    "GATEPOST-SITE:site-1",
    "mdoc:owBjMS4wAYIB2BhYS6QBAiABIVgg",
    "shc:/1/2/5676",
    "HC2:NCFOXN%TS3DH",
    "https://example.com/",
    "just a text",
)


def _dcc(entry: dict[str, object]) -> bytes:
    body: dict[str, object] = {"ver": "1.3.0", "nam": _NAME, "dob": "1989-02-01"} | entry
    return cbor.dumps({1: "VN", 4: 1_900_000_000, 6: 1_640_000_000, -260: {1: body}})


def _shc() -> bytes:
    patient = {"resourceType": "Patient", "name": [{"family": "Mau", "given": ["An"]}]}
    shot = {"resourceType": "Immunization", "occurrenceDateTime": "2021-09-01"}
    entries = [{"fullUrl": "resource:0", "resource": patient | {"birthDate": "1989-02-01"}}]
    entries.append({"fullUrl": "resource:1", "resource": shot})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    subject = {"fhirVersion": "4.0.1", "fhirBundle": bundle}
    kinds = ["https://smarthealth.cards#immunization"]
    vc = {"type": kinds, "credentialSubject": subject}
    return json.dumps({"iss": SHC_ISSUER, "nbf": 1_640_000_000.5, "vc": vc}).encode()


def _nzcp() -> bytes:
    vc = {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "version": "1.0.0",
        "type": ["VerifiableCredential", "PublicCovidPass"],
        "credentialSubject": {"givenName": "An", "familyName": "Mau", "dob": "1989-02-01"},
    }
    claims = {1: NZCP_ISSUER, 5: 1_640_000_000, 4: 1_900_000_000, 7: bytes(16), "vc": vc}
    return cbor.dumps(claims)


def _pass(identifier: bytes = bytes(range(12))) -> bytes:
    return cbor.dumps({4: 1_900_000_000, 7: identifier})


def _headed(algorithm: int, kid: bytes) -> bytes:
    """As the wrapping of this name takes it."""
    protected = cbor.dumps({1: algorithm, 4: kid})
    return bytes([len(protected)]) + protected + _dcc({"v": [_ENTRY]})


def seeds() -> list[bytes]:
    """As `text_of` takes them."""
    payloads = {
        "_dcc": [_dcc({"v": [_ENTRY]}), _dcc({"t": [_TEST]}), _dcc({"r": [_RECOVERY], "v": None})],
        "_nzcp": [_nzcp()],
        "_pass": [_pass(), _pass(REVOKED)],
        "_certified": [_dcc({"v": [_ENTRY]}), _dcc({"t": [_TEST]})],
        "_unzipped": [zlib.compress(b"\xd2\x84"), b"\x78\x9c"],
        "_spoilt": [_dcc({"v": [_ENTRY]})],
        "_headed": [_headed(-7, DCC_KID), _headed(-8, DCC_KID), _headed(-7, b"stranger")],
        "_shc": [_shc()],
        "_pretix": [b"\x0a\x08seed-one\x10\x01\x18\x02\x20\x03\x28\x80\xd0\xdb\x8d\x06"],
        "_hc1": [cbor.dumps([b"\xa1\x01\x26", {4: DCC_KID}, b"\xa0", bytes(64)])],
        "_cose_only": [cbor.dumps([b"\xa1\x01\x27", {4: PASS_KID}, b"\xa0", bytes(64)])],
        "_raw": [text.encode() for text in TEXTS],
    }
    numbers = {wrapping.__name__: number for number, wrapping in enumerate(WRAPPINGS)}
    return [bytes([numbers[name]]) + each for name, all_ in payloads.items() for each in all_]
