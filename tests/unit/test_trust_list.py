"""A trust list as JSON: taken whole, or refused with the places of its problems."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from dccs import certificate, ec_key, kid_of, rsa_key
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from jsonschema import Draft202012Validator

from gatepost import trust
from gatepost.contract import read
from gatepost.errors import TrustError
from gatepost.model import Kind
from gatepost.packing import base64url
from gatepost.trust.listing import MOST_BYTES

SCHEMA = Draft202012Validator(json.loads(read("trust.json")))
DER = certificate(ec_key())
BASE64 = base64.b64encode(DER).decode()
P_384_CERTIFICATE = base64.b64encode(certificate(ec_key("a", "P-384"))).decode()
ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
ED_JWK = OKPKey.import_key(ED).as_dict()
EC_JWK = ECKey.import_key(ec_key().public_key()).as_dict()
P384_JWK = ECKey.import_key(ec_key("a", "P-384").public_key()).as_dict()
RSA_JWK = RSAKey.import_key(rsa_key().public_key()).as_dict()
PRIVATE_JWK = ECKey.import_key(ec_key()).as_dict(private=True)
ISSUER = "https://example.com/issuer"


def sealing_key(kid: str, number: int = 1, **changed: Any) -> dict[str, Any]:
    public = OKPKey.import_key(
        {"kty": "OKP", "crv": "X25519", "x": base64url.encode(bytes([9, number] + [7] * 30))}
    ).as_dict()
    return {**public, "kid": kid, "since": "2026-11-01T00:00:00Z", **changed}


def told(**changed: Any) -> dict[str, Any]:
    whole = {
        "type": "gatepost-trust",
        "version": 7,
        "issued": "2026-11-24T08:00:00Z",
        "audience": ["*"],
        "keys": [],
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def parsed(**changed: Any) -> trust.TrustList:
    whole = told(**changed)
    SCHEMA.validate(whole)
    return trust.parse_list(json.dumps(whole).encode())


def problems(whole: Any) -> str:
    with pytest.raises(TrustError) as caught:
        trust.parse_list(whole if isinstance(whole, bytes) else json.dumps(whole).encode())
    return str(caught.value)


def one(**entry: Any) -> trust.TrustedKey:
    (key,) = parsed(keys=[entry]).keys
    return key


def test_an_empty_list_is_one() -> None:
    empty = parsed()
    assert (empty.version, empty.keys, empty.revoked, empty.central) == (7, (), frozenset(), ())
    assert (empty.issued, empty.audience) == ("2026-11-24T08:00:00Z", ("*",))
    assert trust.NOTHING.version == 0


def test_a_certificate_gives_its_key_names_and_times() -> None:
    key = one(kind="dcc", certificate=BASE64)
    assert (key.kind, key.issuer, key.kid) == (Kind.DCC, "", kid_of(DER))
    assert key.name == "Ministry of Examples, VN"
    assert key.not_before_s is not None
    assert key.not_after_s is not None
    named = one(kind="dcc", certificate=BASE64, issuer="VN", name="Bộ Y tế", kid="AAAA")
    assert (named.issuer, named.name, named.kid) == ("VN", "Bộ Y tế", bytes(3))


def test_a_health_cards_kid_is_its_thumbprint() -> None:
    key = one(kind="shc", issuer=ISSUER, jwk=EC_JWK)
    assert key.kid == ECKey.import_key(EC_JWK).thumbprint().encode()
    assert key.name == ISSUER
    assert one(kind="shc", jwk={**EC_JWK, "kid": "own", "use": "sig"}).kid == b"own"
    assert one(kind="shc", jwk={**EC_JWK, "kid": "own"}, kid="other").kid == b"other"


def test_a_passs_kid_is_that_of_its_raw_key() -> None:
    key = one(kind="pass", jwk=ED_JWK)
    assert key.kid == hashlib.sha256(ED.public_bytes_raw()).digest()[:8]
    assert one(kind="pass", jwk=ED_JWK, kid=base64url.encode(b"kid")).kid == b"kid"


def test_nz_passes_name_their_key_and_tickets_none() -> None:
    assert one(kind="nzcp", issuer="did:web:example.com", kid="key-1", jwk=EC_JWK).kid == b"key-1"
    assert one(kind="nzcp", jwk=EC_JWK).kid == b""
    assert one(kind="pretix", jwk=ED_JWK).kid == b""


def test_what_a_later_list_says_beyond_is_passed_over() -> None:
    assert parsed(later={"any": 1}).version == 7


def test_revoked_codes_are_known_by_half_a_digest_and_more() -> None:
    digest = hashlib.sha256(b"pass-1").hexdigest()
    for shown in (digest, digest[:32], digest[:40].upper()):
        revoking = parsed(revoked=[{"kind": "pass", "id": shown}])
        assert revoking.is_revoked(Kind.PASS, "pass-1")
        assert not revoking.is_revoked(Kind.PASS, "pass-2")
        assert not revoking.is_revoked(Kind.DCC, "pass-1")


def test_the_newest_central_key_is_the_first() -> None:
    keys = [
        sealing_key("old", 1, since="2025-01-01T00:00:00Z"),
        sealing_key("new", 2, since="2026-11-01T00:30:00+01:00"),
        sealing_key("middle", 3, since="2026-10-31T23:00:00.5Z"),
    ]
    central = parsed(central=keys).central
    assert [key.kid for key in central] == ["new", "middle", "old"]
    assert not any(key.is_private for key in central)


LOW_ORDER = base64url.encode(bytes(32))
BAD = {
    "no JSON": (b"{", "not a trust list"),
    "no UTF-8": (b"\xff", "not a trust list"),
    "cut in half": (json.dumps(told()).encode()[:60], "not a trust list"),
    "a member twice": (b'{"type":"gatepost-trust","version":1,"version":2}', "not a trust list"),
    "too large": (b" " * (MOST_BYTES + 1), "not a trust list"),
    "deep": (b"[" * 100_000, "not a trust list"),
    "a list": ([], "its type must be"),
    "another type": (told(type="gatepost-rules"), "its type must be"),
    "no version": (told(version=...), "version: must be"),
    "version 0": (told(version=0), "version: must be"),
    "version true": (told(version=True), "version: must be"),
    "version as text": (told(version="7"), "version: must be"),
    "version as a float": (told(version=7.0), "version: must be"),
    "version beyond": (told(version=2**53), "version: must be"),
    "no time": (told(issued=...), "issued: must be"),
    "time without zone": (told(issued="2026-11-24T08:00:00"), "issued: must be"),
    "time of no calendar": (told(issued="2026-02-30T08:00:00Z"), "issued: must be"),
    "no audience": (told(audience=...), "audience: must be"),
    "empty audience": (told(audience=[]), "audience: must be"),
    "audience as text": (told(audience="*"), "audience: must be"),
    "no keys": (told(keys=...), "keys: must be a list"),
    "keys as a map": (told(keys={}), "keys: must be a list"),
    "many keys": (told(keys=[0] * 20_001), "keys: 20001, at most 20000"),
    "a key as text": (told(keys=["key"]), "keys[0]: must be an object"),
    "unknown kind": (told(keys=[{"kind": "pc-covid", "jwk": EC_JWK}]), "keys[0].kind: must be"),
    "kind of a list": (told(keys=[{"kind": ["dcc"], "jwk": EC_JWK}]), "keys[0].kind: must be"),
    "unknown member": (
        told(keys=[{"kind": "shc", "jwk": EC_JWK, "until": "2027"}]),
        "keys[0].until: unknown",
    ),
    "no key": (told(keys=[{"kind": "shc"}]), "keys[0]: must have either"),
    "two keys": (
        told(keys=[{"kind": "shc", "jwk": EC_JWK, "certificate": BASE64}]),
        "keys[0]: must have either",
    ),
    "no Base64": (told(keys=[{"kind": "dcc", "certificate": "*"}]), "keys[0].certificate: must be"),
    "no text": (told(keys=[{"kind": "dcc", "certificate": 5}]), "keys[0].certificate: must be"),
    "no certificate": (
        told(keys=[{"kind": "dcc", "certificate": "AAAA"}]),
        "keys[0].certificate: no certificate that can be read",
    ),
    "a certificate of RSA for cards": (
        told(
            keys=[{"kind": "shc", "certificate": base64.b64encode(certificate(rsa_key())).decode()}]
        ),
        "keys[0].certificate: must be P-256",
    ),
    "a certificate of RSA 1024": (
        told(
            keys=[
                {
                    "kind": "dcc",
                    "certificate": base64.b64encode(certificate(rsa_key(1024))).decode(),
                }
            ]
        ),
        "keys[0].certificate: must be P-256, P-384 or RSA",
    ),
    "P-384 for cards": (
        told(keys=[{"kind": "shc", "jwk": P384_JWK}]),
        "keys[0].jwk: must be P-256",
    ),
    "RSA as JWK": (told(keys=[{"kind": "dcc", "jwk": RSA_JWK}]), "keys[0].jwk: must be P-256"),
    "Ed25519 for cards": (
        told(keys=[{"kind": "shc", "jwk": ED_JWK}]),
        "keys[0].jwk: must be P-256",
    ),
    "P-256 for passes": (
        told(keys=[{"kind": "pass", "jwk": EC_JWK}]),
        "keys[0].jwk: must be Ed25519",
    ),
    "a point beside the curve": (
        told(keys=[{"kind": "shc", "jwk": {**EC_JWK, "y": EC_JWK["x"]}}]),
        "keys[0].jwk: no key",
    ),
    "a short point": (
        told(keys=[{"kind": "pass", "jwk": {**ED_JWK, "x": "AA"}}]),
        "keys[0].jwk: no key",
    ),
    "no point": (
        told(keys=[{"kind": "pass", "jwk": {"kty": "OKP", "crv": "Ed25519"}}]),
        "keys[0].jwk",
    ),
    "curve of another type": (
        told(keys=[{"kind": "shc", "jwk": {**EC_JWK, "kty": "OKP"}}]),
        "keys[0].jwk: must be P-256 or Ed25519",
    ),
    "curve of a list": (told(keys=[{"kind": "shc", "jwk": {**EC_JWK, "crv": []}}]), "keys[0].jwk"),
    "a private key": (
        told(keys=[{"kind": "shc", "jwk": PRIVATE_JWK}]),
        "keys[0].jwk: this is a PRIVATE",
    ),
    "jwk as text": (told(keys=[{"kind": "shc", "jwk": "key"}]), "keys[0].jwk: must be an object"),
    "kid of no Base64url": (
        told(keys=[{"kind": "pass", "jwk": ED_JWK, "kid": "+/=="}]),
        "keys[0].kid: must be Base64url",
    ),
    "kid beyond ASCII": (
        told(keys=[{"kind": "shc", "jwk": EC_JWK, "kid": "khóa"}]),
        "keys[0].kid: must",
    ),
    "kid in the key beyond ASCII": (
        told(keys=[{"kind": "shc", "jwk": {**EC_JWK, "kid": "khóa"}}]),
        "keys[0].jwk.kid: must",
    ),
    "empty kid": (
        told(keys=[{"kind": "shc", "jwk": EC_JWK, "kid": ""}]),
        "keys[0].kid: must be a text",
    ),
    "kid of a ticket": (
        told(keys=[{"kind": "pretix", "jwk": ED_JWK, "kid": "AA"}]),
        "keys[0].kid: tickets",
    ),
    "name with a line end": (
        told(keys=[{"kind": "shc", "jwk": EC_JWK, "name": "a\nb"}]),
        "keys[0].name: must be a text",
    ),
    "issuer of 4 KB": (
        told(keys=[{"kind": "shc", "jwk": EC_JWK, "issuer": "h" * 4096}]),
        "keys[0].issuer: must be a text",
    ),
    "many of one kid": (
        told(keys=[{"kind": "pretix", "jwk": ED_JWK}] * 17),
        "keys[16]: more of this kind and kid",
    ),
    "many slow ones of one kid": (
        told(keys=[{"kind": "dcc", "certificate": P_384_CERTIFICATE, "kid": "AA"}] * 3),
        "keys[2]: more of this kind and kid",
    ),
    "revoked as text": (told(revoked=["id"]), "revoked[0]: must hold kind and id alone"),
    "revoked of no kind": (
        told(revoked=[{"kind": "url", "id": "0" * 32}]),
        "revoked[0].kind: must be",
    ),
    "revoked by little": (
        told(revoked=[{"kind": "pass", "id": "0" * 30}]),
        "revoked[0].id: must be",
    ),
    "revoked by half a byte": (told(revoked=[{"kind": "pass", "id": "0" * 33}]), "revoked[0].id"),
    "revoked by no hex": (
        told(revoked=[{"kind": "pass", "id": "g" * 32}]),
        "revoked[0].id: must be",
    ),
    "revoked and more": (
        told(revoked=[{"kind": "pass", "id": "0" * 32, "until": 1}]),
        "revoked[0]: must hold",
    ),
    "many revoked": (told(revoked=[0] * 200_001), "revoked: 200001, at most 200000"),
    "central private": (
        told(central=[sealing_key("a", d="AAAA")]),
        "central[0]: this is a PRIVATE key",
    ),
    "central of another curve": (
        told(central=[{**ED_JWK, "kid": "a"}]),
        "central[0]: must be X25519",
    ),
    "central without kid": (told(central=[sealing_key("")]), "central[0]: must have a kid"),
    "central of low order": (
        told(central=[sealing_key("a", x=LOW_ORDER)]),
        "central[0]: nothing can",
    ),
    "central without since": (
        told(central=[sealing_key("a", since=None)]),
        "central[0].since: must be",
    ),
    "central as text": (told(central=["key"]), "central[0]: must be an object"),
    "many central": (told(central=[sealing_key("a")] * 17), "central: 17, at most 16"),
}


@pytest.mark.parametrize(("whole", "text"), BAD.values(), ids=BAD.keys())
def test_a_list_that_is_none_is_refused_with_its_place(whole: Any, text: str) -> None:
    assert text in problems(whole)


FOR_CODE_ALONE = {  # what a schema cannot say
    "time of no calendar",
    "no Base64",
    "no certificate",
    "a certificate of RSA for cards",
    "a certificate of RSA 1024",
    "Ed25519 for cards",
    "P-256 for passes",
    "a point beside the curve",
    "a short point",
    "curve of another type",
    "kid of no Base64url",
    "kid beyond ASCII",
    "kid in the key beyond ASCII",
    "kid of a ticket",
    "name with a line end",
    "many of one kid",
    "many slow ones of one kid",
    "central of low order",
    "version as a float",  # JSON Schema takes 7.0 for an integer
}


@pytest.mark.parametrize(
    "whole",
    [whole for name, (whole, _) in BAD.items() if name not in FOR_CODE_ALONE and whole != b""],
)
def test_the_published_schema_refuses_it_too(whole: Any) -> None:
    if not isinstance(whole, bytes):
        assert not SCHEMA.is_valid(whole)


def test_one_bad_key_is_the_end_of_the_whole_list() -> None:
    keys = [{"kind": "dcc", "certificate": BASE64}] * 3 + [{"kind": "shc", "jwk": P384_JWK}]
    assert problems(told(keys=keys)) == "keys[3].jwk: must be P-256 or Ed25519"


def test_the_first_problems_are_told_a_line_each() -> None:
    text = problems(told(version=0, keys=[{"kind": "?"}] * 100)).splitlines()
    assert len(text) == 8
    assert text[0].startswith("version")
    assert text[1].startswith("keys[0].kind")


def test_what_a_problem_shows_of_a_list_is_short_and_ascii() -> None:
    shown = problems(told(keys=[{"\x1b[2J" + "é" * 500: 1}]))
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 200


def test_a_large_list_is_read() -> None:
    revoked = [{"kind": "pass", "id": f"{number:032x}"} for number in range(20_000)]
    jwk = ECKey.import_key(ec.derive_private_key(5, ec.SECP256R1()).public_key()).as_dict()
    keys = [{"kind": "shc", "jwk": jwk, "kid": f"key-{number}"} for number in range(500)]
    large = parsed(revoked=revoked, keys=keys)
    assert (len(large.keys), len(large.revoked)) == (500, 20_000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("dcc"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "jwk", "kty", "crv", "kid", "x", "id"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.sampled_from(["version", "issued", "audience", "keys", "revoked", "central"]), VALUES)
def test_any_value_of_a_member_is_read_or_refused(member: str, value: Any) -> None:
    whole = json.dumps(told(**{member: value})).encode()
    try:
        assert trust.parse_list(whole).version >= 1
    except TrustError as error:
        assert member in str(error)  # noqa: PT017 - either is right, nothing else
