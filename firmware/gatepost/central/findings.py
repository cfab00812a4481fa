"""What a follower finds in what stations send."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.model import Event


class FindingKind(StrEnum):
    """What was found."""

    EVENT = "event"  # a new one, of the station that sent it, or adopted
    DUPLICATE = "duplicate"  # the same again: expected with QoS 1
    BROUGHT = "brought"  # another station's event: it counts once it is adopted
    ADOPTED = "adopted"  # the signed chain of its own station now proves what was brought
    INVALID = "invalid"  # a message that breaks the contract
    CHAIN_BROKEN = "chain-broken"  # an event that does not follow the one before it
    CONFLICT = "conflict"  # two histories in one epoch: a cloned or restored card
    CHECKPOINT = "checkpoint"  # a station's signed word, verified
    GAP = "gap"  # a checkpoint says that there are events which did not come (yet)
    COMPLETE = "complete"  # everything up to a checkpoint is here, proved
    LOST = "lost"  # a station says that it does not hold these any more: lost for good
    TIME = "time"  # the true time of events that came before
    RESPONSE = "response"  # what came of a command
    STATE = "state"
    HEALTH = "health"


ALARMS = frozenset({FindingKind.INVALID, FindingKind.CHAIN_BROKEN, FindingKind.CONFLICT})


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; what does not apply is empty or 0.

    Attributes:
        topic: of the message that led to it; `received_us`: when, microseconds since 1970.
        sequence: the event's or the checkpoint's; of a range its first.
        last: of a gap, of what was adopted and of what is lost the last.
        detail: why, in words; it may quote what a station sent: escape it before showing it.
        event: the event; None where its type is of a later version.
        body: the event's body in canonical form, as it was hashed: what is worth keeping.
        facts: what a state, health or response says; of a correction of time: `boot_id`,
            `offset_us`, `offset_bound_us`, and for which `boot_us` it holds (above `after_us`, up
            to `upto_us`).
        via: the station that brought it, where that is another.
        wall_us: an event's true time, microseconds since 1970, as far as it is known now.
        bound_us: the most by which that may be wrong; None: nobody knows (yet).
    """

    kind: FindingKind
    topic: str
    received_us: int
    site: str = ""
    source: str = ""
    epoch: str = ""
    sequence: int = 0
    last: int = 0
    detail: str = ""
    event: Event | None = None
    body: bytes = b""
    facts: tuple[tuple[str, str | int], ...] = ()
    via: str = ""
    wall_us: int = 0
    bound_us: int | None = None
