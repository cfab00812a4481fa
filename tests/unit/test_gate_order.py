"""Each reason is reached, and of each two that apply the earlier in the order is told."""

import re
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from scripted_gate import NOON, Visits, checked, person, proof, stamp

from gatepost.gate import ORDER, order
from gatepost.model import Code, Direction, Kind, Layer, Reason, Trust
from gatepost.rules import EVERYTHING, AntiPassback, KindRules, Rules, Subjects, hours
from gatepost.subjects import token

SALT = "a-salt-of-this-list"
NAME = "visitor"
LISTED = Subjects(SALT, frozenset({token(SALT, "citizen", NAME)}))
STRANGER = Subjects(SALT, frozenset({token(SALT, "citizen", "stranger")}))
CODE = person(NAME, Kind.DCC, proof=proof(issued_s=NOON))
FIRST = 0.0

# What makes each reason apply, as changes to: the code, what was checked, the rules, the reader.
Change = dict[str, Any]
Made = tuple[Change, Change, Change, Change]


def made(
    code: Change | None = None,
    seen: Change | None = None,
    rules: Change | None = None,
    visit: Change | None = None,
) -> Made:
    return code or {}, seen or {}, rules or {}, visit or {}


def of_kind(**more: Any) -> Change:
    return {"kind_rules": more}


BROKEN = {
    Reason.DAMAGED_PREFIX: Layer.PREFIX,
    Reason.DAMAGED_ENCODING: Layer.ENCODING,
    Reason.DAMAGED_COMPRESSION: Layer.COMPRESSION,
    Reason.DAMAGED_STRUCTURE: Layer.STRUCTURE,
    Reason.DAMAGED_CONTENT: Layer.CONTENT,
    Reason.PART_OF_SEVERAL: Layer.PARTIAL,
}
MAKES: dict[Reason, Made] = {
    Reason.POSTER_SHOWN: made({"kind": Kind.SITE}),
    Reason.LINK_SHOWN: made({"kind": Kind.URL}),
    Reason.KIND_UNKNOWN: made({"kind": Kind.UNKNOWN}),
    Reason.LICENCE_SHOWN: made({"kind": Kind.MDOC}),
    Reason.KIND_NOT_ACCEPTED: made(rules={"accept": frozenset({Kind.CCCD})}),
    **{reason: made({"flaw": layer}) for reason, layer in BROKEN.items()},
    **{
        reason: made(seen={"trust": Trust.VERIFIED, "reason": reason})
        for what, reasons in ORDER
        if what == "the signature"
        for reason in reasons
    },
    Reason.ISSUER_NOT_ACCEPTED: made(rules=of_kind(issuers=frozenset({"DE"}))),
    Reason.TOO_OLD: made({"proof": proof(issued_s=0)}, rules=of_kind(max_age_days=1)),
    Reason.NOT_FOR_THIS_PLACE: made({"places": ("ward-6",)}),
    Reason.DENIED: made(rules={"deny": LISTED}),
    Reason.NOT_ON_LIST: made(rules={"allow": STRANGER, "allow_only": True}),
    Reason.SEEN_ALREADY: made(rules={"repeat_s": 1000.0}, visit={"before": Direction.IN}),
    Reason.WRONG_WAY: made(rules={"only_way": Direction.OUT}),
    Reason.CLOSED: made(rules={"hours": hours(["tue 07:00-08:00"])}),
    Reason.INSIDE_ALREADY: made(
        rules={"anti_passback": AntiPassback.REFUSE}, visit={"before": Direction.IN}
    ),
    Reason.PLACE_FULL: made(rules={"capacity": 1}, visit={"others": 1}),
    Reason.RECORDED_INSIDE_ALREADY: made(visit={"before": Direction.IN}),
    Reason.WARNED_INSIDE_ALREADY: made(
        rules={"anti_passback": AntiPassback.WARN}, visit={"before": Direction.IN}
    ),
    Reason.RECORDED_TIME_UNKNOWN: made(seen={"time_known": False}),
    Reason.RECORDED_UNVERIFIED: made(
        seen={"trust": Trust.UNKNOWN_KEY, "reason": Reason.ISSUER_UNKNOWN},
        rules=of_kind(required=False),
    ),
    Reason.RECORDED_FOR_ANOTHER: made({"for_another": True}),
    Reason.RECORDED: made(),
}
PLACE = {reason: step for step, (_, reasons) in enumerate(ORDER) for reason in reasons}
RECORDED = ORDER[-1][1]


