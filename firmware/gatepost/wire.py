"""The wire contract in code: Event <-> bytes <-> MQTT messages; topics. Pure.

An event's *body* is a flat JSON object in RFC 8785 form: ASCII keys, strings and integers
below 2^53, no floats, so that any language gets the same bytes and the same SHA-256. What goes
over MQTT is a CloudEvents 1.0 object (structured JSON) whose `data` is that body.
contract/ describes all of it for those who write a central server.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gatepost.canonical import canonical
from gatepost.errors import ContractError
from gatepost.model import (
    AuditRecord,
    ClockRecord,
    Direction,
    EpochRecord,
    Event,
    FaultRecord,
    Message,
    Record,
    ScanRecord,
    Stamp,
    Trust,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HASH = "0" * 64
CONTENT_TYPE = "application/cloudevents+json"
MOST_PAYLOAD = 256 * 1024
_EDGE = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX32 = re.compile(r"[0-9a-f]{32}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

RECORDS: dict[str, type[Record]] = {
    "scan": ScanRecord,
    "epoch": EpochRecord,
    "clock": ClockRecord,
    "fault": FaultRecord,
    "audit": AuditRecord,
}
_TYPE_OF: dict[type[Record], str] = {kind: name for name, kind in RECORDS.items()}
_CLOCK = {True: "synchronised", False: "unsynchronised"}


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one station."""

    site: str
    station: str

    @property
    def root(self) -> str:
        """What all topics of the station begin with, without a slash at the end."""
        return f"gatepost/v1/{self.site}/{self.station}"

    def event(self, kind: str) -> str:
        return f"{self.root}/event/{kind}"

    @property
    def state(self) -> str:
        return f"{self.root}/state"

    @property
    def health(self) -> str:
        return f"{self.root}/health"

    @property
    def checkpoint(self) -> str:
        return f"{self.root}/checkpoint"


def event_type(record: Record) -> str:
    """The name of a record's type in the body, the topic and the CloudEvents type."""
    return _TYPE_OF[type(record)]


def encode_body(event: Event) -> bytes:
    """The body of an event: the bytes that are kept, hashed and sent."""
    stamp = event.stamp
    body: dict[str, str | int] = {
        "type": event_type(event.record),
        "source": event.source,
        "site": event.site,
        "epoch": event.epoch,
        "sequence": event.sequence,
        "previous": event.previous,
        "boot_id": stamp.boot_id,
        "boot_us": stamp.boot_us,
        "wall_us": stamp.wall_us,
        "clock": _CLOCK[stamp.synchronised],
        "bound_us": stamp.bound_us,
    }
    for item in fields(event.record):
        value = getattr(event.record, item.name)
        if item.default is MISSING or value != item.default:  # what is not known is left out
            body[item.name] = value if isinstance(value, int) else str(value)
    return canonical(body)


def body_hash(body: bytes) -> str:
    """SHA-256 of a body, hex: what the next event names as `previous`."""
    return hashlib.sha256(body).hexdigest()


def decode_body(body: bytes) -> Event:
    """The event that a body holds; keys that we do not know are passed over.

    Raises ContractError when it is not a body of this contract.
    """
    return event_of(_object(body))


def event_of(data: Mapping[str, Any]) -> Event:
    """The event in a parsed body. Raises ContractError with the key that is wrong."""
    kind = RECORDS.get(_text(data, "type"))
    if kind is None:
        raise ContractError(f"type: unknown event type {data['type']!r}")
    values: dict[str, Any] = {item.name: _field(data, item.name, item) for item in fields(kind)}
    if kind is ScanRecord:
        values |= _closed(values)
    if kind is ScanRecord and bool(values["sealed"]) == bool(values["plain"]):
        raise ContractError("sealed: exactly one of sealed and plain is needed")
    return Event(
        source=_text(data, "source", _NAME),
        site=_text(data, "site", _NAME),
        epoch=_text(data, "epoch", _HEX32),
        sequence=_number(data, "sequence", least=1),
        previous=_text(data, "previous", _HEX64),
        stamp=_stamp(data),
        record=kind(**values),
    )


