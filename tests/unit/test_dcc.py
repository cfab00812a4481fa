"""The EU's health certificate: what is read of a whole one, and where a broken one is broken."""

from __future__ import annotations

import zlib
from typing import Any

import cbor2
import pytest
from dccs import EXPIRES, ISSUED, a_test, content, cwt, recovered, signed, text, vaccination
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.codes import dcc
from gatepost.model import Basis, Code, Kind, Layer, told
from gatepost.packing import base45, cbor

WHOLE = text(signed())


def read(code: str) -> Code:
    recognised = dcc.recognise(code)
    assert recognised is not None
    assert recognised.kind is Kind.DCC
    return recognised


def of(told_content: Any = None, **changed: Any) -> Code:
    return read(text(signed(cwt(told_content, **changed))))


def test_a_vaccination_is_read() -> None:
    code = read(WHOLE)
    assert code.flaw is None
    assert (code.identity, code.basis, code.weak) == (
        "URN:UVCI:01:VN:0123456789ABCDEF#X",
        Basis.CONTENT,
        False,
    )
    assert code.initials == "V.A.N."
    assert told(code.claims) == {
        "what": "vaccination",
        "name": "Văn Á Nguyễn",
        "name_transliterated": "NGUYEN<<VAN<A",
        "birth": "1964-08-12",
        "version": "1.3.0",
        "certificate": "URN:UVCI:01:VN:0123456789ABCDEF#X",
        "country": "VN",
        "issuer": "Ministry of Examples",
        "disease": "840539006",
        "date": "2026-08-01",
        "vaccine": "1119349007",
        "product": "EU/1/20/1528",
        "maker": "ORG-100030215",
        "dose": "2",
        "doses": "2",
    }


def test_a_test_is_read() -> None:
    claims = told(of(content(v=..., t=[a_test(nm=None, tc="Centre 1")])).claims)
    assert claims["what"] == "test"
    assert (claims["date"], claims["result"], claims["centre"]) == (
        "2026-09-01",
        "not detected",
        "Centre 1",
    )
    assert "test_name" not in claims


@pytest.mark.parametrize(("tr", "result"), [("260373001", "detected"), ("1", "1")])
def test_a_result_is_told_in_words_where_it_is_known(tr: str, result: str) -> None:
    assert told(of(content(v=..., t=[a_test(tr=tr)])).claims)["result"] == result


def test_a_recovery_is_read() -> None:
    code = of(content(v=..., r=[recovered()]))
    assert code.proof is not None
    assert code.proof.usage == "recovery"
    claims = told(code.claims)
    assert (claims["date"], claims["valid_from"], claims["valid_until"]) == (
        "2026-07-01",
        "2026-07-12",
        "2026-12-28",
    )


def test_the_proof_is_what_was_signed() -> None:
    proof = read(WHOLE).proof
    assert proof is not None
    assert (proof.algorithm, proof.kid, proof.issuer) == ("ES256", b"kid-of-a", "VN")
    assert (proof.not_before_s, proof.not_after_s, proof.issued_s) == (None, EXPIRES, ISSUED)
    assert proof.usage == "vaccination"
    assert proof.message.startswith(b"\x84\x6aSignature1")
    assert len(proof.signature) == 64


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\t"])
def test_what_a_reader_adds_falls_away(end: str) -> None:
    assert read(WHOLE + end) == read(WHOLE)


def test_null_stands_for_what_is_absent() -> None:
    nulls = content(v=[vaccination()], t=None, r=[])
    nulls["nam"] |= {"gn": None, "gnt": None}
    code = of(nulls, exp=None, iss=None, nbf=None)
    assert code.flaw is None
    assert code.initials == "N."
    assert code.proof is not None
    assert (code.proof.not_after_s, code.proof.issuer) == (None, "")


@pytest.mark.parametrize(
    ("dob", "birth"),
    [
        ("1964", "1964"),
        ("1964-08", "1964-08"),
        ("", ""),
        ("1964-08-12T00:00:00", "1964-08-12"),
        ("2000-02-29", "2000-02-29"),
    ],
)
def test_a_birth_may_be_partial_or_have_a_time(dob: str, birth: str) -> None:
    claims = of(content(dob=dob)).claims
    assert isinstance(claims, dcc.Dcc)
    assert claims.birth == birth


