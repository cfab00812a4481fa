"""What a gate remembers of the day, and of whom. No I/O: `daybook` keeps it on the card.

People stand there under pseudonyms: HMAC-SHA-256 of their identity under a random key, which
lives a day and leaves with it. While the day lasts, whoever holds key and pseudonyms can try
numbers, and there are only 10^10 citizen numbers: today's visitors can be found, in hours or
less. Of every earlier day nothing is left to try them against.

A day ends at the reset time, local. Without time, what is there is kept for 24 hours of
running; when time comes and it is another day, or what is there is older than the day, it goes.
A clock that goes back over the reset (summer time ends, or the time source corrects it) does not
bring the old day back. Whatever clock and rules say, nothing lives through 26 hours of running.
"""

from __future__ import annotations

import hmac
import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gatepost.model import Direction

if TYPE_CHECKING:
    from datetime import time, tzinfo

    from gatepost.model import Code, Stamp

MOST_REMEMBERED = 100_000
LONG_AGO = -math.inf
UNNAMED = bytes(16)  # stands for whoever cannot be told from others
_DAY_US = 24 * 3600 * 1_000_000
_BACK_US = 2 * 3600 * 1_000_000
_DOMAIN = b"gatepost day 1\x00"


@dataclass(frozen=True, slots=True)
class Today:
    """A local day, from reset to reset: its ordinal, and for how long it has lasted."""

    ordinal: int
    lasted_us: int


@dataclass(frozen=True, slots=True)
class Passage:
    """How somebody passed last.

    Attributes:
        shown: the direction of the last event: in, out or none.
        way: the last that was known: in: inside; out: outside; none: nobody knows.
        at: seconds of boot time; LONG_AGO where it was before this boot.
    """

    shown: Direction
    way: Direction
    at: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be added to the daybook.

    Attributes:
        whom: a pseudonym, 16 bytes; UNNAMED where only the count changed.
        inside: how many are inside from now on.
    """

    whom: bytes
    passage: Passage
    inside: int


@dataclass(slots=True)
class Memory:
    """The day's memory, owned by the deciding worker.

    Attributes:
        key: 32 random bytes.
        day: the ordinal of the local day; None while nobody knows it.
        boot_id: of the boot in which `at` and `seen_us` count.
        aged_us: for how long a station ran with it, up to `seen_us` of boot time.
            A machine that was up long before it counts from when the memory began.
        inside: ins minus outs of today, never below 0.
        passages: by pseudonym, the oldest first.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    day: int | None = None
    boot_id: str = ""
    aged_us: int = 0
    seen_us: int = 0
    inside: int = 0
    passages: dict[bytes, Passage] = field(default_factory=dict)

    def pseudonym(self, code: Code) -> bytes:
        """Who it is, as far as this day goes: 16 bytes."""
        told = f"{code.basis.value}|{code.identity}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, _DOMAIN + told, "sha256")[:16]

    def learn(self, whom: bytes, direction: Direction, at: float) -> Entry:
        """Somebody passed. In again without out (or out without in) is counted once."""
        last = self.passages.pop(whom, None)
        before = last.way if last else Direction.NONE
        way = before if direction is Direction.NONE else direction
        if way is not before or whom == UNNAMED:
            self._count(direction)
        passage = Passage(direction, way, at)
        if whom != UNNAMED:
            self.passages[whom] = passage  # the newest last: the oldest leave when it is too many
        if len(self.passages) > MOST_REMEMBERED:
            del self.passages[next(iter(self.passages))]
        return Entry(whom, passage, self.inside)

    def older(self) -> Entry:
        """An entry that says no more than that time has passed."""
        nobody = Passage(Direction.NONE, Direction.NONE, self.seen_us / 1_000_000)
        return Entry(UNNAMED, nobody, self.inside)

    def _count(self, direction: Direction) -> None:
        step = {Direction.IN: 1, Direction.OUT: -1}.get(direction, 0)
        self.inside = max(0, self.inside + step)

    def turn(self, stamp: Stamp, today: Today | None) -> None:
        """Time passes; `today` is the day at `stamp`, None where nobody knows it.

        A stamp from before the last one changes nothing: scans of two readers may cross.
        """
        if stamp.boot_id != self.boot_id:
            self._rebooted(stamp)
        if stamp.boot_us < self.seen_us:
            return
        self.aged_us += stamp.boot_us - self.seen_us
        self.seen_us = stamp.boot_us
        if self._is_over(today):
            self._forget(None if today is None else today.ordinal)
        elif self.day is None and today is not None:
            self.day = today.ordinal

    def _is_over(self, today: Today | None) -> bool:
        if today is None:
            return self.aged_us >= _DAY_US
        if self.day is None:
            return self.aged_us > today.lasted_us
        if self.aged_us >= _DAY_US + _BACK_US:  # the reset was moved, or the clock stands still
            return True
        went_back = today.ordinal == self.day - 1 and today.lasted_us >= _DAY_US - _BACK_US
        return today.ordinal != self.day and not went_back

    def _rebooted(self, stamp: Stamp) -> None:
        self.seen_us = 0 if self.boot_id else stamp.boot_us  # without one it begins now
        self.boot_id = stamp.boot_id
        self.passages = {
            whom: Passage(last.shown, last.way, LONG_AGO) for whom, last in self.passages.items()
        }

    def _forget(self, today: int | None) -> None:
        self.key, self.day = secrets.token_bytes(32), today
        self.aged_us, self.inside, self.passages = 0, 0, {}


def local(stamp: Stamp, zone: tzinfo | None) -> datetime | None:
    """The local time at `stamp`, in `zone` or else the machine's; None where nobody knows it."""
    if not stamp.synchronised:
        return None
    moment = datetime.fromtimestamp(stamp.wall_us / 1_000_000, tz=zone)
    return moment if zone else moment.astimezone()


def day_of(moment: datetime, reset: time) -> Today:
    """The day in which a local time lies; days begin at `reset`."""
    since = moment - timedelta(hours=reset.hour, minutes=reset.minute)
    lasted_s = (since.hour * 60 + since.minute) * 60 + since.second
    return Today(since.toordinal(), lasted_s * 1_000_000 + since.microsecond)
