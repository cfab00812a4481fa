"""What the centre asks of a station, and what the station answers. Pure.

A command is a JWS (typ gatepost-command) over canonical JSON; its answer is plain JSON in the
station's own tree. Receipts are commands too: the centre's signed word on what it keeps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from gatepost.canonical import canonical
from gatepost.errors import ContractError
from gatepost.model import Message
from gatepost.wire.bodies import CLOCK, HEX32, NAME, number_of, object_of, quoted, text_of

if TYPE_CHECKING:
    from gatepost.model import Stamp
    from gatepost.wire.messages import Topics

COMMAND = "gatepost-command"  # the typ of its JWS
MOST_RANGES = 1000
_MOST_EPOCHS = 256
_MOST_AUDIENCE = 10_000
_MOST_TOPIC = 256
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEYS = frozenset({"type", "name", "id", "issued", "expires", "audience", "response_topic", "of"})
_RANGED = frozenset({"resend", "receipt"})

Range: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Events of one epoch of one source: ranges of sequences, both ends included."""

    source: str
    epoch: str
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that is asked for once.

    Attributes:
        name: one of `COMMANDS`, or of a later version.
        id: unique for whoever asks; the same id again is the same command.
        issued, expires: UTC.
        audience: sites and stations by name, or "*".
        response_topic: where the answer is wanted; "": the station's own response/{name}.
        of: what a resend asks for, or what a receipt covers.
    """

    name: str
    id: str
    issued: datetime
    expires: datetime
    audience: tuple[str, ...]
    response_topic: str = ""
    of: tuple[Ranges, ...] = field(default=())

    def claims(self) -> bytes:
        """What is signed."""
        told: dict[str, Any] = {
            "type": COMMAND,
            "name": self.name,
            "id": self.id,
            "issued": _moment(self.issued),
            "expires": _moment(self.expires),
            "audience": list(self.audience),
        }
        if self.response_topic:
            told["response_topic"] = self.response_topic
        if self.of:
            told["of"] = [
                {"source": each.source, "epoch": each.epoch, "ranges": [*map(list, each.ranges)]}
                for each in self.of
            ]
        return canonical(told)


def parse_command(claims: bytes) -> Command:
    """What a (verified) command says. Raises ContractError.

    A name that is not known parses, so that it can be refused by name.
    """
    data = object_of(claims)
    if text_of(data, "type") != COMMAND:
        raise ContractError(f"type: is not {COMMAND}")
    for key in data.keys() - _KEYS:
        raise ContractError(f"{quoted(key)}: is not known")
    name = text_of(data, "name", NAME)
    topic = text_of(data, "response_topic") if "response_topic" in data else ""
    if len(topic) > _MOST_TOPIC or not topic.isprintable():
        raise ContractError("response_topic: is too long or not printable")
    if ("of" in data) != (name in _RANGED):
        raise ContractError("of: belongs to resend and receipt, and to them alone")
    issued, expires = _time(data, "issued"), _time(data, "expires")
    if expires <= issued:
        raise ContractError("expires: is not after issued")
    return Command(
        name=name,
        id=text_of(data, "id", _ID),
        issued=issued,
        expires=expires,
        audience=_audience(data),
        response_topic=topic,
        of=_ranges_of(data["of"]) if "of" in data else (),
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def _time(data: dict[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(text_of(data, name))
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ContractError(f"{name}: is no time as of RFC 3339") from error
    raise ContractError(f"{name}: names no time zone")


def _audience(data: dict[str, Any]) -> tuple[str, ...]:
    named = data.get("audience")
    if not isinstance(named, list) or not 1 <= len(named) <= _MOST_AUDIENCE:
        raise ContractError(f"audience: is no list of 1 to {_MOST_AUDIENCE} names")
    if not all(isinstance(each, str) for each in named):
        raise ContractError("audience: must hold texts")
    return tuple(named)


def _ranges_of(listed: Any) -> tuple[Ranges, ...]:
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_EPOCHS:
        raise ContractError(f"of: is no list of 1 to {_MOST_EPOCHS} epochs")
    found = tuple(_ranges(each) for each in listed)
    if sum(len(each.ranges) for each in found) > MOST_RANGES:
        raise ContractError(f"of: more than {MOST_RANGES} ranges")
    return found


def _ranges(told: Any) -> Ranges:
    if not isinstance(told, dict) or told.keys() != {"source", "epoch", "ranges"}:
        raise ContractError("of: must hold objects of source, epoch and ranges")
    ranges = told["ranges"]
    if not isinstance(ranges, list) or not ranges:
        raise ContractError("ranges: is no list")
    return Ranges(
        text_of(told, "source", NAME),
        text_of(told, "epoch", HEX32),
        tuple(_range(each) for each in ranges),
    )


def _range(pair: Any) -> Range:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ContractError("ranges: must hold pairs of first and last")
    ends = {"first": pair[0], "last": pair[1]}
    first, last = number_of(ends, "first", least=1), number_of(ends, "last", least=1)
    if last < first:
        raise ContractError(f"ranges: {first} to {last} is turned round")
    return first, last


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a command. `outcome`: "done", "refused" or "accepted" (it is under way)."""

    name: str
    id: str
    outcome: str
    detail: str


def response_message(topics: Topics, response: Response, stamp: Stamp, topic: str = "") -> Message:
    """The answer to a command, on `topic` or the station's own one for it."""
    told: dict[str, str | int] = {
        "name": response.name,
        "id": response.id,
        "outcome": response.outcome,
        "detail": response.detail,
        "source": topics.station,
        "boot_id": stamp.boot_id,
        "boot_us": stamp.boot_us,
        "wall_us": stamp.wall_us,
        "clock": CLOCK[stamp.synchronised],
        "bound_us": stamp.bound_us,
    }
    return Message(topic or topics.response(response.name), canonical(told))
