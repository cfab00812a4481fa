"""From a received message to typed values; every fault is a ContractError."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost import contract
from gatepost.central.findings import Finding
from gatepost.errors import ContractError
from gatepost.wire import RECORDS, attributes, event_of
from gatepost.wire.bodies import object_of, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.central.findings import FindingKind
    from gatepost.model import Event

_TOPIC = re.compile(r"gatepost/v1/([^/]+)/([^/]+)/(.+)", re.DOTALL)
_LATEST_US = 2**53 - 1
_FLAT = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class Received:
    """A message on its way through, with what its topic says ("" where it is none of ours)."""

    def __init__(self, topic: str, payload: bytes, now_us: int, *, retained: bool = False) -> None:
        self.topic = topic
        self.retained = retained
        self.payload = payload
        self.now_us = min(max(now_us, 0), _LATEST_US)
        match = _TOPIC.fullmatch(topic)
        self.site, self.station, self.rest = match.groups() if match else ("", "", "")

    def find(self, kind: FindingKind, **told: Any) -> Finding:
        """A finding that came of this message."""
        place: dict[str, Any] = {"site": self.site, "source": self.station}
        return Finding(kind, self.topic, self.now_us, **(place | told))


@dataclass(frozen=True, slots=True)
class Body:
    """An event's body; `event` is None where its type is of a later version."""

    source: str
    site: str
    epoch: str
    sequence: int
    previous: str
    canonical: bytes
    event: Event | None


def parse_body(got: Received) -> Body:
    """The event in a message, in whose envelope and topic the same stands as in its body."""
    outer = object_of(got.payload)
    data = outer.get("data")
    if not isinstance(data, dict) or any(type(each) not in {str, int} for each in data.values()):
        raise ContractError("data: must be a flat object of strings and whole numbers")
    event = record_of(data)
    if event is None and (wrong := contract.problem("event", outer)):
        raise ContractError(wrong)
    for name, value in attributes(data).items():
        if outer.get(name) != value:
            raise ContractError(f"{name}: the body says {quoted(value)}, its envelope another")
    if got.rest != "replay":
        _placed(got, data)
    return Body(
        source=data["source"],
        site=data["site"],
        epoch=data["epoch"],
        sequence=data["sequence"],
        previous=data["previous"],
        canonical=flat(data),
        event=event,
    )


def record_of(data: Mapping[str, Any]) -> Event | None:
    """The event in a body; None where its type is of a later version. Raises ContractError."""
    return event_of(data) if data.get("type") in RECORDS else None


def station_of(topic: str) -> tuple[str, str]:
    """The site and the station of a topic; "" where it is none of ours."""
    match = _TOPIC.fullmatch(topic)
    return (match[1], match[2]) if match else ("", "")


def flat(data: dict[str, Any]) -> bytes:
    """The RFC 8785 form of a flat object with ASCII keys, strings and whole numbers below 2^53.

    The same as `canonical` gives (a test holds them equal), in a tenth of its time. Raises
    ContractError for half of a surrogate pair.
    """
    try:
        return _FLAT.encode(data).encode()
    except UnicodeEncodeError as error:
        raise ContractError("data: holds half of a surrogate pair") from error


def _placed(got: Received, data: dict[str, Any]) -> None:
    """Only on replay may a station send what is not its own."""
    said = (data["site"], data["source"], f"event/{data['type']}")
    if said != (got.site, got.station, got.rest):
        own = quoted("/".join(said))
        raise ContractError(f"topic: is {quoted(got.topic)}, the body says {own}")


def parse_facts(got: Received, schema: str) -> tuple[tuple[str, str | int], ...]:
    """What a message of `schema` says; what is nested in it as JSON text."""
    value = object_of(got.payload)
    if wrong := contract.problem(schema, value):
        raise ContractError(wrong)
    try:
        return tuple(
            (name, each if isinstance(each, (str, int)) else json.dumps(each, sort_keys=True))
            for name, each in value.items()
        )
    except RecursionError as error:
        raise ContractError("payload: is nested too deeply") from error
