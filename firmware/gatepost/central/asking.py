"""What lacks is asked for: when, of whom, and until when. No I/O.

A checkpoint that shows gaps is given some seconds, as live events may still be on their way.
Then one request an epoch is under way at a time; it is repeated with growing pauses while
nothing comes of it. What a station says it does not hold any more is lost for good.
"""

from __future__ import annotations

import random
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.central.epochs import Asked, within
from gatepost.central.findings import FindingKind
from gatepost.ranges import RangeSet
from gatepost.wire import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.central.epochs import Epoch, Key
    from gatepost.central.findings import Finding
    from gatepost.central.known import Known

MOST_RANGES = 1000  # of one command (contract/command.json)
_MOST_LOST = 8192  # ranges of an epoch; what more is said to be gone is asked for again
_MOST_STATIONS = 20_000
_NOT_HELD = re.compile(r"([0-9a-f]{32}):(\d{1,16}-\d{1,16}(?:,\d{1,16}-\d{1,16})*)")
_RESEND = "resend"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, seconds.

    Attributes:
        grace_s: after a checkpoint, for what is on its way.
        first_s: for the first repetition, when nothing came; it doubles up to `most_s`.
    """

    grace_s: float = 3.0
    first_s: float = 15.0
    most_s: float = 600.0


@dataclass(slots=True)
class Presence:
    """Which stations are there, and at which site, by what they send."""

    sites: dict[str, str] = field(default_factory=dict)
    online: set[str] = field(default_factory=set)

    def note(self, finding: Finding, station: str, site: str, *, retained: bool) -> bool:
        """Take what one message tells; whether the station has just come online."""
        if finding.kind is FindingKind.INVALID:
            return False
        if station not in self.sites and len(self.sites) >= _MOST_STATIONS:
            return False
        self.sites[station] = site
        if finding.kind is FindingKind.STATE:
            there = dict(finding.facts).get("state") == "online"
            (self.online.add if there else self.online.discard)(station)
            return there
        if not retained:
            self.online.add(station)
        return False


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be asked of a station."""

    station: str
    id: str
    of: Ranges