def outcome(*wanted: Reason) -> Reason:
    """The reason where everything is so that each of `wanted` applies."""
    code, seen, rules, visit = ({}, {}, {}, {})
    kind: Change = {}
    for reason in reversed(wanted):  # where two change the same thing, the earlier one's counts
        for into, change in zip((code, seen, rules, visit), MAKES[reason], strict=True):
            into.update(change)
        kind.update(rules.pop("kind_rules", {}))
    shown = replace(CODE, **code)
    gate = Visits()
    if visit.get("before"):
        gate.show(CODE, FIRST, visit["before"], seen=checked(CODE))
    for number in range(visit.get("others", 0)):
        gate.show(person(f"other {number}"), FIRST, Direction.IN)
    gate.gate.rules = replace(EVERYTHING, **rules, kinds={shown.kind: KindRules(**kind)})
    believed = checked(shown, **seen)
    return gate.show(shown, 100, Direction.IN, seen=believed, at=stamp(100)).reason


def together(first: Reason, second: Reason) -> bool:
    """Whether both can apply at once."""
    unverified = {Reason.RECORDED_UNVERIFIED, Reason.ISSUER_UNKNOWN}
    remembered = {Reason.DENIED, Reason.SEEN_ALREADY, Reason.INSIDE_ALREADY}
    never = [
        {Reason.RECORDED_UNVERIFIED} | {other}
        for other in (*remembered, Reason.RECORDED_INSIDE_ALREADY, Reason.WARNED_INSIDE_ALREADY)
    ]
    never += [
        unverified,  # a signature is required or not
        {Reason.INSIDE_ALREADY, Reason.RECORDED_INSIDE_ALREADY},  # one policy at a time
        {Reason.INSIDE_ALREADY, Reason.WARNED_INSIDE_ALREADY},
        {Reason.RECORDED_INSIDE_ALREADY, Reason.WARNED_INSIDE_ALREADY},
        *({Reason.PLACE_FULL, each} for each in RECORDED[:2]),  # who is inside takes no place
        {Reason.PLACE_FULL, Reason.INSIDE_ALREADY},
    ]
    return {first, second} not in never


PAIRS = [
    pair
    for pair in combinations(PLACE, 2)
    if together(*pair) and (PLACE[pair[0]] < PLACE[pair[1]] or pair[0] in RECORDED)
]


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_is_reached(reason: Reason) -> None:
    assert outcome(reason) is reason


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_that_apply_the_earlier_one_is_told(first: Reason, second: Reason) -> None:
    assert outcome(first, second) is first


def test_the_order_is_the_one_that_is_documented() -> None:
    assert order.__doc__ is not None
    steps = re.findall(
        r"^(\d+)\. ([^:]+): ([a-z0-9,\s-]+?)$(?=\n\d|\n*\Z)", order.__doc__, re.MULTILINE
    )
    documented = [(what, re.findall(r"[a-z0-9-]+", reasons)) for _, what, reasons in steps]
    assert [int(number) for number, _, _ in steps] == list(range(1, len(ORDER) + 1))
    assert documented == [(what, [each.value for each in reasons]) for what, reasons in ORDER]


def test_every_reason_has_its_place_in_the_order() -> None:
    assert sorted(PLACE) == sorted(Reason)
    assert set(MAKES) == set(Reason)


def test_a_gate_of_the_mission_takes_what_its_people_carry() -> None:
    gate = Visits(Rules())
    for kind in (Kind.PC_COVID, Kind.CCCD, Kind.BHYT):
        assert gate.show(person(f"of {kind}", kind)).reason is Reason.RECORDED
    assert gate.show(CODE).reason is Reason.KIND_NOT_ACCEPTED
    assert gate.show(Code(Kind.SITE)).reason is Reason.POSTER_SHOWN
