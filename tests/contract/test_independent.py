"""The verifier that shares no code with gatepost, over the examples and over new chains."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from contract.issuing import CERTIFIES, Holder, ca, root, token, usage
from gatepost import contract, wire
from gatepost.canonical import canonical
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import (
    AuditRecord,
    Claims,
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
    allowed = {"__future__", "json", "hashlib", "base64", "sys", "time", "typing", "cryptography"}
    assert {each.split(".")[0] for each in names} <= allowed | {"collections"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_examples_hold() -> None:
    key = EXAMPLES / "central-private.EXAMPLE-ONLY.jwk"
    done = run(str(EXAMPLES), str(EXAMPLES / "ca.pem"), str(key))
    assert (done.returncode, done.stdout) == (0, "all holds: 9 messages\n")


@pytest.mark.parametrize("what", ["rules", "trust"])
def test_what_the_centre_desires_holds_for_who_shares_no_code(what: str) -> None:
    token = (EXAMPLES / f"desired-{what}.jws").read_text("ascii").split(".")
    header = verifier.parse(verifier.unpad(token[0]))
    assert header["typ"] == f"gatepost-{what}"
    certificates = [x509.load_der_x509_certificate(base64.b64decode(x)) for x in header["x5c"]]
    authority = x509.load_pem_x509_certificate((EXAMPLES / "ca.pem").read_bytes())
    verifier.trusted(certificates, authority)
    verifier.signature(header["alg"], certificates[0].public_key(), token)
    assert verifier.unpad(token[1]) == (EXAMPLES / f"desired-{what}.json").read_bytes()
    other = [token[0], token[1].swapcase(), token[2]]
    with pytest.raises(InvalidSignature):
        verifier.signature(header["alg"], certificates[0].public_key(), other)


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


@dataclass(frozen=True, slots=True)
class Said(Claims):
    """What a code says."""

    name: str


def scan(sealer: Sealer, at: Stamp) -> ScanRecord:
    shown = Scan("mã\n".encode(), "mã\n", "qr", "front", Direction.IN, 1.0)
    code = Code(Kind.CCCD, claims=Said("Đỗ\u2028"))
    sealed = sealer.seal(understood(shown, code, "st-1", at))
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
        scan(sealer, stamp(4)),
        AuditRecord("restart", "somebody", "refused", ""),
        scan(sealer, stamp(6)),
    ]
    messages, previous = [], wire.NO_HASH
    for number, record in enumerate(records, 1):
        event = Event("st-1", "a-site", EPOCH, number, previous, stamp(number), record)
        body = wire.encode_body(event)
        previous = wire.body_hash(body)
        message = wire.event_message(body)
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
    return wire.event_message(canonical(data)).payload


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


def test_what_was_sealed_for_another_event_is_caught(authority: AuthorityFiles) -> None:
    """The chain holds, the signature holds: only the binding tells."""
    messages = chain(authority)
    jwk = json.loads(authority.sealing_private.read_bytes())
    one, other = (json.loads(messages[each][1])["data"] for each in (3, 5))
    verifier.opened(one, jwk)
    with pytest.raises(verifier.Broken, match="another event"):
        verifier.opened(one | {"sealed": other["sealed"]}, jwk)


def test_what_is_not_padded_is_caught(authority: AuthorityFiles) -> None:
    body = json.loads(chain(authority)[3][1])["data"]
    jwk = json.loads(authority.sealing_private.read_bytes())
    sealed = Sealer(load_public_key(authority.sealing_public)).seal(
        verifier.unseal(body["sealed"], jwk)[:-1] + b" }"
    )
    with pytest.raises(verifier.Broken, match="padded"):
        verifier.opened(body | {"sealed": sealed}, jwk)


def spoken(holder: Holder, *x5c: bytes) -> bytes:
    claims = wire.checkpoint_claims("st-1", "a-site", (EPOCH, 1, "ab" * 32), stamp(9))
    return token(holder, *x5c, payload=claims).encode()


def test_a_chain_of_certificates_is_followed() -> None:
    top = root()
    city = top.issue("city", ca(0), CERTIFIES)
    leaf = city.issue("st-1", usage("digital_signature"))
    for above in ((), (top.der,)):
        given = spoken(leaf, leaf.der, city.der, *above)
        assert verifier.checkpoint(TOPICS.checkpoint, given, top.certificate)["sequence"] == 1


def test_a_chain_that_does_not_hold_is_caught() -> None:
    top = root()
    city, station = top.issue("city", ca(0), CERTIFIES), top.issue("st-9")
    low, forged = city.issue("low", ca()), station.issue("st-1")
    deep, odd = low.issue("st-1"), city.issue("st-1", usage("key_encipherment"))
    for holder, *x5c in (
        (forged, forged, station),
        (deep, deep, low, city),
        (odd, odd, city),
        (city.issue("st-1"),),
    ):
        given = spoken(holder, *(each.der for each in x5c))
        with pytest.raises(verifier.Broken):
            verifier.checkpoint(TOPICS.checkpoint, given, top.certificate)
