from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.codes.dates import compact, loose, moment


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("1989-03-03", "1989-03-03"),
        ("1989/3/3", "1989-03-03"),
        ("3.4.1989", "1989-04-03"),
        ("03/04/1989", "1989-04-03"),
        (" 1989 - 3 - 3 ", "1989-03-03"),
        ("1989-**-**", "1989"),
        ("1989-03-**", "1989-03"),
        ("**/**/1989", "1989"),
        ("1989", "1989"),
        ("1989-03", "1989-03"),
        ("03/1989", "1989-03"),
        ("2000-02-29", "2000-02-29"),
        ("1900-02-29", ""),
        ("2021-02-29", ""),
        ("1989-13-01", ""),
        ("1989-00-00", ""),
        ("1989-**-03", ""),
        ("****-03-03", ""),
        ("19**-**-**", ""),
        ("9999-12-31", ""),
        ("9999", ""),
        ("0000-01-01", ""),
        ("1989-03-03-03", ""),
        ("1989-03-03T00:00", ""),
        ("89-03-03", ""),
        ("١٩٨٩-٠٣-٠٣", ""),
        ("²²²²", ""),
        ("", ""),
        ("-", ""),
        ("9" * 5000, ""),
    ],
)
def test_loose_dates_have_one_normal_form(text: str, normal: str) -> None:
    assert loose(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [("03041989", "1989-04-03"), ("29021900", ""), ("3/4/1989", "1989-04-03"), ("", "")],
)
def test_a_cards_dates_have_the_day_first(text: str, normal: str) -> None:
    assert compact(text) == normal


@given(st.dates(date(1850, 1, 1), date(2149, 12, 31)), st.sampled_from("-/."))
def test_every_date_comes_back_from_every_writing(day: date, mark: str) -> None:
    wide = mark.join((f"{day.year}", f"{day.month:02}", f"{day.day:02}"))
    short = mark.join(map(str, (day.day, day.month, day.year)))
    assert loose(wide) == loose(short) == compact(f"{day:%d%m%Y}") == day.isoformat()


@given(st.text(max_size=30) | st.text("0123456789*/-. ", max_size=20))
def test_no_date_raises(text: str) -> None:
    for normal in (loose(text), compact(text)):
        assert normal == "" or loose(normal) == normal


def test_a_moment_beyond_any_calendar_is_none() -> None:
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert [moment(each) for each in (None, 1e300, -1e300, 2.0**60)] == [None] * 4
