"""Event <-> body: the flat canonical JSON that is kept, hashed and sent. Pure.

ASCII keys, strings and integers below 2^53, no floats, in RFC 8785 form: any language gets
the same bytes and the same SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import MISSING, dataclass, fields
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
    Record,
    ScanRecord,
    Stamp,
    Trust,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HASH = "0" * 64
MOST_PAYLOAD = 256 * 1024
EDGE = 2**53
HEX32 = re.compile(r"[0-9a-f]{32}")
HEX64 = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TYPE = re.compile(r"[a-z0-9-]+")
KEY = re.compile(r"[ -~]+")
_QUOTED = 80

RECORDS: dict[str, type[Record]] = {
    "scan": ScanRecord,
    "epoch": EpochRecord,
    "clock": ClockRecord,
    "fault": FaultRecord,
    "audit": AuditRecord,
}
_TYPE_OF: dict[type[Record], str] = {kind: name for name, kind in RECORDS.items()}
CLOCK = {True: "synchronised", False: "unsynchronised"}
# What is narrower than its type says, where it is present.
_PATTERNS = {
    "former_epoch": HEX32,
    "former_hash": HEX64,
    "state": re.compile(r"failed|recovered"),
    "lossy": re.compile(r"yes"),
}
_LEAST = {"former_sequence": 1, "offset_bound_us": 0}


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
        "clock": CLOCK[stamp.synchronised],
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
    return event_of(object_of(body))


def event_of(data: Mapping[str, Any]) -> Event:
    """The event in a parsed body. Raises ContractError with the key that is wrong."""
    for name, value in data.items():
        _scalar(name, value)
    kind = RECORDS.get(text_of(data, "type"))
    if kind is None:
        raise ContractError(f"type: unknown event type {quoted(data['type'])}")
    values: dict[str, Any] = {item.name: _field(data, item.name, item) for item in fields(kind)}
    if kind is ScanRecord:
        values |= _closed(values)
    if kind is ScanRecord and bool(values["sealed"]) == bool(values["plain"]):
        raise ContractError("sealed: exactly one of sealed and plain is needed")
    return Event(
        source=text_of(data, "source", NAME),
        site=text_of(data, "site", NAME),
        epoch=text_of(data, "epoch", HEX32),
        sequence=number_of(data, "sequence", least=1),
        previous=text_of(data, "previous", HEX64),
        stamp=stamp_of(data),
        record=kind(**values),
    )


@dataclass(frozen=True, slots=True)
class Links:
    """What ties a body to its place in a chain: all that a spool must know of an event."""

    type: str
    source: str
    epoch: str
    sequence: int
    previous: str


def links_of(body: bytes) -> Links:
    """The links of a body, of whatever version: its type and the rest of it may be unknown.

    A firmware that was rolled back must not take a healthy spool for a damaged one. Raises
    ContractError when it is no body at all.
    """
    data = object_of(body)
    return Links(
        type=text_of(data, "type", TYPE),
        source=text_of(data, "source", NAME),
        epoch=text_of(data, "epoch", HEX32),
        sequence=number_of(data, "sequence", least=1),
        previous=text_of(data, "previous", HEX64),
    )


def _scalar(name: str, value: object) -> None:
    """Only what has a canonical form in every language may stand in a body."""
    if not KEY.fullmatch(name):
        raise ContractError(f"{quoted(name)}: a key must be printable ASCII")
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ContractError(f"{quoted(name)}: holds half of a surrogate pair") from error
    elif type(value) is not int or not -EDGE < value < EDGE:
        raise ContractError(f"{quoted(name)}: must be a string or a whole number below 2^53")


def _closed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The words of closed lists; kinds, reasons and symbologies may grow, these may not."""
    closed: dict[str, Any] = {}
    for name, words in (("direction", Direction), ("trust", Trust), ("verdict", Verdict)):
        try:
            closed[name] = words(values[name])
        except ValueError as error:
            raise ContractError(f"{name}: is {quoted(values[name])}") from error
    if closed["direction"] is Direction.AUTO:
        raise ContractError("direction: an event's is in, out or none")
    return closed


def stamp_of(data: Mapping[str, Any]) -> Stamp:
    """The times in a body. Raises ContractError."""
    clock = text_of(data, "clock")
    if clock not in CLOCK.values():
        raise ContractError(f"clock: is {quoted(clock)}")
    return Stamp(
        boot_id=text_of(data, "boot_id", HEX32),
        boot_us=number_of(data, "boot_us", least=0),
        wall_us=number_of(data, "wall_us", least=0),
        synchronised=clock == CLOCK[True],
        bound_us=number_of(data, "bound_us", least=0),
    )


def _field(data: Mapping[str, Any], name: str, item: Any) -> Any:
    if name not in data and item.default is not MISSING:
        return item.default
    if item.type == "int":
        return number_of(data, name, _LEAST.get(name, -EDGE + 1))
    return text_of(data, name, _PATTERNS.get(name))


def quoted(value: object) -> str:
    """Foreign text for an error or a log: short and printable.

    Never the `repr` of anything else: that of nested lists recurses without end.
    """
    return repr(value[:_QUOTED])[:_QUOTED] if type(value) is str else type(value).__name__


def text_of(data: Mapping[str, Any], name: str, pattern: re.Pattern[str] | None = None) -> str:
    """A string of a body. Raises ContractError when it is none or does not fit."""
    value = data.get(name)
    if type(value) is not str:
        raise ContractError(f"{name}: must be a string, is {type(value).__name__}")
    if pattern and not pattern.fullmatch(value):
        raise ContractError(f"{name}: does not fit {pattern.pattern}")
    return value


def number_of(data: Mapping[str, Any], name: str, least: int = -EDGE + 1) -> int:
    """A whole number of a body. Raises ContractError."""
    value = data.get(name)
    if type(value) is not int or not least <= value < EDGE:
        raise ContractError(f"{name}: must be a whole number from {least} to 2^53-1")
    return value


def object_of(payload: bytes) -> dict[str, Any]:
    """The JSON object in a payload. Raises ContractError."""
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
