"""Unpacking: what is whole comes back, what is not is refused in its layer, bombs are small."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from dccs import ec_key, signed
from hypothesis import given
from hypothesis import strategies as st

from gatepost.errors import KeyMaterialError, Unreadable
from gatepost.model import Layer
from gatepost.packing import base45, base64url, cbor, cose, inflate, jws, strict_json


def layer(unpack: Any, data: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        unpack(data)
    return caught.value.layer


# --- Base45 ---


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
    ],
)
def test_base45_is_that_of_rfc_9285(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=600))
def test_base45_comes_back(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(alphabet=base45.ALPHABET, max_size=40))
def test_base45_has_one_text_for_the_same_bytes(text: str) -> None:
    try:
        data = base45.decode(text)
    except Unreadable:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "BB8A",
        ":::",
        "GGX",
        "FGWGGW",
        "GGWGGX",
        "::",
        "V5",
        "bb8",
        "BB8 é",
        "BB8ÿÿÿ",
        "\ud800BB",
        "BB\0",
    ],
)
def test_base45_that_is_none_is_refused(text: str) -> None:
    assert layer(base45.decode, text) == Layer.ENCODING


def test_base45_bears_the_largest_triple_and_pair() -> None:
    assert base45.decode("FGWU5") == b"\xff\xff\xff"


def test_base45_of_more_than_a_code_holds_is_refused() -> None:
    assert base45.decode("0" * base45.LONGEST) == bytes(4726)
    assert layer(base45.decode, "0" * (base45.LONGEST + 3)) == Layer.ENCODING


# --- Base64url ---


@given(st.binary(max_size=100))
def test_base64url_comes_back(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@pytest.mark.parametrize(
    "text", ["A", "AA==", "AB", "A+/A", "AA\n", " AAA", "AAé", "\ud800AAA", "A=AA"]
)
def test_base64url_that_has_no_single_meaning_is_refused(text: str) -> None:
    assert layer(base64url.decode, text) == Layer.ENCODING


# --- DEFLATE ---


def raw_deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def test_both_streams_are_inflated() -> None:
    assert inflate.zlib_inflated(zlib.compress(b"abc")) == b"abc"
    assert inflate.raw_inflated(raw_deflated(b"abc")) == b"abc"


@pytest.mark.parametrize(
    ("unpack", "pack"),
    [(inflate.zlib_inflated, zlib.compress), (inflate.raw_inflated, raw_deflated)],
)
def test_a_stream_is_bounded_whole_and_alone(unpack: Any, pack: Any) -> None:
    assert unpack(pack(bytes(inflate.MOST))) == bytes(inflate.MOST)
    packed = pack(b"a certificate of somebody" * 3)
    bad = [
        pack(bytes(inflate.MOST + 1)),
        pack(bytes(50_000_000)),
        packed + b"\0",
        packed + packed,
        b"",
        *(packed[:cut] for cut in range(1, len(packed))),
    ]
    assert {layer(unpack, each) for each in bad} == {Layer.COMPRESSION}


def test_the_other_stream_is_refused() -> None:
    assert layer(inflate.zlib_inflated, raw_deflated(b"abc")) == Layer.COMPRESSION
    assert layer(inflate.raw_inflated, zlib.compress(b"abc")) == Layer.COMPRESSION


# --- CBOR ---

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(-9, 9) | st.binary(max_size=3), inner)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_cbor_comes_back(value: Any) -> None:
    assert cbor.loads(cbor.dumps(value)) == value


def test_cbor_has_one_form() -> None:
    assert cbor.dumps({"b": 1, "a": 2}) == cbor.dumps({"a": 2, "b": 1})


def collisions(count: int) -> bytes:
    """A map whose keys are arrays of -1 and -2, which Python's hash cannot tell apart."""
    keys = (
        b"\x8c" + bytes(0x20 | (number >> bit & 1) for bit in range(12)) + b"\0"
        for number in range(count)
    )
    return b"\xb9" + count.to_bytes(2, "big") + b"".join(keys)


