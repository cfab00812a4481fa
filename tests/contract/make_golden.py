"""Makes contract/examples once: python tests/contract/make_golden.py --missing.

They are kept, not made again: central servers of other teams test against these bytes. Make
them anew (--overwrite) only for a new version of the contract. Keys come from fixed seeds that
stand here for everybody to read: they protect nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

from gatepost import wire
from gatepost.canonical import canonical
from gatepost.demo.authority import issue, private_pem, self_signed
from gatepost.model import (
    AuditRecord,
    Basis,
    Claims,
    ClockRecord,
    Code,
    Direction,
    EpochRecord,
    Event,
    FaultRecord,
    Kind,
    Message,
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

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "firmware" / "gatepost" / "contract" / "examples"
STATION, SITE = "st-example-0001", "cho-vi-du"
EPOCH = "000102030405060708090a0b0c0d0e0f"
FORMER = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
BOOT = "00112233445566778899aabbccddeeff"
FIRST_US = int(datetime(2021, 9, 1, 6, 30, tzinfo=UTC).timestamp()) * 1_000_000
TOPICS = wire.Topics(SITE, STATION)
AGAIN = "event-2-clock.json"
PRIVATE = "central-private.EXAMPLE-ONLY.jwk"


def seed(name: str) -> bytes:
    return hashlib.sha256(f"gatepost example only: {name}".encode()).digest()


def station_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed("station"))


def stamp(seconds: int, bound_us: int = 0) -> Stamp:
    boot_us = 20_000_000 + seconds * 1_000_000
    wall_us = FIRST_US + seconds * 1_000_000 + 250_000
    return Stamp(BOOT, boot_us, wall_us, bound_us > 0, bound_us)


@dataclass(frozen=True, slots=True)
class ExampleClaims(Claims):
    """What the first visitor's code says."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class PosterClaims(Claims):
    """What the poster says."""

    site: str


SEALED = (
    Scan(b"GP-EXAMPLE|nobody|0001", "GP-EXAMPLE|nobody|0001", "qr", "front", Direction.IN, 61.0),
    Code(
        Kind.PC_COVID,
        identity="GP-EXAMPLE-0001",
        basis=Basis.QID,
        initials="N. V. M.",
        claims=ExampleClaims("Nguyễn Văn Mẫu", "not given"),
    ),
)
POSTER = (
    Scan(b"\xff\x00poster", "\xff\x00poster", "qr", "front", Direction.IN, 65.0),
    Code(Kind.SITE, claims=PosterClaims("1")),
)


def records(sealed: str) -> list[tuple[Record, Stamp]]:
    """What happened: the spool begins, time comes, visitors, a lamp that fails, a restart."""
    accepted = ScanRecord(
        Direction.IN, "front", "qr", Kind.PC_COVID, Trust.UNSIGNED, Verdict.ACCEPTED,
        Reason.RECORDED, sealed=sealed, direction_from="memory",
    )  # fmt: skip
    refused = ScanRecord(
        Direction.NONE, "front", "qr", Kind.SITE, Trust.UNSIGNED, Verdict.REFUSED,
        Reason.POSTER_SHOWN, plain=understood(*POSTER, STATION, stamp(45, 40_200)).decode(),
    )  # fmt: skip
    clock = ClockRecord(stamp(0).wall_us - stamp(0).boot_us - 1_250_000, offset_bound_us=40_000)
    return [
        (EpochRecord("spool-damaged", FORMER, 4711, "ab" * 32), stamp(0)),
        (clock, stamp(30, 40_000)),
        (accepted, stamp(41, 40_100)),
        (refused, stamp(45, 40_200)),
        (
            FaultRecord("oled", "failed", "no answer on I2C \u2013 \u201c0x3c\u201d"),
            stamp(50, 40_300),
        ),
        (AuditRecord("restart", "central", "done", "asked by\tservice"), stamp(60, 40_400)),
    ]


def events(sealed: str) -> Iterator[tuple[str, Event]]:
    """The chain with the example file of each event."""
    names = ["epoch", "clock", "scan-sealed", "scan-plain", "fault", "audit"]
    previous = wire.NO_HASH
    for number, (record, at) in enumerate(records(sealed), 1):
        event = Event(STATION, SITE, EPOCH, number, previous, at, record)
        previous = wire.body_hash(wire.encode_body(event))
        yield f"event-{number}-{names[number - 1]}.json", event


def claims(chain: list[Event]) -> bytes:
    last = wire.encode_body(chain[-1])
    head = (EPOCH, chain[-1].sequence, wire.body_hash(last))
    return wire.checkpoint_claims(STATION, SITE, head, stamp(61, 40_500))