@pytest.mark.parametrize(
    "sampled",
    [
        "2026-09-01T12:34:56Z",
        "2026-09-01T12:34:56.123Z",
        "2026-09-01T12:34:56.1234567+02:00",
        "2026-09-01T12:34:56+0700",
        "2026-09-01",
    ],
)
def test_times_are_read_as_issuers_write_them(sampled: str) -> None:
    assert of(content(v=..., t=[a_test(sc=sampled)])).flaw is None


@pytest.mark.parametrize("tag", [0, 1])
def test_dates_with_a_tag_are_read(tag: int) -> None:
    claims = cwt()
    if tag:
        data = cbor2.dumps({**claims, 4: cbor2.CBORTag(1, EXPIRES)})
    else:
        dated = content(v=[vaccination(dt=cbor2.CBORTag(0, "2026-08-01T00:00:00Z"))])
        data = cbor2.dumps({**claims, -260: {1: dated}})
    code = read(text(signed(data)))
    assert code.flaw is None
    assert code.proof is not None
    assert code.proof.not_after_s == EXPIRES


def test_of_several_doses_the_newest_counts() -> None:
    doses = [
        vaccination(dn=1, dt="2026-06-01", ci="URN:1"),
        vaccination(dn=2, dt="2026-08-01", ci="URN:2"),
        vaccination(dn=1, dt="2026-05-01", ci="URN:0"),
    ]
    assert of(content(v=doses)).identity == "URN:2"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\0", ""),
        ("\x1b[2J", ""),
        ("\u202e", ""),
        ("<<<", ""),
        ("A\u0301\u0323", "\u1ea0.\u1ea0."),
        ("\u674e", "\u674e.\u674e."),
    ],
)
def test_names_of_any_characters_do_no_harm(name: str, shown: str) -> None:
    code = of(content(nam=dict.fromkeys(("fn", "gn", "fnt", "gnt"), name)))
    assert (code.flaw, code.initials) == (None, shown)


@pytest.mark.parametrize("value", [1_800_000_000.5, -1, -1e15, 2**53, 0])
def test_times_may_be_floats_and_far(value: float) -> None:
    proof = of(exp=value, iat=value, nbf=value).proof
    assert proof is not None
    assert proof.not_before_s == proof.not_after_s == proof.issued_s == value


def test_a_name_need_not_be_transliterated() -> None:
    code = of(content(nam={"fn": "Nguyễn", "gn": "Văn An"}))
    assert (code.flaw, code.initials) == (None, "V.A.N.")
    assert told(code.claims)["name"] == "Văn An Nguyễn"


DESCRIPTIONS = [
    *(content(v=[vaccination(**{each: None})]) for each in ("co", "is", "tg", "vp", "mp", "ma")),
    *(content(v=[vaccination(**{each: None})]) for each in ("dn", "sd", "ci")),
    *(content(v=..., t=[a_test(**{each: ""})]) for each in ("tr", "tt", "tc", "ci")),
    *(content(v=..., r=[recovered(**{each: ""})]) for each in ("df", "du", "ci")),
]


@pytest.mark.parametrize("whole", DESCRIPTIONS)
def test_what_only_describes_may_be_missing(whole: dict[str, Any]) -> None:
    code = of(whole)
    assert code.flaw is None
    assert code.proof is not None
    assert len(code.identity) > 8


def test_certificates_without_an_id_are_told_apart_by_what_was_signed() -> None:
    one, other = (of(content(v=[vaccination(ci=None, dn=dose)])) for dose in (1, 2))
    assert one.identity == of(content(v=[vaccination(ci=None, dn=1)])).identity
    assert one.identity != other.identity
    assert "certificate" not in told(one.claims)


@pytest.mark.parametrize("dose", [2, "2"])
def test_doses_may_be_texts(dose: object) -> None:
    assert told(of(content(v=[vaccination(dn=dose)])).claims)["dose"] == "2"


@pytest.mark.parametrize("sampled", [1_788_266_096, 1_788_266_096_000])
def test_the_first_version_counted_the_time_of_a_sample(sampled: int) -> None:
    assert told(of(content(v=..., t=[a_test(sc=sampled)])).claims)["date"] == "2026-09-01"


