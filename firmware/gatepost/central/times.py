"""The true time of events: by the clock events of their boot (contract/README.md, Time)."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.model import ClockRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.model import Event, Stamp

MOST_BOOTS = 128  # of one source: what is older is no longer corrected
_MOST_OFFSETS = 16  # of one boot; a station sends one
_LATEST_US = 2**53 - 1
_DRIFT_PPM = 100  # of the boot clock's quartz, over the time between an event and its clock event


@dataclass(frozen=True, slots=True, order=True)
class Offset:
    """What a clock event says: `boot_us` + `offset_us` is true time, within `bound_us`."""

    boot_us: int
    offset_us: int
    bound_us: int


@dataclass(frozen=True, slots=True)
class TrueTime:
    """Microseconds since 1970, and the most by which that may be wrong (None: not known)."""

    wall_us: int
    bound_us: int | None


@dataclass(frozen=True, slots=True)
class Correction:
    """Events of a boot with `after_us` < boot_us <= `upto_us` have another true time now."""

    boot_id: str
    offset: Offset
    after_us: int
    upto_us: int


@dataclass(slots=True)
class Boot:
    """What is known of the time in one boot; `unsure`: an event without time came of it."""

    offsets: list[Offset] = field(default_factory=list)
    unsure: bool = False

    def of(self, boot_us: int) -> Offset | None:
        """The offset that counts: of the first clock event from there on, else of the last."""
        if not self.offsets:
            return None
        index = bisect_left(self.offsets, boot_us, key=lambda each: each.boot_us)
        return self.offsets[min(index, len(self.offsets) - 1)]


def true_time(event: Event, boots: Mapping[str, Boot]) -> TrueTime:
    """When an event happened, by the clock events of its source that are known.

    `boots`: by boot id, as `Timeline.boots` has them.
    """
    stamp = event.stamp
    if stamp.synchronised:
        return TrueTime(stamp.wall_us, stamp.bound_us)
    boot = boots.get(stamp.boot_id)
    offset = boot.of(stamp.boot_us) if boot else None
    if offset is None:
        return TrueTime(stamp.wall_us, None)
    drift = abs(offset.boot_us - stamp.boot_us) * _DRIFT_PPM // 1_000_000
    wall = min(max(stamp.boot_us + offset.offset_us, 0), _LATEST_US)
    return TrueTime(wall, min(offset.bound_us + drift, _LATEST_US))


class Timeline:
    """The boots of one source; `changed` has those that are to be saved."""

    def __init__(self) -> None:
        self.boots: dict[str, Boot] = {}
        self.changed: set[str] = set()

    def note(self, event: Event) -> Correction | None:
        """Take an event's word on time; returns what changes for events that came before."""
        stamp, record = event.stamp, event.record
        if isinstance(record, ClockRecord):
            offset = Offset(stamp.boot_us, record.offset_us, record.offset_bound_us)
            return self._offset(stamp, offset)
        if not stamp.synchronised and not (boot := self._boot(stamp.boot_id)).unsure:
            boot.unsure = True
            self.changed.add(stamp.boot_id)
        return None

    def _offset(self, stamp: Stamp, offset: Offset) -> Correction | None:
        boot = self._boot(stamp.boot_id)
        if offset in boot.offsets or len(boot.offsets) >= _MOST_OFFSETS:
            return None
        insort(boot.offsets, offset)
        self.changed.add(stamp.boot_id)
        if not boot.unsure:
            return None
        place = boot.offsets.index(offset)
        after = boot.offsets[place - 1].boot_us if place else -1
        newest = place == len(boot.offsets) - 1
        return Correction(stamp.boot_id, offset, after, _LATEST_US if newest else offset.boot_us)

    def _boot(self, boot_id: str) -> Boot:
        if boot_id not in self.boots and len(self.boots) >= MOST_BOOTS:
            oldest = next(iter(self.boots))
            del self.boots[oldest]
            self.changed.add(oldest)
        return self.boots.setdefault(boot_id, Boot())