HOSTILE = {
    "nothing": b"",
    "cut": b"\x82\x01",
    "cut in a text": b"\x78\x40abc",
    "cut so that our mark would be swallowed": b"\x48ab",
    "bytes behind": b"\x01\x02",
    "duplicate key": b"\xa2\x01\x02\x01\x03",
    "duplicate text key": b"\xa2\x61a\x02\x61a\x03",
    "array without length": b"\x9f\x01\xff",
    "map without length": b"\xbf\x01\x01\xff",
    "text without length": b"\x7f\x61a\xff",
    "bytes without length": b"\x5f\x41a\xff",
    "break alone": b"\xff",
    "deep arrays": b"\x81" * 17 + b"\x01",
    "very deep arrays": b"\x81" * 4000 + b"\x01",
    "deep maps": b"\xa1\x01" * 17 + b"\x01",
    "deep tags": b"\xc1" * 4000 + b"\x01",
    "huge array": b"\x9b" + b"\xff" * 8,
    "large array": b"\x9a\x7f\xff\xff\xff",
    "huge map": b"\xbb\x7f" + b"\xff" * 7,
    "huge text": b"\x7b\x7f" + b"\xff" * 7,
    "huge bytes": b"\x5a\x7f\xff\xff\xff",
    "no UTF-8": b"\x62\xff\xff",
    "half a surrogate pair": b"\x63\xed\xa0\x80",
    "bignum": b"\xc2\x41\x01",
    "bignum as key": b"\xa1\xc2\x41\x01\x01",
    "decimal": b"\xc4\x82\x1b" + b"\x7f" * 8 + b"\x01",
    "fraction": b"\xd8\x1e\x82\x01\x02",
    "regular expression": b"\xd8\x23\x63(a(",
    "mail": b"\xd8\x24\x61a",
    "shared": b"\xd8\x1c\x81\xd8\x1d\x00",
    "string references": b"\xd9\x01\x00\x82\x61a\xd8\x19\x00",
    "set": b"\xd9\x01\x02\x81\x01",
    "tag of COSE": b"\xd2\x01",
    "tag unknown": b"\xd9\x03\xe8\x01",
    "tag beyond": b"\xdb" + b"\xff" * 8 + b"\x01",
    "array as key": b"\xa1\x81\x01\x01",
    "map as key": b"\xa1\xa1\x01\x01\x01",
    "boolean as key": b"\xa1\xf5\x01",
    "null as key": b"\xa1\xf6\x01",
    "float as key": b"\xa1\xf9\x3c\x00\x01",
    "undefined as key": b"\xa1\xf7\x01",
    "reserved": b"\x1c",
    "simple of two bytes": b"\xf8\x05",
    "keys that collide": collisions(290),
    "too large": b"\x59\x10\x00" + bytes(4096),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_cbor_is_refused(data: bytes) -> None:
    assert layer(cbor.loads, data) == Layer.STRUCTURE


@pytest.mark.parametrize("tag", [*range(2, 64), 100, 256, 258, 260, 261, 1004, 43000, 55799])
@pytest.mark.parametrize("inner", [b"\x01", b"\x61a", b"\x41a", b"\x82\x01\x02", b"\xa0"])
def test_no_tag_is_let_through(tag: int, inner: bytes) -> None:
    data = cbor2.dumps(cbor2.CBORTag(tag, 0))[:-1] + inner
    assert layer(cbor.loads, data) == Layer.STRUCTURE


def test_dates_stay_as_they_are_written() -> None:
    assert cbor.loads(b"\xc0\x6a2021-02-18") == "2021-02-18"
    assert cbor.loads(b"\xc1\x1a\x60\x90\x3a\x20") == 1620064800


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_cbor_or_refused(data: bytes) -> None:
    try:
        cbor.loads(data)
    except Unreadable as error:
        assert error.layer == Layer.STRUCTURE  # noqa: PT017 - either is right, nothing else


# --- COSE ---


def test_what_was_signed_comes_apart_again() -> None:
    for key, name in ((ec_key(), "ES256"), (ed25519.Ed25519PrivateKey.generate(), "EdDSA")):
        parsed = cose.parse(cose.sign1(b"payload", b"kid", key))
        assert (parsed.algorithm, parsed.kid, parsed.payload) == (name, b"kid", b"payload")
        assert len(parsed.signature) == 64


def test_a_signature_of_ours_holds() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    parsed = cose.parse(cose.sign1(b"payload", b"kid", key))
    message = cose.to_be_signed(parsed.protected, parsed.payload)
    key.public_key().verify(parsed.signature, message)
    assert cbor2.loads(message) == ["Signature1", parsed.protected, b"", b"payload"]


@given(st.binary(max_size=300), st.integers(0, 4096))
def test_what_is_signed_is_one_array_of_cbor(protected: bytes, size: int) -> None:
    message = cose.to_be_signed(protected, bytes(size))
    assert message == cbor2.dumps(["Signature1", protected, b"", bytes(size)])


def test_a_key_of_another_curve_signs_nothing() -> None:
    with pytest.raises(KeyMaterialError):
        cose.sign1(b"payload", b"kid", ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize("tag", [b"", b"\xd2", b"\xd8\x3d\xd2", b"\xd8\x3d"])
def test_every_tag_in_use_is_read(tag: bytes) -> None:
    assert cose.parse(signed(tag=tag)).kid == b"kid-of-a"


@pytest.mark.parametrize("tag", [b"\xd2\xd2", b"\xd1", b"\xd8\x62", b"\xd2\xd8\x3d"])
def test_another_tag_is_refused(tag: bytes) -> None:
    assert layer(cose.parse, signed(tag=tag)) == Layer.STRUCTURE


def test_the_protected_header_counts_before_the_other() -> None:
    parsed = cose.parse(signed(unprotected={1: -8, 4: b"another"}))
    assert (parsed.algorithm, parsed.kid) == ("ES256", b"kid-of-a")
    parsed = cose.parse(signed(protected={1: -7}, unprotected={4: b"another"}))
    assert (parsed.algorithm, parsed.kid) == ("ES256", b"another")
    parsed = cose.parse(signed(protected={}, unprotected={1: -7, 4: b"another"}))
    assert (parsed.algorithm, parsed.kid) == ("ES256", b"another")


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ({1: -35}, "-35"),
        ({1: "none"}, "none"),
        ({1: None}, ""),
        ({}, ""),
        ({1: [-7]}, ""),
        ({1: 1.5}, ""),
    ],
)
def test_an_algorithm_is_told_as_it_is_named(header: dict[Any, Any], named: str) -> None:
    assert cose.parse(signed(protected=header)).algorithm == named