def state() -> Message:
    facts: dict[str, str | int] = {
        "boot_id": BOOT,
        "epoch": EPOCH,
        "firmware": "0.1.0",
        "since_us": FIRST_US,
    }
    return wire.state_message(TOPICS, "online", facts)


HEALTH = {
    "firmware": "0.1.0",
    "boot_id": BOOT,
    "boot_us": 3_620_000_000,
    "wall_us": FIRST_US + 3_600_250_000,
    "uptime_s": 3600,
    "temperature_mc": 51234,
    "disk_free_bytes": 20_000_000_000,
    "disk_total_bytes": 31_000_000_000,
    "memory_rss_bytes": 140_000_000,
    "spool_pending": 0,
    "spool_newest": 6,
    "clock": "synchronised",
    "bound_us": 40_500,
    "frames": 108_000,
    "decoded": 2,
    "scans": 2,
    "decode_failures": 0,
    "overflowed": 0,
    "memory_peak_bytes": 152_000_000,
    "memory_available_bytes": 610_000_000,
    "load_milli": 350,
    "cpu_khz": 1_500_000,
    "power_low": 0,
    "power_low_seen": 1,
    "throttled": 0,
    "throttled_seen": 0,
    "throttled_bits": 0x10000,
    "card_device": "mmcblk0p3",
    "card_name": "EXMPL",
    "card_made": "08/2021",
    "card_read_only": 0,
    "card_errors": 2,
    "card_written_day_bytes": 96_000_000,
    "flushes": 2,
    "flush_p50_us": 6_200,
    "flush_p99_us": 21_000,
    "flush_most_us": 21_000,
    "read_by_zxing": 2,
    "frames_min_door": 1800,
    "note_card": "has errors",
    "conditions": {"oled": "no answer"},
}


def sealing_pair() -> tuple[dict[str, str], dict[str, str]]:
    """The central key, public and private."""
    key = x25519.X25519PrivateKey.from_private_bytes(seed("central"))
    raw = serialization.Encoding.Raw
    x = key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
    d = key.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    public = {"kty": "OKP", "crv": "X25519", "kid": "central-example-only", "x": b64(x)}
    return public, {"WARNING": "public to everybody: for tests only", **public, "d": b64(d)}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def pretty(value: dict[str, str]) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def signer(certificate: bytes, key: ed25519.Ed25519PrivateKey | None = None) -> Signer:
    """The station's or another's signer; the key is in no file but while this is made."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key").write_bytes(private_pem(key or station_key()))
        (folder / "certificate").write_bytes(certificate)
        return Signer(folder / "certificate", folder / "key")


def certificates() -> tuple[bytes, bytes]:
    """The authority's and the station's, in PEM."""
    ca = self_signed("gatepost example authority", authority_key())
    made: list[x509.Certificate] = [ca, issue(ca, authority_key(), station_key(), STATION)]
    first, second = (each.public_bytes(serialization.Encoding.PEM) for each in made)
    return first, second


def authority_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed("authority"))


def centre_key() -> ed25519.Ed25519PrivateKey:
    """Of whoever signs rules and trust lists."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed("centre"))


RULES = """\
[gate]
accept = ["pc-covid", "cccd", "bhyt", "pass"]
open = ["mon-sat 06:00-18:00"]
capacity = 200
anti_passback = "warn"

[[kind]]
name = "pass"
max_age_days = 365
"""


def desired(what: str) -> bytes:
    """What a token for desired/`what` signs."""
    told = {"type": f"gatepost-{what}", "version": 3, "issued": "2021-09-01T06:00:00Z"}
    return canonical(told | {"audience": [SITE, STATION]} | WANTED[what])


def trusted() -> dict[str, object]:
    """A trust list: who signs passes here, a pass that was lost, to whom is sealed."""
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed("passes")).public_key()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
    lost = hashlib.sha256(b64(seed("lost pass")[:12]).encode()).hexdigest()
    sealing, _ = sealing_pair()
    return {
        "keys": [{"kind": "pass", "name": "Example Site Office", "jwk": jwk}],
        "revoked": [{"kind": "pass", "id": lost}],
        "central": [sealing | {"since": "2021-08-01T00:00:00Z"}],
    }


WANTED: dict[str, dict[str, object]] = {"rules": {"rules": RULES}, "trust": trusted()}


def centre_certificate(ca: bytes) -> bytes:
    """Of whoever signs rules and trust lists, by the examples' authority, in PEM."""
    issued = issue(x509.load_pem_x509_certificate(ca), authority_key(), centre_key(), "central")
    return issued.public_bytes(serialization.Encoding.PEM)


