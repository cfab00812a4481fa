"""Opening hours: "mon-fri 07:00-17:30", "sat,sun 08:00-12:00", "daily 22:00-02:00"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from gatepost.config.values import meant, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = (*_DAYS, "daily")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_LINE = re.compile(r"([a-z,-]{1,60}) +([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """When a place is open, in minutes from Monday 00:00 local time; no span: always.

    A span that begins on Sunday and ends on Monday stands there as two.
    """

    spans: tuple[tuple[int, int], ...] = ()

    def hold(self, moment: datetime) -> bool:
        """Whether the place is open at `moment`, local time."""
        at = moment.weekday() * _DAY + moment.hour * 60 + moment.minute
        return not self.spans or any(begin <= at < end for begin, end in self.spans)


ALWAYS = Hours()


def hours(lines: Iterable[str]) -> Hours:
    """The hours that the lines say. Raises ValueError where `faults` finds any."""
    return Hours(tuple(sorted(span for line in lines for span in _spans(line))))


def faults(lines: Iterable[str]) -> Iterator[str]:
    """What is wrong with the lines: not understood, empty, or open twice at a time."""
    spans: list[tuple[tuple[int, int], str]] = []
    for line in lines:
        try:
            spans += [(span, line) for span in _spans(line)]
        except ValueError as error:
            yield str(error)
    told = set()
    for ((_, end), line), ((begin, _), other) in pairwise(sorted(spans)):
        if begin < end and (line, other) not in told:
            told.add((line, other))
            same = "says the same time twice" if line == other else f"overlaps {shown(other)}"
            yield f"{shown(line)} {same}"


def _spans(line: str) -> list[tuple[int, int]]:
    """Raises ValueError: what is wrong with the line."""
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f'{shown(line)} is not written like "mon-fri 07:00-17:30"')
    hour, minute, to_hour, to_minute = map(int, found.groups()[1:])
    begin, end = hour * 60 + minute, to_hour * 60 + to_minute
    if max(minute, to_minute) > 59 or begin >= _DAY or end > _DAY:
        raise ValueError(f"{shown(line)}: times go from 00:00 to 24:00")
    if begin == end:
        raise ValueError(f"{shown(line)} is empty; the whole day is 00:00-24:00")
    length = end - begin if end > begin else end - begin + _DAY
    return [
        span
        for day in _days(found[1], line)
        for span in _within_the_week(day * _DAY + begin, length)
    ]


def _within_the_week(begin: int, length: int) -> list[tuple[int, int]]:
    end = begin + length
    return [(begin, end)] if end <= _WEEK else [(begin, _WEEK), (0, end - _WEEK)]


def _days(text: str, line: str) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        if part == "daily":
            days += range(7)
            continue
        first, dash, last = part.partition("-")
        for word in (first, last) if dash else (first,):
            if word not in _DAYS:
                raise ValueError(f"{shown(line)}: {shown(word)} is no day{meant(word, _WORDS)}")
        begin = _DAYS.index(first)
        days += [(begin + n) % 7 for n in range((_DAYS.index(last or first) - begin) % 7 + 1)]
    return days
