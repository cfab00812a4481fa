"""How sure the station is of its time, what it knows to be past, and when time came. Pure.

The order of events never rests on any of it: epoch, sequence and CLOCK_BOOTTIME order them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatepost import __released__
from gatepost.model import ClockRecord, FaultRecord, Record, Stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.ports import Clock

_MOST = 2**53 - 1  # no number of the wire contract is larger: the year 2255
_STEP_US = 2_000_000
_COARSE_US = 600_000_000  # each time that the floor is written costs the card a page
_FLOOR, _BOOT, _OFFSET, _OFFSET_AT = "floor_us", "clock_boot", "clock_offset_us", "clock_at_us"
_DRIFT = 5_000  # a boot clock that goes wrong by 200 ppm stays below: a share of what passed
RELEASED_US = int(datetime.fromisoformat(__released__).replace(tzinfo=UTC).timestamp()) * 1_000_000


def stamp(clock: Clock, boot_id: str, taken: float | None = None) -> Stamp:
    """The time of `taken` (seconds of boot time; default: now) on both clocks.

    A clock that is wild (a flat battery, an NTP server that lies) costs the truth of
    `wall_us`, never the event: every number fits the wire contract.
    """
    now = clock.boottime()
    boot_us = round((now if taken is None else taken) * 1_000_000)
    bound = clock.bound_us()
    return Stamp(
        boot_id=boot_id,
        boot_us=_fitting(boot_us),
        wall_us=_fitting(clock.wall_us() - (round(now * 1_000_000) - boot_us)),
        synchronised=bound is not None,
        bound_us=_fitting(bound or 0),
    )


def _fitting(microseconds: int) -> int:
    return min(max(microseconds, 0), _MOST)


@dataclass(slots=True)
class Floor:
    """What is surely past, microseconds since 1970 UTC. One worker moves it; any may ask.

    The release of this program, or the newest moment at which the station knew the time.
    """

    at_us: int = RELEASED_US

    def behind(self, clock: Clock) -> int | None:
        """The floor while the station does not know the time, else None."""
        return self.at_us if clock.bound_us() is None else None


@dataclass(slots=True)
class TimeWatch:
    """Finds what must be told of the time: that it came, that it moved, that it fell.

    Attributes:
        boot_id: of this boot; `told_us`: the offset that this boot's clock event told, if any.
        told_at_us: when that was, boot time.
    """

    boot_id: str
    floor: Floor = field(default_factory=Floor)
    told_us: int | None = None
    told_at_us: int = 0

    def recall(self, memo: Callable[[str], int | None]) -> None:
        """Take up what was remembered: the floor, and what this very boot told already."""
        self.floor.at_us = max(self.floor.at_us, memo(_FLOOR) or 0)
        if memo(_BOOT) == self._boot_mark():
            self.told_us, self.told_at_us = memo(_OFFSET), memo(_OFFSET_AT) or 0

    def remember(self, memo: Callable[[str, int], None]) -> None:
        """Have it remembered; losing it costs a second clock event of the boot."""
        memo(_FLOOR, self.floor.at_us // _COARSE_US * _COARSE_US)
        if self.told_us is not None:
            memo(_BOOT, self._boot_mark())
            memo(_OFFSET, self.told_us)
            memo(_OFFSET_AT, self.told_at_us)

    def _boot_mark(self) -> int:
        return int(self.boot_id[:13], 16)  # 52 bits

    def due(self, now: Stamp) -> list[Record]:
        """What is to be recorded at `now`; call `kept` for each that was.

        One clock event a boot, and another only where the time source corrects itself by more
        than a second beyond its own bound: a leap second is none, a wrong NTP server is.
        """
        if not now.synchronised or now.boot_id != self.boot_id:
            return []
        found: list[Record] = []
        offset_us = now.wall_us - now.boot_us
        if self.told_us is None or self._moved(now, offset_us, self.told_us):
            found.append(ClockRecord(offset_us, now.bound_us))
        short_us = self.floor.at_us - now.wall_us - now.bound_us
        if short_us > 0:
            detail = f"synchronised to a time {short_us // 1_000_000} s before what was known"
            found.append(FaultRecord("clock", "failed", detail))
        else:
            self.floor.at_us = max(self.floor.at_us, now.wall_us)
        return found

    def kept(self, record: Record, now: Stamp) -> None:
        """`record` was recorded: it need not be told again, and a floor that fell holds."""
        if isinstance(record, ClockRecord):
            self.told_us, self.told_at_us = record.offset_us, now.boot_us
        elif isinstance(record, FaultRecord):
            self.floor.at_us = now.wall_us

    def _moved(self, now: Stamp, offset_us: int, told_us: int) -> bool:
        drift_us = abs(now.boot_us - self.told_at_us) // _DRIFT
        return abs(offset_us - told_us) > _STEP_US + now.bound_us + drift_us