class Asking:
    """See the module. Times are seconds of any clock that only goes forward."""

    def __init__(self, known: Known, presence: Presence, patience: Patience) -> None:
        self._known = known
        self._presence = presence
        self._patience = patience
        self._due: dict[Key, float] = {}
        self._left: dict[Key, int] = {}  # how many of those asked for lacked when last looked

    def resume(self, now: float) -> None:
        """Look at everything: after a start."""
        for epoch in self._known:
            if not epoch.hearsay and self._lacking(epoch):
                self._due[epoch.source, epoch.name] = now + self._patience.grace_s

    def note(self, finding: Finding, now: float) -> list[tuple[Epoch, list[tuple[int, int]]]]:
        """Take a finding; returns what is lost for good by it, of which epochs."""
        if finding.kind is FindingKind.CHECKPOINT and finding.sequence:
            self._look(finding.source, finding.epoch, now)
        elif finding.kind is FindingKind.COMPLETE:
            for epoch in self._known.epochs.get(finding.source, {}).values():
                if epoch.end is not None:  # it may have become certain where another one ended
                    self._look(epoch.source, epoch.name, now)
        elif finding.kind is FindingKind.RESPONSE:
            return self._answered(finding, now)
        return []

    def _look(self, source: str, name: str, now: float) -> None:
        epoch = self._known.find(source, name)
        if epoch is not None and self._lacking(epoch):
            self._due.setdefault((source, name), now + self._patience.grace_s)

    def _lacking(self, epoch: Epoch) -> list[tuple[int, int]]:
        """What lacks and is not lost."""
        gaps = self._known.status(epoch).gaps
        if not len(epoch.lost):
            return list(gaps)
        return [each for gap in gaps for each in epoch.lost.gaps(*gap)]

    def requests(self, now: float) -> list[Request]:
        """What is to be asked for now; each counts as asked."""
        due = [key for key, at in self._due.items() if at <= now]
        return [each for key in due if (each := self._request(key, now)) is not None]

    def _request(self, key: Key, now: float) -> Request | None:
        del self._due[key]
        epoch = self._known.find(*key)
        lacking = self._lacking(epoch) if epoch else []
        if epoch is None or not lacking:
            self._over(epoch)
            return None
        tries, under_way = self._so_far(epoch)
        station = self._whom(epoch, tries)
        self._due[key] = now + self._pause_s(tries)
        if under_way or not station:
            return None
        ranges = tuple(lacking[:MOST_RANGES])
        epoch.asked = Asked(uuid.uuid4().hex, station, ranges, tries + 1)
        self._left[key] = _left(epoch)
        self._known.touch(epoch)
        return Request(station, epoch.asked.id, Ranges(epoch.source, epoch.name, ranges))

    def _over(self, epoch: Epoch | None) -> None:
        if epoch is not None and epoch.asked is not None:
            epoch.asked = None
            self._left.pop((epoch.source, epoch.name), None)
            self._known.touch(epoch)

    def _so_far(self, epoch: Epoch) -> tuple[int, bool]:
        """How often the same was asked for in vain, and whether it is just coming in."""
        if epoch.asked is None:
            return 0, False
        key = (epoch.source, epoch.name)
        before, left = self._left.get(key, 0), _left(epoch)
        self._left[key] = left
        if left == 0:
            return 0, False
        return (0, True) if left < before else (epoch.asked.tries, False)

    def _pause_s(self, tries: int) -> float:
        """Half of a bound that doubles, or up to all of it: not all stations at once."""
        bound = min(self._patience.most_s, self._patience.first_s * float(1 << min(tries, 16)))
        return bound * random.uniform(0.5, 1.0)

    def _whom(self, epoch: Epoch, tries: int) -> str:
        """The station itself; what a dead one held, of those who brought some of it, in turn."""
        online = self._presence.online
        if epoch.source in online:
            return epoch.source
        couriers = sorted(epoch.couriers & online)
        return couriers[tries % len(couriers)] if couriers else ""

    # --- answers

    def _answered(self, finding: Finding, now: float) -> list[tuple[Epoch, list[tuple[int, int]]]]:
        facts = dict(finding.facts)
        if facts.get("name") != _RESEND:
            return []
        detail = str(facts.get("detail", ""))
        lost = []
        for epoch in self._asked_by(finding.source, str(facts.get("id", ""))):
            gone = self._gone(epoch, detail) if epoch.source == finding.source else []
            if gone:
                epoch.lost = RangeSet([*epoch.lost, *gone])
                self._known.touch(epoch)
                lost.append((epoch, gone))
            if facts.get("outcome") == "done" and (gone or self._came(epoch)):  # the rest, soon
                self._due[epoch.source, epoch.name] = now + self._patience.grace_s
        return lost

    def _asked_by(self, station: str, identity: str) -> Iterable[Epoch]:
        """The epoch whose request this id is; an answer counts only from whom it was asked of."""
        return [
            epoch
            for key in list(self._due)
            if (epoch := self._known.find(*key)) is not None
            and epoch.asked is not None
            and (epoch.asked.id, epoch.asked.station) == (identity, station)
        ]

    def _came(self, epoch: Epoch) -> bool:
        """Whether anything came of the request; "done" alone must not undo the pauses."""
        return _left(epoch) < self._left.get((epoch.source, epoch.name), 0)

    @staticmethod
    def _gone(epoch: Epoch, detail: str) -> list[tuple[int, int]]:
        """What of that which was asked for the station says it does not hold, and lacks here."""
        told = RangeSet()
        for name, ranges in _NOT_HELD.findall(detail):
            for pair in ranges.split(",") if name == epoch.name else ():
                first, last = map(int, pair.split("-"))
                if first <= last:
                    told.add(first, last)
        asked = within(told, epoch.asked.ranges if epoch.asked else ())
        gone = [each for pair in asked for each in epoch.chain.taken.gaps(*pair)]
        return gone[: max(0, _MOST_LOST - len(epoch.lost))]


def _left(epoch: Epoch) -> int:
    """How many of the events that were asked for still lack."""
    ranges = epoch.asked.ranges if epoch.asked else ()
    gaps = [each for pair in ranges for each in epoch.chain.taken.gaps(*pair)]
    return sum(last - first + 1 for first, last in gaps)
