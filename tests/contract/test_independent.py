"""The verifier that shares no code with gatepost, over the examples and over new chains."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost import contract, wire
from gatepost.canonical import canonical
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import (
    AuditRecord,
    ClockRecord,
    Code,
    Direction,
    EpochRecord,
    Event,
    FaultRecord,
    Kind,
    Reason,
    Record,
    Scan,
    ScanRecord,
    Stamp,
    Trust,
    Verdict,
)
from gatepost.sealing import Sealer, load_public_key, understood
from gatepost.signing import CHECKPOINT, Signer
from independent import verifier

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(verifier.__file__)
EXAMPLES = Path(contract.__file__).parent / "examples"
TOPICS = wire.Topics("a-site", "st-1")
EPOCH = "0123456789abcdef" * 2

Messages = list[tuple[str, bytes]]


def test_it_shares_no_code() -> None:
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    names = {
        each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    allowed = {"__future__", "json", "hashlib", "base64", "sys", "typing", "cryptography"}
    assert {each.split(".")[0] for each in names} <= allowed | {"collections"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_examples_hold() -> None:
    key = EXAMPLES / "central-private.EXAMPLE-ONLY.jwk"
    done = run(str(EXAMPLES), str(EXAMPLES / "ca.pem"), str(key))
    assert (done.returncode, done.stdout) == (0, "all holds: 9 messages\n")


def test_as_a_script_it_finds_what_is_wrong_and_says_how_it_is_used(tmp_path: Path) -> None:
    lines = (EXAMPLES / "messages.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "messages.jsonl").write_text("\n".join(lines[:3] + lines[4:]), "utf-8")
    done = run(str(tmp_path), str(EXAMPLES / "ca.pem"))
    assert done.returncode == 1
    assert "events 3 to 3 are missing" in done.stdout
    assert run().returncode == 2


# --- a new chain, made by the code under test


@pytest.fixture(scope="module", params=["p256", "ed25519"])
def authority(request: pytest.FixtureRequest, tmp_path_factory: Any) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1", request.param)


def stamp(number: int) -> Stamp:
    return Stamp("ab" * 16, number * 1_000, 1_700_000_000_000_000 + number, number > 1, number)


def scan(sealer: Sealer) -> ScanRecord:
    shown = Scan("mã\n".encode(), "mã\n", "qr", "front", Direction.IN, 1.0)
    sealed = sealer.seal(understood(shown, Code(Kind.CCCD, claims=(("name", "Đỗ\u2028"),))))
    return ScanRecord(
        Direction.IN, "front", "qr", Kind.CCCD, Trust.UNSIGNED, Verdict.ACCEPTED,
        Reason.RECORDED, sealed=sealed,
    )  # fmt: skip


def chain(authority: AuthorityFiles) -> Messages:
    sealer = Sealer(load_public_key(authority.sealing_public))
    records: list[Record] = [
        EpochRecord("first-start"),
        ClockRecord(-5, 3),
        FaultRecord("oled", "failed", 'a\t\u20ac \U0001f600 \x7f \\ " /'),
        scan(sealer),
        AuditRecord("restart", "somebody", "refused", ""),
        scan(sealer),
    ]
    messages, previous = [], wire.NO_HASH
    for number, record in enumerate(records, 1):
        event = Event("st-1", "a-site", EPOCH, number, previous, stamp(number), record)
        body = wire.encode_body(event)
        previous = wire.body_hash(body)
        message = wire.event_message(TOPICS, body)
        messages.append((message.topic, message.payload))
    return [*messages, (TOPICS.checkpoint, checkpoint(authority, previous, len(records)))]


def checkpoint(authority: AuthorityFiles, digest: str, sequence: int) -> bytes:
    claims = wire.checkpoint_claims("st-1", "a-site", (EPOCH, sequence, digest), stamp(9))
    signer = Signer(authority.station_certificate, authority.station_key)
    return signer.sign(claims, CHECKPOINT).encode()


def problems(messages: Messages, authority: AuthorityFiles) -> list[str]:
    jwk = json.loads(authority.sealing_private.read_bytes())
    return verifier.verify(messages, authority.ca.read_bytes(), jwk)


def test_a_new_chain_holds_in_any_order(authority: AuthorityFiles) -> None:
    messages = chain(authority)
    assert problems(messages, authority) == []
    assert problems(messages[::-1], authority) == []
    assert problems(messages + messages[:2], authority) == []


def test_what_is_inside_a_sealed_scan_is_what_was_shown(authority: AuthorityFiles) -> None:
    body = json.loads(chain(authority)[3][1])["data"]
    jwk = json.loads(authority.sealing_private.read_bytes())
    told = json.loads(verifier.unseal(body["sealed"], jwk))
    assert verifier.unpad(told["data"]).decode() == "mã\n"
    assert told["claims"] == {"name": "Đỗ\u2028"}
    assert not contract.problem("sealed", told)


def flipped(payload: bytes, at: int) -> bytes:
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


def test_a_flipped_bit_is_caught_wherever_it_is(authority: AuthorityFiles) -> None:
    messages = chain(authority)
    topic, payload = messages[2]
    for at in range(len(payload)):
        told = [*messages[:2], (topic, flipped(payload, at)), *messages[3:]]
        assert problems(told, authority), f"byte {at}: {payload[at : at + 1]!r}"


def test_a_flipped_bit_in_a_checkpoint_is_caught(authority: AuthorityFiles) -> None:
    messages = chain(authority)
    payload = messages[-1][1]
    for at in [*range(0, len(payload), 7), len(payload) - 1]:
        assert problems([*messages[:-1], (TOPICS.checkpoint, flipped(payload, at))], authority)


def with_data(payload: bytes, **changes: Any) -> bytes:
    """An event message altered by somebody who keeps the envelope in step."""
    data = json.loads(payload)["data"] | changes
    return wire.event_message(TOPICS, canonical(data)).payload


def envelope(payload: bytes, **changes: Any) -> bytes:
    return canonical(json.loads(payload) | changes)


def swap(messages: Messages) -> Messages:
    """Two events change their places, sequence numbers and ids included."""
    second, third = (json.loads(messages[each][1])["data"]["sequence"] for each in (1, 2))
    first = with_data(messages[1][1], sequence=third)
    other = with_data(messages[2][1], sequence=second)
    return [messages[0], (messages[1][0], first), (messages[2][0], other), *messages[3:]]


def replace(at: int, change: Callable[[bytes], bytes]) -> Callable[[Messages], Messages]:
    def tamper(messages: Messages) -> Messages:
        topic, payload = messages[at]
        return [*messages[:at], (topic, change(payload)), *messages[at + 1 :]]

    return tamper


TAMPERS: dict[str, Callable[[Messages], Messages]] = {
    "a gap": lambda messages: messages[:2] + messages[3:],
    "the newest is kept back": lambda messages: [*messages[:5], messages[6]],
    "the first is kept back": lambda messages: messages[1:],
    "swapped": swap,
    "a verdict is altered": replace(3, lambda each: with_data(each, verdict="refused")),
    "the last event is altered": replace(5, lambda each: with_data(each, direction="out")),
    "a key is added": replace(4, lambda each: with_data(each, extra=1)),
    "an attribute is altered": replace(1, lambda each: envelope(each, time="2021-01-01T00:00:00Z")),
    "an attribute is added": replace(1, lambda each: envelope(each, subject="somebody")),
    "another id": replace(1, lambda each: envelope(each, id=f"{EPOCH}-9")),
    "spaces": replace(1, lambda each: each.replace(b",", b", ", 1)),
    "no checkpoint": lambda messages: messages[:-1],
    "on another's topic": lambda messages: [
        (topic.replace("st-1", "st-2"), payload) for topic, payload in messages
    ],
}


@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_is_caught(name: str, authority: AuthorityFiles) -> None:
    assert problems(TAMPERS[name](chain(authority)), authority)


def test_a_cloned_card_is_caught(authority: AuthorityFiles) -> None:
    messages = chain(authority)
    clone = (messages[3][0], with_data(messages[3][1], reader="rear"))
    assert "cloned card" in problems([*messages, clone], authority)[0]


def test_another_authority_s_station_is_caught(authority: AuthorityFiles, tmp_path: Path) -> None:
    other = make_authority(tmp_path, "st-1")
    messages = chain(authority)
    assert problems([*messages[:-1], chain(other)[-1]], authority)


def test_another_station_of_the_same_authority_is_caught(tmp_path: Path) -> None:
    made = make_authority(tmp_path, "st-2")
    assert any("signed by" in each for each in problems(chain(made), made))


def test_another_sealing_key_does_not_open(authority: AuthorityFiles, tmp_path: Path) -> None:
    other = json.loads(make_authority(tmp_path, "st-1").sealing_private.read_bytes())
    own = json.loads(authority.sealing_private.read_bytes())
    sealed = json.loads(chain(authority)[3][1])["data"]["sealed"]
    for key in (other, other | {"kid": own["kid"]}):
        with pytest.raises(verifier.Broken):
            verifier.unseal(sealed, key)


# --- properties

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
    topics = wire.Topics(event.site, event.source)
    message = wire.event_message(topics, body)
    assert wire.parse_event(message.payload) == (event, body)
    assert verifier.event(message.topic, message.payload)[1] == wire.body_hash(body)


@given(EVENTS)
def test_whatever_the_code_sends_fits_the_schema(event: Event) -> None:
    message = wire.event_message(wire.Topics("s", "t"), wire.encode_body(event))
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