def from_the_centre(certificate: bytes) -> dict[str, bytes]:
    """The example files of what the centre sends."""
    files = {"central.pem": certificate}
    own = signer(certificate, centre_key())
    for what in WANTED:
        payload = desired(what)
        files[f"desired-{what}.json"] = payload
        files[f"desired-{what}.jws"] = own.sign(payload, f"gatepost-{what}").encode()
    for name in ("resend", "receipt"):
        payload = command(name).claims()
        files[f"command-{name}.json"] = payload
        files[f"command-{name}.jws"] = own.sign(payload, wire.COMMAND).encode()
    return files


def command(name: str) -> wire.Command:
    """What is asked of the station, or confirmed to it."""
    ranges = ((2, 3), (5, 5)) if name == "resend" else ((1, 6),)
    return wire.Command(
        name,
        f"example-{name}-1",
        issued=datetime(2021, 9, 1, 6, 35, tzinfo=UTC),
        expires=datetime(2021, 9, 1, 7, 35, tzinfo=UTC),
        audience=(STATION,),
        of=(wire.Ranges(STATION, EPOCH, ranges),),
    )


def response() -> Message:
    """What the station answers: one of the events is not held any more."""
    told = wire.Response(
        "resend", "example-resend-1", "done", f"2 events sent again; not held: {EPOCH}:5-5"
    )
    return wire.response_message(TOPICS, told, stamp(302, 41_000))


def replayed(event: bytes, checkpoint: bytes) -> bytes:
    """An event sent again; then the same of a station that brings another's, with its word."""
    other = wire.Topics(SITE, "st-example-0002")
    messages = [Message(TOPICS.replay, event)]
    messages += [Message(other.replay, each) for each in (event, checkpoint)]
    return b"".join(line(message) for message in messages)


def make() -> dict[str, bytes]:
    """Every example file."""
    public, private = sealing_pair()
    files = {"central-public.jwk": pretty(public), PRIVATE: pretty(private)}
    files["sealed-plaintext.json"] = understood(*SEALED, STATION, stamp(41, 40_100))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "public"
        path.write_bytes(files["central-public.jwk"])
        sealed = Sealer(load_public_key(path)).seal(files["sealed-plaintext.json"])
    files["sealed.jwe"] = sealed.encode()
    files["ca.pem"], files["station.pem"] = certificates()
    messages = [(state(), "state.json")]
    messages += [
        (wire.event_message(wire.encode_body(event)), name) for name, event in events(sealed)
    ]
    files["checkpoint-claims.json"] = claims([event for _, event in events(sealed)])
    token = signer(files["station.pem"]).sign(files["checkpoint-claims.json"], CHECKPOINT)
    messages.append((Message(TOPICS.checkpoint, token.encode(), retain=True), "checkpoint.jws"))
    health = canonical(HEALTH)
    messages.append((Message(TOPICS.health, health, retain=True), "health.json"))
    files |= {name: message.payload for message, name in messages}
    files |= {"messages.jsonl": b"".join(line(message) for message, _ in messages)}
    files["response.json"] = response().payload
    files["replay.jsonl"] = replayed(files[AGAIN], files["checkpoint.jws"])
    return files | from_the_centre(centre_certificate(files["ca.pem"]))


def line(message: Message) -> bytes:
    """One line of messages.jsonl: topic and payload as they travelled."""
    told = {"topic": message.topic, "payload": message.payload.decode()}
    return json.dumps(told).encode() + b"\n"


def missing() -> dict[str, bytes]:
    """What came with later versions, as far as it is not there: the rest stays as it is."""
    own = EXAMPLES / "central.pem"
    ca = (EXAMPLES / "ca.pem").read_bytes()
    made = from_the_centre(own.read_bytes() if own.exists() else centre_certificate(ca))
    made["response.json"] = response().payload
    event, checkpoint = ((EXAMPLES / name).read_bytes() for name in (AGAIN, "checkpoint.jws"))
    made["replay.jsonl"] = replayed(event, checkpoint)
    return {name: content for name, content in made.items() if not (EXAMPLES / name).exists()}


if __name__ == "__main__":
    if sys.argv[1:] not in (["--missing"], ["--overwrite"]):
        sys.exit("the examples are there; --overwrite makes them anew, --missing what is not there")
    EXAMPLES.mkdir(exist_ok=True)
    for file, content in (missing() if sys.argv[1:] == ["--missing"] else make()).items():
        (EXAMPLES / file).write_bytes(content)
