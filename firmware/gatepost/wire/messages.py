"""Body <-> MQTT message: CloudEvents 1.0 in structured JSON; topics, checkpoints, state. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gatepost.canonical import canonical
from gatepost.errors import ContractError
from gatepost.model import Event, Message, Stamp
from gatepost.wire.bodies import (
    CLOCK,
    HEX32,
    HEX64,
    NAME,
    event_of,
    number_of,
    object_of,
    quoted,
    stamp_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = "application/cloudevents+json"
COMMANDS = ("resend", "receipt", "identify", "selftest", "restart", "renew")
DESIRED = ("rules", "trust")  # the kinds of desired state; a token's typ is gatepost-{kind}
ALL = "_all"  # stands for every station of a site: no station can be named so
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

    @property
    def replay(self) -> str:
        """Events sent again on request, and those of others under their own source."""
        return f"{self.root}/replay"

    def command(self, name: str) -> str:
        return f"{self.root}/command/{name}"

    def response(self, name: str) -> str:
        return f"{self.root}/response/{name}"

    @property
    def commands(self) -> tuple[str, ...]:
        """Where the station is asked to do something."""
        return tuple(self.command(name) for name in COMMANDS)

    @property
    def desired(self) -> tuple[str, ...]:
        """Where rules and trust lists come from: for the station, and for all of its site."""
        roots = (self.root, f"gatepost/v1/{self.site}/{ALL}")
        return tuple(f"{root}/desired/{kind}" for root in roots for kind in DESIRED)


def event_id(epoch: str, sequence: int) -> str:
    """The CloudEvents id of an event: what a central server deduplicates by."""
    return f"{epoch}-{sequence}"


def rfc3339(wall_us: int) -> str:
    """Microseconds since 1970 as `2026-01-31T12:34:56.000000Z`."""
    moment = _EPOCH + timedelta(microseconds=wall_us)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


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


def event_message(body: bytes, token: int = 0, topic: str = "") -> Message:
    """The MQTT message of a kept body: the same bytes and topic whenever it is sent.

    The topic names the site of the body: an event is where it happened, also after a move.
    `data` sorts before every other attribute, so the canonical form of the whole is the
    body and what follows, whose values hold nothing that JSON would escape: hex, names, numbers.
    Written out, it takes a fifth of the time that `canonical` does (a test holds them equal).
    """
    data = json.loads(body)
    mirrored = attributes(data)
    rest = ",".join(f'"{name}":"{value}"' for name, value in mirrored.items())
    return Message(
        topic=topic or Topics(data["site"], data["source"]).event(data["type"]),
        payload=b'{"data":' + body + b"," + rest.encode("ascii") + b"}",
        content_type=CONTENT_TYPE,
        properties=tuple(mirrored.items()),
        token=token,
    )


def parse_event(payload: bytes) -> tuple[Event, bytes]:
    """An event message's event, and its body in canonical form, as it was hashed.

    Raises ContractError when the payload breaks the contract, or when the attributes around
    the body do not say the same as the body.
    """
    outer = object_of(payload)
    data = outer.get("data")
    if not isinstance(data, dict):
        raise ContractError("data: must be an object")
    event = event_of(data)
    for name, value in attributes(data).items():
        if outer.get(name) != value:
            said = quoted(outer.get(name))
            raise ContractError(f"{name}: is {said}, the body says {quoted(value)}")
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
            "clock": CLOCK[stamp.synchronised],
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
    data = object_of(claims)
    return Checkpoint(
        source=text_of(data, "source", NAME),
        site=text_of(data, "site", NAME),
        epoch=text_of(data, "epoch", HEX32),
        sequence=number_of(data, "sequence", least=1),
        hash=text_of(data, "hash", HEX64),
        stamp=stamp_of(data),
    )


def state_message(topics: Topics, state: str, facts: Mapping[str, str | int]) -> Message:
    """The retained state of the station: online, offline (clean) or lost (the last will)."""
    return Message(topics.state, canonical({"state": state, **facts}), retain=True)
