"""Whatever an event holds: both canonical forms, the schema and the way back agree."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gatepost import contract, wire
from gatepost.canonical import canonical
from gatepost.model import (
    AuditRecord,
    ClockRecord,
    Direction,
    EpochRecord,
    Event,
    FaultRecord,
    ScanRecord,
    Stamp,
    Trust,
    Verdict,
)
from independent import verifier

TOPICS = wire.Topics("a-site", "st-1")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
COUNT = st.integers(0, 2**53 - 1)
NAME = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
HEX32 = st.binary(min_size=16, max_size=16).map(bytes.hex)
HEX64 = st.binary(min_size=32, max_size=32).map(bytes.hex)
STAMPS = st.builds(Stamp, HEX32, COUNT, COUNT, st.booleans(), COUNT)
SCANS = st.builds(
    ScanRecord,
    direction=st.sampled_from([Direction.IN, Direction.OUT, Direction.NONE]),
    reader=TEXT,
    symbology=TEXT,
    kind=TEXT,
    trust=st.sampled_from(list(Trust)),
    verdict=st.sampled_from(list(Verdict)),
    reason=TEXT,
    plain=TEXT.filter(bool),
)
RECORDS = st.one_of(
    SCANS,
    st.builds(EpochRecord, TEXT, HEX32, st.integers(1, 2**53 - 1), HEX64),
    st.builds(EpochRecord, TEXT),
    st.builds(ClockRecord, NUMBER, COUNT),
    st.builds(FaultRecord, TEXT, st.sampled_from(["failed", "recovered"]), TEXT),
    st.builds(AuditRecord, TEXT, TEXT, TEXT, TEXT),
)
EVENTS = st.builds(Event, NAME, NAME, HEX32, st.integers(1, 2**53 - 1), HEX64, STAMPS, RECORDS)


@given(st.dictionaries(TEXT, TEXT | NUMBER))
def test_both_canonical_forms_are_the_same(flat: dict[str, str | int]) -> None:
    assert canonical(flat) == verifier.canonical(flat)


@given(EVENTS)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    body = wire.encode_body(event)
    assert wire.decode_body(body) == event
    message = wire.event_message(body)
    assert wire.parse_event(message.payload) == (event, body)
    assert verifier.event(message.topic, message.payload)[1] == wire.body_hash(body)


@given(EVENTS)
def test_whatever_the_code_sends_fits_the_schema(event: Event) -> None:
    message = wire.event_message(wire.encode_body(event))
    assert not contract.problem("event", json.loads(message.payload))


@given(COUNT)
def test_both_tell_the_same_time(wall_us: int) -> None:
    assert verifier.utc(wall_us) == wire.rfc3339(wall_us)


@given(STAMPS, NAME, NAME, HEX32, HEX64, st.integers(1, 2**53 - 1))
def test_claims_fit_the_schema(
    at: Stamp, source: str, site: str, epoch: str, digest: str, sequence: int
) -> None:
    claims = wire.checkpoint_claims(source, site, (epoch, sequence, digest), at)
    assert not contract.problem("checkpoint", json.loads(claims))
    assert verifier.canonical(json.loads(claims)) == claims


@given(st.sampled_from(["online", "offline", "lost"]), HEX32, HEX32, COUNT, TEXT)
def test_states_fit_the_schema(word: str, boot: str, epoch: str, since: int, text: str) -> None:
    facts: dict[str, str | int] = {"boot_id": boot, "epoch": epoch, "since_us": since}
    message = wire.state_message(TOPICS, word, facts | {"firmware": text})
    assert not contract.problem("state", json.loads(message.payload))
