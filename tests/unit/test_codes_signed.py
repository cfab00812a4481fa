"""Every person here is invented; every key is the tests' own."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import replace
from typing import Any

import pytest
from passes import (
    ED25519,
    EXP,
    NBF,
    NZ_ISSUER,
    PASS_KID,
    SHC_ISSUER,
    SHC_KID,
    as_base32,
    as_digits,
    gp,
    holder,
    nz_claims,
    nzcp,
    patient,
    pretix,
    shc,
    shc_claims,
    shot,
    ticket_payload,
    varint,
    verified,
)

from gatepost.codes import recognise
from gatepost.codes.shc import Immunization, Shc
from gatepost.model import Basis, Kind, Layer, told
from gatepost.packing import base45, cbor, cose

SIGNED = {Kind.SHC: shc(), Kind.NZCP: nzcp(), Kind.PRETIX: pretix(), Kind.PASS: gp()}


@pytest.mark.parametrize("kind", SIGNED)
def test_what_is_whole_verifies(kind: Kind) -> None:
    code = recognise(SIGNED[kind])
    assert (code.kind, code.flaw, code.weak) == (kind, None, False)
    assert verified(code)


@pytest.mark.parametrize("kind", SIGNED)
def test_no_flipped_bit_leaves_the_same_claims_under_a_valid_proof(kind: Kind) -> None:
    text = SIGNED[kind]
    prefix = text.rfind("/") + 1 if kind in {Kind.SHC, Kind.NZCP} else 0
    whole = recognise(text)
    for at in range(prefix, len(text)):
        for bit in range(7):
            altered = f"{text[:at]}{chr(ord(text[at]) ^ 1 << bit)}{text[at + 1 :]}"
            code = recognise(altered)
            assert code.identity != whole.identity or not verified(code), (at, bit)
            assert code.claims != whole.claims or not verified(code), (at, bit)


@pytest.mark.parametrize("kind", SIGNED)
def test_what_is_cut_is_never_believed(kind: Kind) -> None:
    text = SIGNED[kind]
    for cut in range(len(text)):
        for part in (text[:cut], text[cut + 1 :], text[:cut] + text[cut + 1 :]):
            assert not verified(recognise(part)), cut


# --- SMART Health Cards


def test_a_card_is_understood() -> None:
    code = recognise(shc())
    assert isinstance(code.claims, Shc)
    assert code.claims.immunizations == (
        Immunization("2021-03-01", "208"),
        Immunization("2021-04-01", "208"),
    )
    assert told(code.claims) == {
        "name": "Nguyễn Văn Mẫu",
        "birth": "1989-03-04",
        "immunizations": "2021-03-01 208, 2021-04-01 208",
        "issuer": SHC_ISSUER,
        "issued": "2021-12-20T11:33:20.500000Z",
    }
    assert code.initials == "N.V.M."
    assert code.proof is not None
    assert (code.proof.kid, code.proof.issuer) == (SHC_KID.encode(), SHC_ISSUER)
    assert (code.proof.not_before_s, code.proof.not_after_s) == (NBF + 0.5, None)


def test_a_card_is_identified_by_its_payload_alone() -> None:
    one, same = recognise(shc()), recognise(shc())
    other = recognise(shc(shc_claims(nbf=NBF + 1)))
    assert one.basis is Basis.CONTENT
    assert one.identity == same.identity != other.identity
    letters = "".join(chr(int(a + b) + 45) for a, b in zip(*[iter(shc()[5:])] * 2, strict=True))
    payload = base64.urlsafe_b64decode(letters.split(".")[1] + "==")
    assert one.identity == hashlib.sha256(payload).hexdigest()


def test_a_card_may_run_out() -> None:
    proof = recognise(shc(shc_claims(exp=EXP))).proof
    assert proof is not None
    assert proof.not_after_s == EXP


def test_the_scheme_may_be_in_capitals_and_a_single_part_is_a_whole() -> None:
    assert recognise(shc().replace("shc:/", "SHC:/")).flaw is None
    assert verified(recognise(shc().replace("shc:/", "shc:/1/1/")))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", ""])
def test_an_algorithm_is_given_on_as_it_is_named(algorithm: str) -> None:
    proof = recognise(shc(alg=algorithm)).proof
    assert proof is not None
    assert proof.algorithm == algorithm


def test_a_patient_may_have_a_text_for_a_name_and_no_birth() -> None:
    code = recognise(shc(shc_claims(patient(name=[{"text": "Ann Example"}], birthDate=None))))
    assert told(code.claims)["name"] == "Ann Example"
    assert "birth" not in told(code.claims)


def test_a_vaccination_without_code_or_day_costs_nothing() -> None:
    bare = {"resourceType": "Immunization"}
    code = recognise(shc(shc_claims(patient(), bare, shot("2021-02-30", "208"), shot("2021", ""))))
    assert isinstance(code.claims, Shc)
    assert [str(each) for each in code.claims.immunizations] == ["208", "2021"]


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("shc:/", Layer.STRUCTURE),
        ("shc:/1/3/5676", Layer.PARTIAL),
        ("shc:/3/3/5676", Layer.PARTIAL),
        (shc()[:-1], Layer.ENCODING),
        (shc()[:9] + "x" + shc()[10:], Layer.ENCODING),
        (shc()[:9] + "٣" + shc()[10:], Layer.ENCODING),
        ("shc:/99" + shc()[7:], Layer.ENCODING),
        (as_digits("a.b"), Layer.STRUCTURE),
        (as_digits("e30.e30.x:x"), Layer.ENCODING),
        (as_digits("W10.e30.AAAA"), Layer.STRUCTURE),
        (as_digits("bm9uZQ.e30.AAAA"), Layer.STRUCTURE),
        (shc(zip="none"), Layer.STRUCTURE),
        (shc(zip=None), Layer.STRUCTURE),
        (shc(packed=b"no deflate"), Layer.COMPRESSION),
        (shc(packed=deflated(b"{}")[:-1]), Layer.COMPRESSION),
        (shc(packed=zlib.compress(b"{}")), Layer.COMPRESSION),
        (shc(packed=deflated(bytes(70_000))), Layer.COMPRESSION),
        (shc(packed=deflated(b"[" * 5000)), Layer.STRUCTURE),
        (shc(packed=deflated(b"[" + b"{}," * 2500 + b"{}]")), Layer.STRUCTURE),
        (shc(packed=deflated(b'{"iss":1,"iss":2}')), Layer.STRUCTURE),
        (shc(packed=deflated(b'{"nbf":NaN}')), Layer.STRUCTURE),
        (shc(packed=deflated(b"\xff")), Layer.STRUCTURE),
        (shc([]), Layer.STRUCTURE),
        (shc({}), Layer.CONTENT),
        (shc(shc_claims(iss=5)), Layer.CONTENT),
        (shc(shc_claims(iss="\ud800")), Layer.CONTENT),
        (shc(shc_claims(iss="http://cards.example.org/issuer")), Layer.CONTENT),
        (shc(shc_claims(iss="cards.example.org/issuer")), Layer.CONTENT),
        (shc(shc_claims(iss="https://cards.example.org/issuer/")), Layer.CONTENT),
        (shc({k: v for k, v in shc_claims().items() if k != "nbf"} | {"iat": 1}), Layer.CONTENT),
        (shc(packed=deflated(b"\xef\xbb\xbf{}")), Layer.STRUCTURE),
        (shc(shc_claims(nbf=True)), Layer.CONTENT),
        (shc(shc_claims(nbf="0")), Layer.CONTENT),
        (shc(shc_claims(nbf=10**300)), Layer.CONTENT),
        (shc(shc_claims(exp=None)), Layer.CONTENT),
        (shc(shc_claims(vc=None)), Layer.CONTENT),
        (shc(shc_claims(vc={"credentialSubject": {"fhirBundle": {"entry": 1}}})), Layer.CONTENT),
        (shc(shc_claims(shot("2021", "208"))), Layer.CONTENT),
        (shc(shc_claims(patient(), patient())), Layer.CONTENT),
        (shc(shc_claims(patient(name=[]))), Layer.CONTENT),
        (shc(shc_claims(patient(name=["Ann"]))), Layer.CONTENT),
        (shc(shc_claims(patient(name=[{"given": "Ann"}]))), Layer.CONTENT),
        (shc(shc_claims(patient(name=[{"family": "a" * 4096}]))), Layer.CONTENT),
        (shc(kid="\ud800"), Layer.CONTENT),
    ],
)
def test_a_broken_card_names_its_layer(text: str, layer: Layer) -> None:
    code = recognise(text)
    assert (code.kind, code.flaw, code.proof) == (Kind.SHC, layer, None)


# --- NZ COVID Passes


def test_a_nz_pass_is_understood() -> None:
    code = recognise(nzcp())
    assert told(code.claims) == {
        "given": "Ann",
        "family": "Example",
        "birth": "1960-04-16",
        "issuer": NZ_ISSUER,
        "jti": "urn:uuid:00010203-0405-0607-0809-0a0b0c0d0e0f",
        "not_before": "2021-12-20T11:33:20Z",
        "expires": "2030-03-17T17:46:40Z",
    }
    assert (code.identity, code.basis) == (told(code.claims)["jti"], Basis.CONTENT)
    assert code.initials == "A.E."
    assert code.proof is not None
    assert (code.proof.algorithm, code.proof.issuer) == ("ES256", NZ_ISSUER)
    assert code.proof.issued_s == NBF
    assert (code.proof.not_before_s, code.proof.not_after_s) == (NBF, EXP)


@pytest.mark.parametrize("kid", ["key-1", b"key-1"])
def test_the_kid_is_text_as_specified_or_bytes_as_in_the_examples(kid: Any) -> None:
    code = recognise(nzcp(kid=kid))
    assert code.proof is not None
    assert code.proof.kid == b"key-1"
    assert verified(code)


def test_a_family_name_need_not_be() -> None:
    told_ = nz_claims(credentialSubject={"givenName": "Ann", "dob": "1960-04-16"})
    assert recognise(nzcp(told_)).initials == "A."


def padded(text: str) -> str:
    return text + "=" * (-(len(text) - len("NZCP:/1/")) % 8)


def test_a_pass_may_be_padded() -> None:
    texts = [nzcp(kid=kid) for kid in ("key-1", "key-12")]
    assert any(padded(text).endswith("=") for text in texts)
    assert [recognise(padded(text)) for text in texts] == [recognise(text) for text in texts]


def unsigned_header() -> bytes:
    signed = cose.parse(base64.b32decode(nzcp()[8:] + "=" * (-len(nzcp()[8:]) % 8)))
    return b"\xd2" + cbor.dumps([signed.protected, {9: 9}, signed.payload, signed.signature])


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("NZCP:/2/" + nzcp()[8:], Layer.PREFIX),
        ("NZCP:/01/" + nzcp()[8:], Layer.PREFIX),
        ("NZCP:/" + nzcp()[8:], Layer.PREFIX),
        (nzcp().lower(), Layer.PREFIX),
        (padded(nzcp()) + "=", Layer.ENCODING),
        (padded(nzcp())[:40] + "=" + padded(nzcp())[41:], Layer.ENCODING),
        (nzcp()[:30] + "1" + nzcp()[31:], Layer.ENCODING),
        (nzcp()[:30] + "đ" + nzcp()[31:], Layer.ENCODING),
        ("NZCP:/1/", Layer.STRUCTURE),
        ("NZCP:/1/AAA", Layer.ENCODING),
        ("NZCP:/1/AAAB", Layer.ENCODING),
        ("NZCP:/1/" + as_base32(b"\xd2\x84"), Layer.STRUCTURE),
        ("NZCP:/1/" + as_base32(b"\xd2\x9f\xff"), Layer.STRUCTURE),
        ("NZCP:/1/" + as_base32(unsigned_header()), Layer.STRUCTURE),
        (nzcp(b"not a map"), Layer.STRUCTURE),
        (
            "NZCP:/1/" + as_base32(b"\xd2" + cbor.dumps([b"", {}, bytes(2100), b""])),
            Layer.STRUCTURE,
        ),
        (nzcp({}), Layer.CONTENT),
        (nzcp(kid=5), Layer.CONTENT),
        (nzcp(kid=b""), Layer.CONTENT),
        (nzcp(nz_claims() | {1: "https://example.nz"}), Layer.CONTENT),
        (nzcp(nz_claims() | {4: "2030"}), Layer.CONTENT),
        (nzcp(nz_claims() | {5: float("nan")}), Layer.CONTENT),
        (nzcp(nz_claims() | {7: bytes(15)}), Layer.CONTENT),
        (nzcp(nz_claims() | {7: "urn:uuid:1"}), Layer.CONTENT),
        (nzcp(nz_claims() | {"vc": 1}), Layer.CONTENT),
        (nzcp({key: value for key, value in nz_claims().items() if key != 4}), Layer.CONTENT),
        (nzcp(nz_claims(version="1.1.0")), Layer.CONTENT),
        (nzcp(nz_claims(type=["VerifiableCredential"])), Layer.CONTENT),
        (nzcp({**nz_claims(), "vc": nz_claims()["vc"] | {"@context": []}}), Layer.CONTENT),
        (nzcp(nz_claims(credentialSubject={"givenName": "a" * 101, "dob": "1"})), Layer.CONTENT),
        (nzcp(nz_claims(credentialSubject={"givenName": "Ann"})), Layer.CONTENT),
    ],
)
def test_a_broken_nz_pass_names_its_layer(text: str, layer: Layer) -> None:
    code = recognise(text)
    assert (code.kind, code.flaw, code.proof) == (Kind.NZCP, layer, None)


# --- pretix


def test_a_ticket_is_understood() -> None:
    code = recognise(pretix())
    assert (code.identity, code.basis) == ("aB3dE5gH7", Basis.PASS)
    assert told(code.claims) == {
        "item": "11",
        "variation": "12",
        "subevent": "0",
        "valid_from": "2021-12-20T11:33:20Z",
        "valid_until": "2030-03-17T17:46:40Z",
    }
    assert code.proof is not None
    assert (code.proof.algorithm, code.proof.kid, code.proof.issuer) == ("EdDSA", b"", "")
    assert (code.proof.not_before_s, code.proof.not_after_s) == (NBF, EXP)


def test_a_ticket_without_times_is_valid_at_any() -> None:
    proof = recognise(pretix(ticket_payload(valid_from=0, valid_until=0))).proof
    assert proof is not None
    assert (proof.not_before_s, proof.not_after_s) == (None, None)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 2**32, 2**63 - 1, -1, -(2**63)])
def test_whole_numbers_come_back(number: int) -> None:
    code = recognise(pretix(ticket_payload(item=number)))
    assert int(told(code.claims)["item"]) == number


def test_what_a_later_pretix_adds_is_passed_over() -> None:
    more = b"".join((varint(7 << 3 | 1), bytes(8), varint(8 << 3 | 5), bytes(4), b"\x4a\x01x"))
    code = recognise(pretix(ticket_payload() + more))
    assert code.identity == "aB3dE5gH7"
    assert verified(code)


def resized(payload: int, signature: int) -> str:
    data = bytearray(base64.b64decode(pretix()[::-1]))
    data[1:5] = payload.to_bytes(2) + signature.to_bytes(2)
    return base64.b64encode(data).decode()[::-1]


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        (pretix()[1:], Layer.ENCODING),
        (pretix()[:9] + "-" + pretix()[10:], Layer.ENCODING),
        (pretix()[4:], Layer.STRUCTURE),
        (resized(3, 64), Layer.STRUCTURE),
        (pretix(b""), Layer.CONTENT),
        (pretix(ticket_payload(b"")), Layer.CONTENT),
        (pretix(ticket_payload(b"\xff\xfe")), Layer.CONTENT),
        (pretix(ticket_payload(b"a" * 65, item=0, variation=0)), Layer.CONTENT),
        (pretix(b"\x0a\x05ab"), Layer.STRUCTURE),
        (pretix(b"\x08"), Layer.STRUCTURE),
        (pretix(b"\x10" + b"\xff" * 11), Layer.STRUCTURE),
        (pretix(b"\x10" + b"\xff" * 9 + b"\x7f"), Layer.STRUCTURE),
        (pretix(b"\x0b\x0c"), Layer.STRUCTURE),
        (pretix(b"\x00\x01"), Layer.STRUCTURE),
        (pretix(ticket_payload() + b"\x10\x01"), Layer.STRUCTURE),
        (pretix(b"\x08\x01"), Layer.CONTENT),
        (pretix(b"\x0a\x01a\x12\x01b"), Layer.CONTENT),
        (pretix(ticket_payload(valid_until=2**62)), Layer.CONTENT),
    ],
)
def test_a_broken_ticket_names_its_layer(text: str, layer: Layer) -> None:
    code = recognise(text)
    assert (code.kind, code.flaw, code.proof) == (Kind.PRETIX, layer, None)


@pytest.mark.parametrize(
    "text",
    [pretix()[::-1], pretix()[:-1], resized(50, 63), "QA", "words and AAEAAAQA", "AQAAAEAA"],
)
def test_what_has_not_a_tickets_header_is_none(text: str) -> None:
    assert recognise(text).kind is Kind.UNKNOWN


# --- our own passes


def test_a_pass_is_understood() -> None:
    code = recognise(gp())
    assert told(code.claims) == {
        "name": "Nguyễn Văn Mẫu",
        "role": "staff",
        "places": "site-1",
        "valid_from": "2021-12-20T11:33:20Z",
        "valid_until": "2030-03-17T17:46:40Z",
    }
    assert (code.identity, code.basis) == ("AAECAwQFBgcICQoL", Basis.PASS)
    assert code.places == ("site-1",)
    assert code.initials == "N.V.M."
    assert code.proof is not None
    assert (code.proof.algorithm, code.proof.kid) == ("EdDSA", PASS_KID)
    assert (code.proof.not_before_s, code.proof.not_after_s) == (NBF, EXP)


def test_a_pass_of_nobody_for_any_place_is_one() -> None:
    code = recognise(gp({4: EXP, 7: bytes(16)}))
    assert (code.flaw, code.places, code.initials) == (None, (), "")
    assert verified(code)


def with_header(protected: dict[Any, Any], header: dict[Any, Any], tag: bytes = b"\xd2") -> str:
    coded, payload = cbor.dumps(protected), cbor.dumps(holder())
    signature = ED25519.sign(cose.to_be_signed(coded, payload))
    return "GP1:" + base45.encode(tag + cbor.dumps([coded, header, payload, signature]))


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("GP2:" + gp()[4:], Layer.PREFIX),
        ("GP01:" + gp()[4:], Layer.PREFIX),
        (gp().lower().replace("gp1", "GP1"), Layer.ENCODING),
        (gp()[:20] + "#" + gp()[21:], Layer.ENCODING),
        ("GP1::::", Layer.ENCODING),
        ("GP1:", Layer.STRUCTURE),
        (with_header({1: -8, 4: PASS_KID}, {}, b""), Layer.STRUCTURE),
        (with_header({1: -8, 4: PASS_KID}, {}, b"\xd8\x3d\xd2"), Layer.STRUCTURE),
        (with_header({1: -8, 4: PASS_KID}, {5: b"x"}), Layer.STRUCTURE),
        (with_header({1: -8}, {4: PASS_KID}), Layer.STRUCTURE),
        (gp([]), Layer.STRUCTURE),
        (gp({}), Layer.CONTENT),
        (gp(kid=b"short"), Layer.CONTENT),
        (gp(kid="gp-key-1"), Layer.CONTENT),
        (gp(holder() | {4: None}), Layer.CONTENT),
        (gp(holder() | {5: b""}), Layer.CONTENT),
        (gp(holder() | {7: bytes(11)}), Layer.CONTENT),
        (gp(holder() | {7: bytes(17)}), Layer.CONTENT),
        (gp(holder() | {-65537: []}), Layer.CONTENT),
        (gp(holder(name="a" * 41)), Layer.CONTENT),
        (gp(holder(name=7)), Layer.CONTENT),
        (gp(holder(role=4)), Layer.CONTENT),
        (gp(holder(role=True)), Layer.CONTENT),
        (gp(holder(role=[])), Layer.CONTENT),
        (gp(holder(places="site-1")), Layer.CONTENT),
        (gp(holder(places=[""])), Layer.CONTENT),
        (gp(holder(places=["Site 1"])), Layer.CONTENT),
    ],
)
def test_a_broken_pass_names_its_layer(text: str, layer: Layer) -> None:
    code = recognise(text)
    assert (code.kind, code.flaw, code.proof) == (Kind.PASS, layer, None)


def test_another_key_verifies_none_of_them() -> None:
    for text in SIGNED.values():
        code = recognise(text)
        assert code.proof is not None
        other = replace(code, proof=replace(code.proof, message=code.proof.message + b"x"))
        assert not verified(other)
