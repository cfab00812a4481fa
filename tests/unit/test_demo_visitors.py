"""Who comes to the demo's gate, and whether the gate says what they expect."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from gatepost import contract, rules, trust
from gatepost.codes import recognise
from gatepost.demo.carriers import TITLES, code_picture
from gatepost.demo.issuers import RULES, Es256Key, Issuers
from gatepost.demo.visitors import EVERY_KIND, Visitor, make_visitors
from gatepost.errors import UsageError
from gatepost.gate import Gate
from gatepost.model import Decision, Direction, Kind, Reason, Scan, Stamp, Trust, Verdict

BETWEEN_S = 4.0  # about what lies between two visitors of a clip
NOW_US = 1_790_000_000_000_000  # some day in 2026
FIRST_SEVEN = [
    Kind.PC_COVID,
    Kind.CCCD,
    Kind.DCC,
    Kind.PC_COVID,
    Kind.SITE,
    Kind.URL,
    Kind.UNKNOWN,
]


def decide_all(visitors: list[Visitor], seed: int, *, time_known: bool = True) -> list[Decision]:
    gate = Gate(rules.parse(RULES, Path("demo.toml")), "demo-office")
    trusted = trust.parse_list(Issuers(seed).trust_list())
    decisions = []
    for turn, visitor in enumerate(visitors):
        taken = turn * BETWEEN_S
        now = Stamp("ab" * 16, int(taken * 1e6), NOW_US + int(taken * 1e6), time_known, 1000)
        scan = Scan(visitor.text.encode(), visitor.text, "qr", "gate", Direction.AUTO, taken)
        code = recognise(visitor.text)
        checked = trust.check(code, trusted, now)
        decisions.append(gate.decide(scan, code, checked, now))
        gate.remember(scan, code, checked, decisions[-1])
    return decisions


def test_the_same_seed_brings_the_same_visitors() -> None:
    assert make_visitors(40, 7) == make_visitors(40, 7)
    assert make_visitors(40, 7) != make_visitors(40, 8)


def test_more_visitors_come_after_the_same_ones() -> None:
    assert make_visitors(40, 7)[:EVERY_KIND] == make_visitors(EVERY_KIND, 7)


def test_the_first_show_every_kind_and_each_way_to_be_turned_away() -> None:
    visitors = make_visitors(EVERY_KIND, 1)
    assert {visitor.kind for visitor in visitors} == set(Kind)
    assert {visitor.carrier for visitor in visitors} == {"phone", "paper", "card"}
    assert {visitor.expected_reason for visitor in visitors} == {
        Reason.RECORDED,
        Reason.RECORDED_FOR_ANOTHER,
        Reason.POSTER_SHOWN,
        Reason.LINK_SHOWN,
        Reason.KIND_UNKNOWN,
        Reason.LICENCE_SHOWN,
        Reason.EXPIRED,
        Reason.ISSUER_UNKNOWN,
        Reason.REVOKED,
    }
    refused = [visitor for visitor in visitors if visitor.expected_verdict is Verdict.REFUSED]
    assert all(visitor.expected_direction is Direction.NONE for visitor in refused)


def test_the_first_eight_are_the_mission_s_own_and_the_last_of_them_leaves() -> None:
    visitors = make_visitors(8, 1)
    assert [visitor.kind for visitor in visitors[:7]] == FIRST_SEVEN
    assert visitors[-1].expected_direction is Direction.OUT
    assert visitors[-1].text in {visitor.text for visitor in visitors[:-1]}
    assert any("|1|QID" in visitor.text for visitor in visitors)


@pytest.mark.parametrize("time_known", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_gate_says_what_the_visitors_expect(seed: int, time_known: bool) -> None:
    visitors = make_visitors(90, seed, time_known=time_known)
    decisions = decide_all(visitors, seed, time_known=time_known)
    for visitor, decision in zip(visitors, decisions, strict=True):
        assert recognise(visitor.text).kind is visitor.kind, visitor
        assert decision.verdict is visitor.expected_verdict, visitor
        assert decision.reason is visitor.expected_reason, visitor
        assert decision.direction is visitor.expected_direction, visitor


def test_without_time_nobody_is_refused_for_it() -> None:
    known, unknown = (make_visitors(EVERY_KIND, 1, time_known=each) for each in (True, False))
    pairs = zip(known, unknown, strict=True)
    changed = [(one, other) for one, other in pairs if one != other]
    assert {one.kind for one, _ in changed} == {Kind.DCC, Kind.SHC, Kind.NZCP, Kind.PASS}
    for one, other in changed:
        assert one.text == other.text
        assert other.expected_reason is Reason.RECORDED_TIME_UNKNOWN


def test_another_seed_s_issuers_are_not_trusted() -> None:
    visitors = make_visitors(EVERY_KIND, 1)
    trusted = trust.parse_list(Issuers(2).trust_list())
    now = Stamp("ab" * 16, 0, NOW_US, synchronised=True, bound_us=0)
    found = {trust.check(recognise(each.text), trusted, now).trust for each in visitors}
    assert found == {Trust.UNSIGNED, Trust.UNKNOWN_KEY, Trust.INVALID}


def test_the_trust_list_is_one_of_the_contract() -> None:
    told = json.loads(Issuers(1).trust_list())
    assert not contract.problem("trust", told)
    assert "d" not in {name for key in told["keys"] for name in key["jwk"]}


def test_each_person_has_a_code_of_their_own() -> None:
    visitors = make_visitors(300, 3)
    came = [v.text for v in visitors if v.expected_direction is Direction.IN]
    assert len(set(came)) == len(came)


def test_a_citizen_card_is_utf8_with_diacritics() -> None:
    cards = [visitor for visitor in make_visitors(60, 2) if visitor.kind is Kind.CCCD]
    assert all(len(card.text.encode()) > len(card.text) for card in cards)


def test_codes_are_no_larger_than_the_gate_s_camera_can_see() -> None:
    largest = {Kind.SHC: 81, Kind.DCC: 77, Kind.NZCP: 77, Kind.PASS: 57}  # modules a side
    for visitor in make_visitors(120, 4):
        side = code_picture(visitor.text, 1, 0, 255).shape[0] - 8
        assert side <= largest.get(visitor.kind, 57), visitor


def test_whoever_has_a_phone_or_a_sheet_has_a_title_on_it() -> None:
    shown = {each.kind for each in make_visitors(60, 1) if each.carrier != "card"}
    assert shown == set(TITLES)


def test_nobody_comes_when_nobody_is_asked_for() -> None:
    assert make_visitors(0, 1) == []


def test_a_negative_number_of_visitors_is_refused() -> None:
    with pytest.raises(UsageError, match="-1 visitors"):
        make_visitors(-1, 1)


@given(st.integers(1, 2**256 - 2**225), st.binary(max_size=100))
def test_a_repeatable_signature_is_one_that_holds(number: int, message: bytes) -> None:
    key = Es256Key(number)
    signature = key.sign(message)
    assert signature == key.sign(message)
    halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    key.public.public_key().verify(
        encode_dss_signature(*halves), message, ec.ECDSA(hashes.SHA256())
    )
    with pytest.raises(InvalidSignature):
        key.public.public_key().verify(
            encode_dss_signature(*halves), message + b".", ec.ECDSA(hashes.SHA256())
        )


def test_all_issuers_have_keys_of_their_own() -> None:
    keys = [
        json.dumps(entry["jwk"])
        for seed in (1, 2)
        for entry in json.loads(Issuers(seed).trust_list())["keys"]
    ]
    strangers = [json.dumps(Issuers(seed).stranger.jwk()) for seed in (1, 2)]
    for one, other in itertools.combinations([*keys, *strangers], 2):
        assert one != other
