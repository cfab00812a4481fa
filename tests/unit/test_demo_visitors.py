"""Who comes to the demo's gate, and whether the gate would say what they expect."""

from __future__ import annotations

import zlib

import pytest

from gatepost.codes import recognise
from gatepost.demo.dcc import BASE45, base45, cbor
from gatepost.demo.visitors import Visitor, make_visitors
from gatepost.errors import UsageError
from gatepost.gate import Gate, Rules
from gatepost.model import Decision, Direction, Kind, Scan

BETWEEN_S = 4.0  # about what lies between two visitors of a clip


def from_base45(text: str) -> bytes:
    out = bytearray()
    for at in range(0, len(text), 3):
        digits = [BASE45.index(letter) for letter in text[at : at + 3]]
        number = sum(digit * 45**place for place, digit in enumerate(digits))
        out += number.to_bytes(len(digits) - 1, "big")
    return bytes(out)


def decide_all(visitors: list[Visitor]) -> list[Decision]:
    gate = Gate(Rules(frozenset(("pc-covid", "cccd", "dcc")), repeat_s=10.0))
    decisions = []
    for turn, visitor in enumerate(visitors):
        data = visitor.text.encode()
        scan = Scan(data, visitor.text, "qr", "gate", Direction.AUTO, turn * BETWEEN_S)
        code = recognise(visitor.text)
        decisions.append(gate.decide(scan, code, 1))
        gate.remember(scan, code, decisions[-1])
    return decisions


def test_the_same_seed_brings_the_same_visitors() -> None:
    assert make_visitors(20, 7) == make_visitors(20, 7)
    assert make_visitors(20, 7) != make_visitors(20, 8)


def test_more_visitors_come_after_the_same_ones() -> None:
    assert make_visitors(20, 7)[:8] == make_visitors(8, 7)


def test_the_first_eight_show_all_that_a_gate_meets() -> None:
    visitors = make_visitors(8, 1)
    assert {visitor.kind for visitor in visitors} == set(Kind)
    assert {visitor.carrier for visitor in visitors} >= {"phone", "paper", "card"}
    assert visitors[-1].expected_direction is Direction.OUT
    assert visitors[-1].text in {visitor.text for visitor in visitors[:-1]}
    assert any("|1|QID" in visitor.text for visitor in visitors)


@pytest.mark.parametrize("seed", range(5))
def test_the_gate_says_what_the_visitors_expect(seed: int) -> None:
    visitors = make_visitors(60, seed)
    for visitor, decision in zip(visitors, decide_all(visitors), strict=True):
        assert recognise(visitor.text).kind is visitor.kind, visitor
        assert decision.verdict is visitor.expected_verdict, visitor
        assert decision.direction is visitor.expected_direction, visitor


def test_each_person_has_a_code_of_their_own() -> None:
    visitors = make_visitors(300, 3)
    came = [v.text for v in visitors if v.expected_direction is Direction.IN]
    assert len(set(came)) == len(came)


def test_a_citizen_card_is_utf8_with_diacritics() -> None:
    cards = [visitor for visitor in make_visitors(60, 2) if visitor.kind is Kind.CCCD]
    assert all(len(card.text.encode()) > len(card.text) for card in cards)


def test_a_passport_is_base45_of_zlib_of_a_cose_sign1() -> None:
    for visitor in make_visitors(60, 4):
        if visitor.kind is Kind.DCC:
            assert 480 <= len(visitor.text) <= 620
            signed = zlib.decompress(from_base45(visitor.text.removeprefix("HC1:")))
            assert signed.startswith(b"\xd2\x84")
            assert b"VAN" in signed


def test_nobody_comes_when_nobody_is_asked_for() -> None:
    assert make_visitors(0, 1) == []


def test_a_negative_number_of_visitors_is_refused() -> None:
    with pytest.raises(UsageError, match="-1 visitors"):
        make_visitors(-1, 1)


@pytest.mark.parametrize(
    ("value", "expected"),  # RFC 8949, appendix A
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (1000, "1903e8"),
        (1000000000000, "1b000000e8d4a51000"),
        (-1, "20"),
        (-1000, "3903e7"),
        (b"\x01\x02\x03\x04", "4401020304"),
        ("IETF", "6449455446"),
        ("\u00fc", "62c3bc"),
        ([1, [2, 3], [4, 5]], "8301820203820405"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    ],
)
def test_cbor_is_that_of_the_rfc(value: object, expected: str) -> None:
    assert cbor(value).hex() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "expected"),  # RFC 9285, section 4.3
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"", "")],
)
def test_base45_is_that_of_the_rfc(data: bytes, expected: str) -> None:
    assert base45(data) == expected