def test_a_year_that_is_misspelt_is_told_as_it_is() -> None:
    assert told(of(content(v=[vaccination(dt="0021-01-06")])).claims)["date"] == "0021-01-06"


BAD_CONTENT = {
    "nothing": {},
    "no version": content(ver=...),
    "version of another form": content(ver="1.3"),
    "version is a number": content(ver=1.3),
    "no name": content(nam=...),
    "name is text": content(nam="NGUYEN"),
    "transliterated name is null": content(nam={"fnt": None}),
    "no birth": content(dob=...),
    "birth is null": content(dob=None),
    "birth is a number": content(dob=19640812),
    "birth is no date": content(dob="1900-02-29"),
    "birth in another form": content(dob="12.08.1964"),
    "birth in a week": content(dob="1964-W08-1"),
    "birth in the year 9999": content(dob="9999-01-01"),
    "no entry": content(v=...),
    "only null": content(v=None),
    "empty entries": content(v=[]),
    "two sorts": content(t=[a_test()]),
    "three sorts": content(t=[a_test()], r=[recovered()]),
    "entries are a map": content(v=vaccination()),
    "an entry is text": content(v=["dose"]),
    "an entry of two is text": content(v=[vaccination(), "dose"]),
    "a test among the vaccinations": content(v=[a_test()]),
    "id is long": content(v=[vaccination(ci="U" * 201)]),
    "issuer is bytes": content(v=[vaccination(**{"is": b"Ministry"})]),
    "dose is a word": content(v=[vaccination(dn="two")]),
    "dose is 0 as text": content(v=[vaccination(dn="0")]),
    "dose is true": content(v=[vaccination(dn=True)]),
    "dose is 0": content(v=[vaccination(dn=0)]),
    "doses are a float": content(v=[vaccination(sd=2.0)]),
    "doses are many": content(v=[vaccination(sd=100)]),
    "no date": content(v=[vaccination(dt=None)]),
    "a test without a time": content(v=..., t=[a_test(sc=None)]),
    "a test in no time": content(v=..., t=[a_test(sc=2**62)]),
    "a test in a truth": content(v=..., t=[a_test(sc=True)]),
    "date of no calendar": content(v=[vaccination(dt="2026-02-30")]),
    "time of no clock": content(v=..., t=[a_test(sc="2026-09-01T25:00:00Z")]),
    "centre is a list": content(v=..., t=[a_test(tc=["Centre"])]),
    "a name of 4 KB": content(nam={"fnt": "N" * 3500}),
}


@pytest.mark.parametrize("bad", BAD_CONTENT.values(), ids=BAD_CONTENT.keys())
def test_content_against_the_standard_is_a_flaw_of_content(bad: dict[str, Any]) -> None:
    code = of(bad)
    assert code == Code(Kind.DCC, flaw=Layer.CONTENT)


@pytest.mark.parametrize("value", ["soon", True, float("nan"), float("inf"), 2**63, -(2**60), [1]])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_time_that_is_none_is_a_flaw_of_content(claim: str, value: Any) -> None:
    assert of(**{claim: value}).flaw is Layer.CONTENT


def without_hcert() -> dict[Any, Any]:
    claims = cwt()
    del claims[-260]
    return claims


@pytest.mark.parametrize(
    "claims",
    [
        b"",
        b"\x01",
        cbor.dumps(cwt()) + b"\0",
        cbor.dumps(cwt())[:-1],
        b"\xa2\x01\x61a\x01\x61b",
        b"\xbf\xff",
        without_hcert(),
        {-260: None},
        {-260: {}},
        {-260: {2: content()}},
        {-260: {1: [content()]}},
        {-260: {1: b"\xa0"}},
    ],
)
def test_claims_without_a_certificate_are_a_flaw_of_structure(claims: Any) -> None:
    assert read(text(signed(claims))) == Code(Kind.DCC, flaw=Layer.STRUCTURE)


def test_a_certificate_of_more_than_4_kib_is_a_flaw_of_structure() -> None:
    assert of(content(nam={"fnt": "N" * 5000})).flaw is Layer.STRUCTURE


