"""What visitors saw, by the daemon's log, beside what a central server has: the promise judged.

The log says "lit" once the light stood, and only then; so each line is a visitor who saw it.
Reader and moment of reading name the event, in the log as in the event itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from feeding import STATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kills_central import Arrival, Central

_GREEN = {"accepted", "repeated"}
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Green:
    """A green light: which boot, which reader, when the code was read (microseconds of boot)."""

    boot_id: str
    reader: str
    taken_us: int


def greens(lines: Iterable[bytes], boot_id: str = "") -> Iterator[Green]:
    """The green lights that a log tells of. A line that a kill cut short tells of none.

    `boot_id`: of the boot it is of; a line "boot ID" in the log begins another.
    """
    for line in lines:
        if line.startswith(b"boot "):
            boot_id = line.split()[1].decode().replace("-", "")
            continue
        told = parsed(line)
        if told.get("message") == "lit" and told.get("cue") in _GREEN:
            yield Green(boot_id, told["reader"], round(told["taken_s"] * 1_000_000))


def parsed(line: bytes) -> dict[str, Any]:
    """A line of the log, or {} where it is none, or not whole."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a run ended; `good` when the promise held.

    Attributes:
        shown: codes that a reader took; green: lights seen; events: of any kind, at the centre.
        lost: green, and not at the centre; twice: codes of one visitor recorded again.
        unlike: events whose sealed code nobody showed whole (a kill cuts a code on its way in).
        again: deliveries of the same event, beyond the first: QoS 1 allows them.
        complete: proved by the chain and the signed checkpoints, at sequence `upto`.
        newest: the sequence on the station's card.
        kept: how many events the station's own spool verifies; facts: what else was seen.
    """

    kills: int
    shown: int
    green: int
    events: int
    lost: tuple[Green, ...]
    twice: tuple[str, ...]
    unlike: int
    again: int
    gaps: int
    broken: int
    conflicts: int
    alarms: tuple[str, ...]
    complete: bool
    upto: int
    newest: int
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Every green light is at the centre, once, and the centre can prove it."""
        wrong = (self.lost, self.twice, self.gaps, self.broken, self.conflicts, self.alarms)
        return self.complete and self.green > 0 and self.upto == self.newest and not any(wrong)

    def words(self) -> str:
        """In one paragraph."""
        return (
            f"{self.kills} kills: {self.shown} codes shown, {self.green} green lights, "
            f"{self.events} events at the centre; lost {len(self.lost)}, twice after "
            f"deduplication {len(self.twice)}, gaps {self.gaps}, broken chains {self.broken}, "
            f"conflicts {self.conflicts}, alarms {len(self.alarms)}; delivered again "
            f"{self.again}; {'complete' if self.complete else 'NOT complete'} up to {self.upto} "
            f"of {self.newest}"
        )

    def told(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"good": self.good}


def judged(
    kills: int,
    seen: Sequence[Green],
    shown: Sequence[str],
    central: Central,
    newest: int,
    facts: dict[str, Any],
) -> Judgement:
    """Compare what visitors saw with what is at the centre; `newest`: the last event kept."""
    arrivals = central.arrivals()
    texts, known = [each.text for each in arrivals], set(shown)
    tally = central.tally(STATION)
    return Judgement(
        kills=kills,
        shown=len(shown),
        green=len(seen),
        events=tally["events"],
        lost=_unmatched(seen, arrivals),
        twice=tuple(t for t, count in Counter(texts).items() if count > 1 and t in known),
        unlike=sum(text not in known for text in texts),
        again=central.again,
        gaps=tally["gaps"],
        broken=tally["broken"],
        conflicts=tally["conflicts"],
        alarms=tuple(central.alarms[:_MOST_TOLD]),
        complete=central.complete(STATION),
        upto=tally["upto"],
        newest=newest,
        facts=facts,
    )


def _unmatched(seen: Sequence[Green], arrivals: Sequence[Arrival]) -> tuple[Green, ...]:
    """The green lights without an event each: the promise broken.

    Two codes that came in one piece have one moment, and are two events.
    """
    there = Counter((each.boot_id, each.reader, each.boot_us) for each in arrivals)
    return tuple(each for each in seen if not _found(each, there))


def _found(green: Green, there: Counter[tuple[str, str, int]]) -> bool:
    """Take its event out of `there`; the log rounds seconds, so it may be a microsecond off."""
    for taken_us in (green.taken_us, green.taken_us - 1, green.taken_us + 1):
        key = (green.boot_id, green.reader, taken_us)
        if there[key]:
            there[key] -= 1
            return True
    return False