def _closed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The words of closed lists; kinds, reasons and symbologies may grow, these may not."""
    try:
        closed = {
            "direction": Direction(values["direction"]),
            "trust": Trust(values["trust"]),
            "verdict": Verdict(values["verdict"]),
        }
    except ValueError as error:
        raise ContractError(f"scan: {error}") from error
    if closed["direction"] is Direction.AUTO:
        raise ContractError("direction: an event's is in, out or none")
    return closed


def _stamp(data: Mapping[str, Any]) -> Stamp:
    clock = _text(data, "clock")
    if clock not in _CLOCK.values():
        raise ContractError(f"clock: is {clock!r}")
    return Stamp(
        boot_id=_text(data, "boot_id", _HEX32),
        boot_us=_number(data, "boot_us", least=0),
        wall_us=_number(data, "wall_us", least=0),
        synchronised=clock == _CLOCK[True],
        bound_us=_number(data, "bound_us", least=0),
    )


def _field(data: Mapping[str, Any], name: str, item: Any) -> Any:
    if name not in data and item.default is not MISSING:
        return item.default
    return _number(data, name) if item.type == "int" else _text(data, name)


def _text(data: Mapping[str, Any], name: str, pattern: re.Pattern[str] | None = None) -> str:
    value = data.get(name)
    if type(value) is not str:
        raise ContractError(f"{name}: must be a string, is {type(value).__name__}")
    if pattern and not pattern.fullmatch(value):
        raise ContractError(f"{name}: does not fit {pattern.pattern}")
    return value


def _number(data: Mapping[str, Any], name: str, least: int = -_EDGE + 1) -> int:
    value = data.get(name)
    if type(value) is not int or not least <= value < _EDGE:
        raise ContractError(f"{name}: must be a whole number from {least} to 2^53-1")
    return value


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > MOST_PAYLOAD:
        raise ContractError(f"payload: {len(payload)} bytes, at most {MOST_PAYLOAD}")
    try:
        value = json.loads(payload.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"payload: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ContractError("payload: not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ContractError("payload: a key stands twice in one object")
    return value


def event_id(epoch: str, sequence: int) -> str:
    """The CloudEvents id of an event: what a central server deduplicates by."""
    return f"{epoch}-{sequence}"


def rfc3339(wall_us: int) -> str:
    """Microseconds since 1970 as `2026-01-31T12:34:56.000000Z`."""
    moment = _EPOCH + timedelta(microseconds=wall_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def attributes(data: Mapping[str, Any]) -> dict[str, str]:
    """The CloudEvents attributes of a body, which it alone determines."""
    return {
        "datacontenttype": "application/json",
        "id": event_id(data["epoch"], data["sequence"]),
        "source": data["source"],
        "specversion": "1.0",
        "time": rfc3339(data["wall_us"]),
        "type": f"gatepost.{data['type']}.v1",
    }


def event_message(topics: Topics, body: bytes, token: int = 0, topic: str = "") -> Message:
    """The MQTT message of a kept body: the same bytes whenever it is sent.

    `data` sorts before every other attribute, so the canonical form of the whole is the
    body between two constant parts: a drain of 100,000 events is not slowed by encoding.
    """
    data = json.loads(body)
    mirrored = attributes(data)
    rest = canonical(mirrored)
    return Message(
        topic=topic or topics.event(data["type"]),
        payload=b'{"data":' + body + b"," + rest[1:],
        content_type=CONTENT_TYPE,
        properties=tuple(mirrored.items()),
        token=token,
    )


def parse_event(payload: bytes) -> tuple[Event, bytes]:
    """An event message's event, and its body in canonical form, as it was hashed.

    Raises ContractError when the payload breaks the contract, or when the attributes around
    the body do not say the same as the body.
    """
    outer = _object(payload)
    data = outer.get("data")
    if not isinstance(data, dict):
        raise ContractError("data: must be an object")
    event = event_of(data)
    for name, value in attributes(data).items():
        if outer.get(name) != value:
            raise ContractError(f"{name}: is {outer.get(name)!r}, the body says {value!r}")
    return event, canonical(data)


def checkpoint_claims(source: str, site: str, head: tuple[str, int, str], stamp: Stamp) -> bytes:
    """What a station signs: "up to `sequence` of `epoch` I recorded exactly this"."""
    epoch, sequence, digest = head
    return canonical(
        {
            "source": source,
            "site": site,
            "epoch": epoch,
            "sequence": sequence,
            "hash": digest,
            "boot_id": stamp.boot_id,
            "boot_us": stamp.boot_us,
            "wall_us": stamp.wall_us,
            "clock": _CLOCK[stamp.synchronised],
            "bound_us": stamp.bound_us,
        }
    )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A station's signed word on what it has recorded."""

    source: str
    site: str
    epoch: str
    sequence: int
    hash: str
    stamp: Stamp


def parse_checkpoint(claims: bytes) -> Checkpoint:
    """What a (verified) checkpoint says. Raises ContractError."""
    data = _object(claims)
    return Checkpoint(
        source=_text(data, "source", _NAME),
        site=_text(data, "site", _NAME),
        epoch=_text(data, "epoch", _HEX32),
        sequence=_number(data, "sequence", least=1),
        hash=_text(data, "hash", _HEX64),
        stamp=_stamp(data),
    )


def state_message(topics: Topics, state: str, facts: Mapping[str, str | int]) -> Message:
    """The retained state of the station: online, offline (clean) or lost (the last will)."""
    return Message(topics.state, canonical({"state": state, **facts}), retain=True)
