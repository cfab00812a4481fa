"""What the wire takes and refuses; errors that quote somebody say little of it, and print."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import make_golden as golden
from contract.sending import EPOCH, Station, altered
from gatepost import contract, wire
from gatepost.canonical import canonical
from gatepost.errors import ContractError
from gatepost.model import ClockRecord, EpochRecord, FaultRecord

EXAMPLES = contract.examples()
BODY = wire.encode_body(dict(golden.events(EXAMPLES["sealed.jwe"].decode()))["event-5-fault.json"])
ROOT = "gatepost/v1/a-site/st-1"


def body(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(BODY) | changes
    return value


def epoch(**changes: Any) -> dict[str, Any]:
    record = EpochRecord("spool-damaged", EPOCH, 7, "ab" * 32)
    data: dict[str, Any] = json.loads(Station().record(record).payload)["data"]
    return data | changes


def nested(times: int) -> bytes:
    return b"[" * times + b"]" * times


# --- records


@pytest.mark.parametrize(
    "changes",
    [
        {"former_epoch": "X"},
        {"former_epoch": ""},
        {"former_epoch": EPOCH.upper()},
        {"former_hash": "ab"},
        {"former_hash": ""},
        {"former_sequence": 0},
        {"former_sequence": -1},
        {"former_sequence": "7"},
    ],
)
def test_an_end_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    assert wire.event_of(epoch())
    assert contract.problem("event", json.loads(golden_event(epoch(**changes))))
    with pytest.raises(ContractError, match=next(iter(changes))):
        wire.event_of(epoch(**changes))


def golden_event(data: dict[str, Any]) -> bytes:
    return wire.event_message(canonical(data)).payload


@pytest.mark.parametrize("state", ["", "broken", "failed ", "FAILED", "failed\n"])
def test_a_part_failed_or_recovered_and_nothing_else(state: str) -> None:
    for word in ("failed", "recovered"):
        assert wire.event_of(body(state=word)).record == FaultRecord("oled", word, body()["detail"])
    with pytest.raises(ContractError, match="state"):
        wire.event_of(body(state=state))


def test_a_bound_is_not_negative() -> None:
    sent = Station().record(ClockRecord(-5, 3))
    assert wire.parse_event(sent.payload)
    with pytest.raises(ContractError, match="offset_bound_us"):
        wire.parse_event(altered(sent, offset_bound_us=-1).payload)


@pytest.mark.parametrize("name", ["detail", "later"])
def test_half_a_surrogate_pair_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match="surrogate"):
        wire.event_of(body(**{name: "a\ud800b"}))
    payload = golden_event(body(**{name: "HERE"})).replace(b"HERE", rb"\udc00")
    with pytest.raises(ContractError, match="surrogate"):
        wire.parse_event(payload)


def test_keys_are_printable_ascii() -> None:
    for key in ("khóa", "\x1b[2J", "", "\ud800"):
        with pytest.raises(ContractError, match="ASCII"):
            wire.event_of(body(**{key: "x"}))


# --- links


def test_the_links_of_every_example() -> None:
    for name in (each for each in EXAMPLES if each.startswith("event-")):
        data = json.loads(EXAMPLES[name])["data"]
        told = wire.links_of(canonical(data))
        assert told == wire.Links(
            data["type"], data["source"], data["epoch"], data["sequence"], data["previous"]
        )


def test_a_later_version_has_links_too() -> None:
    later = {"type": "weather-2", "nested": {"a": [1.5, None]}, "clock": "atomic", "boot_us": "?"}
    told = wire.links_of(json.dumps(body(**later)).encode())
    assert (told.type, told.sequence) == ("weather-2", 5)
    with pytest.raises(ContractError, match="unknown event type 'weather-2'"):
        wire.decode_body(canonical(body(type="weather-2")))


LINKS = {
    "type": ["", "UP", 7, None, "a b"],
    "source": ["", "UP", 7, "-a", "a" * 64],
    "epoch": ["", "ab", 7, EPOCH.upper()],
    "sequence": [0, -1, "1", 1.0, True, 2**53, None],
    "previous": ["", "ab", 7, EPOCH],
}


@pytest.mark.parametrize("name", LINKS)
def test_links_that_are_none_are_refused(name: str) -> None:
    without = {key: value for key, value in body().items() if key != name}
    for data in (without, *(body(**{name: wrong}) for wrong in LINKS[name])):
        with pytest.raises(ContractError, match=name):
            wire.links_of(json.dumps(data).encode())


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"\xff", b'{"a":1,"a":1}', nested(100_000), b" " * 300_000]
)
def test_what_is_no_body_has_no_links(text: bytes) -> None:
    with pytest.raises(ContractError):
        wire.links_of(text)


JSON = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary() | JSON.map(lambda each: json.dumps(each).encode()))
def test_links_raise_nothing_else(text: bytes) -> None:
    with pytest.raises(ContractError):
        wire.links_of(text)


# --- what errors quote

LOUD = "\x1b[2J\x07\u202e" + "x" * 5000


@pytest.mark.parametrize("name", ["id", "source", "time", "type", "specversion"])
def test_an_attribute_that_lies_is_quoted_shortly(name: str) -> None:
    outer = json.loads(golden_event(body()))
    for value in (LOUD, "\ud800" * 200, 5, None, {"a": 1}):
        with pytest.raises(ContractError, match=f"^{name}: ") as told:
            wire.parse_event(json.dumps(outer | {name: value}).encode())
        assert str(told.value).isprintable()
        assert len(str(told.value)) < 200


@pytest.mark.parametrize("name", ["type", "clock", "state", "source", "later\x1b" * 100])
def test_a_body_that_lies_is_quoted_shortly(name: str) -> None:
    with pytest.raises(ContractError) as told:
        wire.event_of(body(**{name: LOUD}))
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 200


@pytest.mark.parametrize("word", ["direction", "trust", "verdict"])
def test_a_word_of_no_closed_list_is_quoted_shortly(word: str) -> None:
    data = json.loads(EXAMPLES["event-3-scan-sealed.json"])["data"]
    with pytest.raises(ContractError, match=f"^{word}: is ") as told:
        wire.event_of(data | {word: LOUD})
    assert len(str(told.value)) < 200


@pytest.mark.parametrize("times", [100, 400, 700, 800, 900, 950, 990, 100_000])
def test_nesting_is_a_contract_error_wherever_it_is(times: int) -> None:
    sent = golden_event(body())
    deep = nested(times)
    for payload in (
        deep,
        b'{"data":' + deep + b"}",
        sent.replace(b'"data":{', b'"data":{"a":' + deep + b",", 1),
        sent.replace(f'"id":"{body()["epoch"]}-5"'.encode(), b'"id":' + deep),
    ):
        with pytest.raises(ContractError):
            wire.parse_event(payload)


@pytest.mark.parametrize("times", [100, 800, 900, 950, 970])
def test_nesting_is_a_problem_to_the_schemas_too(times: int) -> None:
    value: Any = []
    for _ in range(times):
        value = [value]
    assert contract.problem("state", {"state": value})
    assert contract.problem("event", {"data": {"a": value}})


def test_a_place_in_a_problem_is_short_and_printable() -> None:
    told = contract.problem("health", {LOUD: [], "firmware": 1})
    assert told.isprintable()
    assert len(told) < 150
