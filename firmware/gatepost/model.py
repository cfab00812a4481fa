"""The values that travel through a station: frozen, typed, parsed once at the edge.

    Frame -> Symbol -> Scan -> Code -> Checked -> Decision -> Event, and Cue for the visitor

Times: `taken` and `..._s` are seconds of CLOCK_BOOTTIME; `..._us` are integer microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gatepost.reasons import Reason as Reason
from gatepost.reasons import Verdict as Verdict
from gatepost.recognised import NOBODY as NOBODY
from gatepost.recognised import SIGNED as SIGNED
from gatepost.recognised import Basis as Basis
from gatepost.recognised import Checked as Checked
from gatepost.recognised import Claims as Claims
from gatepost.recognised import Code as Code
from gatepost.recognised import Kind as Kind
from gatepost.recognised import Layer as Layer
from gatepost.recognised import Proof as Proof
from gatepost.recognised import Step as Step
from gatepost.recognised import Trust as Trust
from gatepost.recognised import told as told
from gatepost.seen import Box as Box
from gatepost.seen import Corners as Corners
from gatepost.seen import Frame as Frame
from gatepost.seen import Hint as Hint
from gatepost.seen import Symbol as Symbol
from gatepost.seen import View as View


class Direction(StrEnum):
    """Which way a visitor goes. AUTO is a reader's setting, never in a decision or event."""

    IN = "in"
    OUT = "out"
    NONE = "none"
    AUTO = "auto"


class CueKind(StrEnum):
    """What the visitor is told; each looks and sounds different."""

    READY = "ready"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not-understood"
    POSTER = "poster"
    AGAIN = "again"
    TROUBLE = "trouble"
    HINT = "hint"
    IDENTIFY = "identify"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Read:
    """What a barcode reader gave at `taken` s of boot time: a whole code, or `lossy` what came."""

    data: bytes
    text: str
    taken: float
    lossy: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """One presentation of a code to one reader, first read from what was taken at `taken` s.

    `lossy`: something of it was lost on the way from the reader, so whom it names is not certain.
    """

    data: bytes
    text: str
    symbology: str
    reader: str
    direction: Direction
    taken: float
    lossy: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """What the visitor is told.

    Attributes:
        direction, initials: shown with an accepted visitor.
        detail: a short fixed text for the technician under "station in trouble"; of a status its
            lines, at most four; or "".
        reader: which reader it answers, or "".
        taken: when the frame was taken that it answers, seconds of boot time, or 0.
        hint: with a hint: which; None: the reader takes its hint back.
        reason: why the gate decided so, where it is an answer to a scan.
    """

    kind: CueKind
    direction: Direction = Direction.NONE
    initials: str = ""
    detail: str = ""
    reader: str = ""
    taken: float = 0.0
    hint: Hint | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate makes of a scan; `direction` is in, out or none."""

    verdict: Verdict
    reason: Reason
    direction: Direction
    cue: Cue


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened, and how sure the station is of its time.

    Attributes:
        boot_id: the kernel's random id of this boot, 32 hex digits.
        wall_us: the wall clock as it stood at `boot_us`, microseconds since 1970 UTC.
        synchronised: whether the wall clock was set by a time source.
        bound_us: the most by which it may be wrong while synchronised; 0 where not known.
    """

    boot_id: str
    boot_us: int
    wall_us: int
    synchronised: bool
    bound_us: int


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """A visitor's code. Exactly one of `sealed` (a JWE) and `plain` (JSON) is not empty.

    `direction_from` is "memory" where the gate inferred the direction from the day's memory;
    `lossy` is "yes" where the reader lost a part of the code.
    """

    direction: Direction
    reader: str
    symbology: str
    kind: str
    trust: Trust
    verdict: Verdict
    reason: str
    sealed: str = ""
    plain: str = ""
    direction_from: str = ""
    lossy: str = ""


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """The first event of a spool: why it was begun, what came before where that is known."""

    cause: str
    former_epoch: str = ""
    former_sequence: int = 0
    former_hash: str = ""


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """Time came: `boot_us` + `offset_us` of any event of this boot is its true wall clock.

    True within `offset_bound_us` at the time of this event; whatever the wall clock did before.
    """

    offset_us: int
    offset_bound_us: int


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A part that failed (`state` "failed") or came back ("recovered"); never a visitor's data."""

    part: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Something that was asked of the station: what, by whom, what came of it, and why."""

    action: str
    actor: str
    outcome: str
    detail: str


Record: TypeAlias = ScanRecord | EpochRecord | ClockRecord | FaultRecord | AuditRecord


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is spooled: the spool gives it its place."""

    record: Record
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Event:
    """What a station says happened; immutable once spooled. Its key: (source, epoch, sequence).

    Attributes:
        source: the station's opaque id, never reused.
        epoch: 32 hex digits, random, for the life of a spool.
        sequence: contiguous from 1 within an epoch.
        previous: SHA-256 (hex) of the body before this one in the epoch; 64 zeros for the first.
    """

    source: str
    site: str
    epoch: str
    sequence: int
    previous: str
    stamp: Stamp
    record: Record


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message. `token` is the sender's own mark, given back when it is acknowledged."""

    topic: str
    payload: bytes
    retain: bool = False
    content_type: str = "application/json"
    properties: tuple[tuple[str, str], ...] = ()
    token: int = 0
