"""Signed receipts of what is kept for good: when, to whom, for what. No I/O.

They are cumulative, and said again whenever a station may not have had one: what is lost on the
way costs nothing but room on its card. What two histories claim is never receipted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.central.findings import FindingKind
from gatepost.wire import Ranges

if TYPE_CHECKING:
    from gatepost.central.epochs import Epoch, Key
    from gatepost.central.findings import Finding
    from gatepost.central.known import Known

MOST_RANGES = 1000  # of one command (contract/command.json)
_MOST_EPOCHS = 64


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, besides at each checkpoint: after `events`, or `wait_s` after the first."""

    events: int = 100
    wait_s: float = 20.0


@dataclass(slots=True)
class _Due:
    at: float
    keys: set[Key]
    events: int = 0


class Receipts:
    """See the module. Times are seconds of any clock that only goes forward."""

    def __init__(self, known: Known, pace: Pace) -> None:
        self._known = known
        self._pace = pace
        self._due: dict[str, _Due] = {}

    def resume(self, now: float) -> None:
        """Look at everything: after a start."""
        for epoch in self._known:
            if epoch.chain.taken.count() > epoch.receipted:
                self._want(epoch.source, epoch, now)

    def note(self, finding: Finding, station: str, now: float) -> None:
        """Take a finding in what `station` sent."""
        kind = finding.kind
        if kind is FindingKind.COMPLETE or (kind is FindingKind.CHECKPOINT and finding.sequence):
            self._add(station, finding, now)
        elif kind in {FindingKind.EVENT, FindingKind.ADOPTED}:
            due = self._add(finding.via or station, finding, now + self._pace.wait_s)
            if due is not None:
                due.events += max(1, finding.last - finding.sequence + 1)
                if due.events >= self._pace.events:
                    due.at = min(due.at, now)
        elif kind is FindingKind.DUPLICATE:
            self._add(station, finding, now + self._pace.wait_s)

    def again(self, station: str, at: float) -> None:
        """All that concerns a station: it came online, or a receipt to it was lost."""
        for epoch in self._known.epochs.get(station, {}).values():
            self._want(station, epoch, at)
        for epoch in self._known:  # what it brought
            if station in epoch.couriers:
                self._want(station, epoch, at)

    def _add(self, station: str, finding: Finding, at: float) -> _Due | None:
        epoch = self._known.find(finding.source, finding.epoch)
        return self._want(station, epoch, at) if epoch is not None else None

    def _want(self, station: str, epoch: Epoch, at: float) -> _Due:
        due = self._due.setdefault(station, _Due(at, set()))
        due.at = min(due.at, at)
        due.keys.add((epoch.source, epoch.name))
        return due

    def wait(self, station: str, now: float) -> None:
        """It is not there: its turn comes again."""
        self._due[station].at = now + self._pace.wait_s

    def ready(self, now: float, most: int) -> list[str]:
        """Up to `most` stations to which something is to be said now."""
        return [station for station, due in self._due.items() if due.at <= now][:most]

    def compose(self, station: str) -> list[tuple[Ranges, ...]]:
        """What to say to a station, in as few commands as hold it; it counts as said."""
        due = self._due.pop(station)
        found: list[Ranges] = []
        for key in sorted(due.keys):
            epoch = self._known.find(*key)
            ranges = covered(epoch) if epoch else []
            if epoch is not None and ranges:
                found += _pieces(epoch, ranges)
                epoch.receipted = epoch.chain.taken.count()
                self._known.touch(epoch)
        return _packed(found)


def covered(epoch: Epoch) -> list[tuple[int, int]]:
    """What is kept of an epoch without a doubt."""
    if not len(epoch.disputed) and not epoch.chain.broken:
        return list(epoch.chain.taken)
    doubtful = epoch.disputed
    sure = [each for pair in epoch.chain.taken for each in doubtful.gaps(*pair)]
    return [each for pair in sure for each in _without(pair, epoch.chain.broken)]


def _without(pair: tuple[int, int], numbers: set[int]) -> list[tuple[int, int]]:
    first, last = pair
    found = []
    for each in sorted(number for number in numbers if first <= number <= last):
        if each > first:
            found.append((first, each - 1))
        first = each + 1
    return [*found, (first, last)] if first <= last else found


def _pieces(epoch: Epoch, ranges: list[tuple[int, int]]) -> list[Ranges]:
    return [
        Ranges(epoch.source, epoch.name, tuple(ranges[at : at + MOST_RANGES]))
        for at in range(0, len(ranges), MOST_RANGES)
    ]


def _packed(found: list[Ranges]) -> list[tuple[Ranges, ...]]:
    """As few commands as hold them, within the bounds of one."""
    packed: list[tuple[Ranges, ...]] = []
    now: list[Ranges] = []
    for each in found:
        many = sum(len(other.ranges) for other in now) + len(each.ranges)
        if now and (many > MOST_RANGES or len(now) >= _MOST_EPOCHS):
            packed.append(tuple(now))
            now = []
        now.append(each)
    return [*packed, tuple(now)] if now else packed