@pytest.mark.parametrize(
    ("broken", "layer"),
    [
        ("HC1:", Layer.COMPRESSION),
        ("HC1:A", Layer.ENCODING),
        ("HC1:hello", Layer.ENCODING),
        ("HC1:" + WHOLE, Layer.ENCODING),
        (WHOLE.replace("HC1:", "HC1:é"), Layer.ENCODING),
        ("HC1:\ud800" + WHOLE[4:], Layer.ENCODING),
        (WHOLE.lower().replace("hc1:", "HC1:"), Layer.ENCODING),
        ("HC1:" + base45.encode(signed()), Layer.COMPRESSION),
        ("HC1:" + base45.encode(zlib.compress(signed()) + b"\0"), Layer.COMPRESSION),
        ("HC1:" + base45.encode(zlib.compress(bytes(10_000_000))), Layer.ENCODING),
        ("HC1:" + base45.encode(zlib.compress(bytes(2_000_000))), Layer.COMPRESSION),
        ("HC1:" + base45.encode(zlib.compress(b"")), Layer.STRUCTURE),
        ("HC1:" + base45.encode(zlib.compress(bytes(60_000))), Layer.STRUCTURE),
        ("HC1:" + base45.encode(zlib.compress(b"\x81" * 4000)), Layer.STRUCTURE),
    ],
)
def test_a_broken_code_is_broken_in_its_layer(broken: str, layer: Layer) -> None:
    assert read(broken) == Code(Kind.DCC, flaw=layer)


@pytest.mark.parametrize(
    "prefix", ["HC2:", "HC0:", "HC9:", "HC1", "HC2", "HC1;", "HC", "C1:", "hc1:", ""]
)
def test_another_prefix_is_a_flaw_of_the_prefix(prefix: str) -> None:
    assert read(prefix + WHOLE[4:]) == Code(Kind.DCC, flaw=Layer.PREFIX)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "HC",
        "HC2:",
        "HC2: a note of somebody, in small letters",
        "HC12345-ABCDEFGHIJ-1234567890",
        "HELLO WORLD THIS IS SOMETHING ELSE",
        "6BF",
        "NCF" * 100,
        "https://example.com/HC1:NCF",
        "shc:/5676",
        " HC1:",
        "\ud800",
    ],
)
def test_other_texts_are_not_of_this_kind(other: str) -> None:
    assert dcc.recognise(other) is None


@pytest.mark.parametrize("cut", range(4, len(WHOLE), 7))
def test_a_truncated_code_is_a_flaw_before_its_content(cut: int) -> None:
    assert read(WHOLE[:cut]).flaw in {Layer.ENCODING, Layer.COMPRESSION}


@given(st.integers(4, len(WHOLE) - 1), st.sampled_from(base45.ALPHABET))
def test_a_changed_character_is_a_flaw_or_changes_nothing(place: int, character: str) -> None:
    changed = WHOLE[:place] + character + WHOLE[place + 1 :]
    code = read(changed)
    # Adler-32 and the strict form leave nothing that reads as another certificate.
    assert code.flaw is not None or changed == WHOLE or code == read(WHOLE)


DATA = signed()


@given(st.integers(0, len(DATA) - 1), st.integers(0, 7))
def test_a_flipped_bit_in_any_part_never_raises(place: int, bit: int) -> None:
    flipped = bytearray(DATA)
    flipped[place] ^= 1 << bit
    code = read(text(bytes(flipped)))
    assert (code.flaw is None) == (code.proof is not None)


@given(st.binary(max_size=400))
def test_any_bytes_below_the_prefix_are_a_flaw(data: bytes) -> None:
    assert read("HC1:" + base45.encode(data)).flaw is not None
    assert read(text(data)).flaw is Layer.STRUCTURE


@settings(max_examples=300)
@given(st.text(max_size=80))
def test_no_text_raises(any_text: str) -> None:
    dcc.recognise(any_text)
    assert read("HC1:" + any_text).flaw is not None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.sampled_from(["ver", "nam", "dob", "v", "t", "r"]), VALUES)
def test_no_value_of_any_member_raises(member: str, value: Any) -> None:
    code = of(content(**{member: value}))
    assert code.flaw in {None, Layer.CONTENT}


@given(st.sampled_from(list(vaccination())), VALUES)
def test_no_value_of_any_member_of_an_entry_raises(member: str, value: Any) -> None:
    code = of(content(v=[vaccination(**{member: value})]))
    assert code.flaw in {None, Layer.CONTENT}