@pytest.mark.parametrize("kid", ["text", 5, None, [b"kid"]])
def test_a_kid_that_is_no_byte_string_is_none(kid: Any) -> None:
    assert cose.parse(signed(protected={1: -7, 4: kid})).kid == b""


@pytest.mark.parametrize(
    "item",
    [
        {},
        [],
        [b"", {}, b""],
        [b"", {}, b"", b"", b""],
        [{}, {}, b"", b""],
        [b"", [], b"", b""],
        [b"", {}, None, b""],
        [b"", {}, b"", "signature"],
        [b"\x01", {}, b"", b""],
        [b"\xa2\x01\x26\x01\x27", {}, b"", b""],
        [b"\xa0\xa0", {}, b"", b""],
        [cbor.dumps({2: [99], 99: 1}), {}, b"", b""],
        [cbor.dumps({2: 4}), {}, b"", b""],
    ],
)
def test_what_is_no_cose_sign1_is_refused(item: Any) -> None:
    assert layer(cose.parse, cbor.dumps(item)) == Layer.STRUCTURE


def test_critical_headers_that_are_understood_pass() -> None:
    assert cose.parse(signed(protected={1: -7, 2: [1, 4], 4: b"kid"})).kid == b"kid"


# --- JSON and JWS ---


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":2}',
        b'{"x":{"a":1,"a":2}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"[" * 25 + b"]" * 25,
        b'{"a":' * 25 + b"1" + b"}" * 25,
        b"[" * 30_000,
        b"[" * 30_000 + b"]" * 30_000,
        b"1" * 5000,
        b'"' + b"a" * strict_json.MOST + b'"',
        "{}".encode("utf-16"),
    ],
)
def test_json_that_is_not_strict_is_refused(text: bytes) -> None:
    assert layer(strict_json.loads, text) == Layer.STRUCTURE


def test_json_is_read_up_to_its_bounds() -> None:
    assert strict_json.loads(b"[" * 24 + b"]" * 24)
    assert strict_json.loads('{"tên":"Á","n":1.5}'.encode()) == {"tên": "Á", "n": 1.5}
    assert strict_json.loads(b'"' + b"a" * 100_000 + b'"', most=200_000) == "a" * 100_000


@pytest.mark.parametrize("text", [b"[{},{},{}]", b'{"a":[],"b":[1]}', b"[1,2,3,4,5,6]"])
def test_the_values_of_json_are_counted_before_they_are_read(text: bytes) -> None:
    marks = sum(text.count(mark) for mark in (b",", b"{", b"["))
    assert strict_json.loads(text, values=marks)
    with pytest.raises(Unreadable, match="values"):
        strict_json.loads(text, values=marks - 1)


def token(header: Any, payload: bytes = b"{}", signature: bytes = b"s") -> str:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return ".".join(base64url.encode(part) for part in (head, payload, signature))


def test_a_jws_comes_apart() -> None:
    text = token({"alg": "ES256", "kid": "key-1", "zip": "DEF"}, b"payload", b"signature")
    parsed = jws.parse(text)
    assert (parsed.algorithm, parsed.kid) == ("ES256", "key-1")
    assert (parsed.payload, parsed.signature) == (b"payload", b"signature")
    assert parsed.message == text.rpartition(".")[0].encode()


def test_a_jws_names_no_algorithm_but_as_text() -> None:
    assert jws.parse(token({"alg": "none"})).algorithm == "none"
    assert jws.parse(token({"alg": None, "kid": 5})).algorithm == ""
    assert jws.parse(token({"kid": 5})).kid == ""


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", Layer.STRUCTURE),
        ("a.b", Layer.STRUCTURE),
        (token({}) + ".YQ", Layer.STRUCTURE),
        (token(b"[]"), Layer.STRUCTURE),
        (token(b'{"alg":"ES256","alg":"none"}'), Layer.STRUCTURE),
        (token({"alg": "ES256", "crit": ["b64"], "b64": False}), Layer.STRUCTURE),
        (token({"alg": "ES256"}).replace(".", ".+", 1), Layer.ENCODING),
        (token({"alg": "ES256"}) + "==", Layer.ENCODING),
        (base64.b64encode(b'{"a":"b"}').decode() + "=.e30.", Layer.ENCODING),
        ("e30.e30." + "A" * jws.LONGEST, Layer.STRUCTURE),
    ],
)
def test_what_is_no_jws_is_refused(text: str, where: Layer) -> None:
    assert layer(jws.parse, text) == where


@given(st.text(max_size=60))
def test_any_text_is_a_jws_or_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        jws.parse(text + "!")
