"""Dates as people's codes write them: loosely, starred, sometimes impossible."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_YEARS = range(1850, 2150)  # who walks through a gate was born, vaccinated, insured in these
_YEAR = re.compile(r"[0-9]{4}")
_PART = re.compile(r"[0-9]{1,2}|\*{1,2}|")
_COMPACT = re.compile(r"[0-9]{8}")
_SEPARATOR = re.compile(r"[-/.]")


def loose(text: str) -> str:
    """A date in normal form: YYYY-MM-DD, YYYY-MM or YYYY as far as it is told, else "".

    Year first or last (1989/3/3, 3.3.1989: day before month, as Vietnam writes); a starred or
    missing day or month is left out; what no calendar has (1900-02-29, the year 9999) gives "".
    """
    parts = [part.strip() for part in _SEPARATOR.split(text.strip()[:16])]
    if len(parts) > 3:
        return ""
    if not _YEAR.fullmatch(parts[0]):
        parts.reverse()
    return _normal(*parts)


def compact(text: str) -> str:
    """The same for DDMMYYYY, as a citizen card writes it."""
    text = text.strip()
    if not _COMPACT.fullmatch(text):
        return loose(text)
    return _normal(text[4:], text[2:4], text[:2])


def moment(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as a time in UTC; None where there is none, or no calendar has it."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _normal(year: str, month: str = "", day: str = "") -> str:
    if not (_YEAR.fullmatch(year) and _PART.fullmatch(month) and _PART.fullmatch(day)):
        return ""
    told = [int(each) for each in (month, day) if each.isdigit()]
    if not month.isdigit() and told:  # a day of no month
        return ""
    try:
        whole = date(int(year), *(told + [1, 1][len(told) :]))
    except ValueError:
        return ""
    return whole.isoformat()[: 4 + 3 * len(told)] if whole.year in _YEARS else ""
