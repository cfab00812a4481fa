from __future__ import annotations

import logging
from threading import Thread
from typing import TYPE_CHECKING

from gatepost.conditions import Conditions
from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    import pytest


def test_a_note_is_kept_and_logged_once_and_no_visitor_sees_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cues: list[Cue] = []
    conditions = Conditions(cues.append)
    with caplog.at_level(logging.INFO):
        conditions.note("power", "under-voltage", "supply, cable or plug")
        conditions.note("power", "under-voltage", "again")
        assert conditions.noted() == {"power": "under-voltage"}
        conditions.note("power", "worse")
        conditions.unnote("power")
        conditions.unnote("power")
    assert cues == []
    assert conditions.noted() == conditions.all() == {}
    assert [each.getMessage() for each in caplog.records] == ["noted", "noted", "note over"]


def test_notes_and_troubles_of_one_part_do_not_touch_each_other() -> None:
    cues: list[Cue] = []
    conditions = Conditions(cues.append)
    conditions.note("oled", "fails")
    conditions.raise_("oled", "absent")
    conditions.clear("oled")
    assert conditions.noted() == {"oled": "fails"}
    assert [cue.kind for cue in cues] == [CueKind.TROUBLE, CueKind.READY]


def test_a_device_that_fails_is_noted_until_it_works() -> None:
    conditions = Conditions(lambda _cue: None)
    conditions.told("oled", "no answer from 0x3c")
    assert conditions.noted() == {"oled": "fails"}
    conditions.told("oled", "")
    assert conditions.noted() == {}


def test_what_is_given_is_the_askers_own_and_threads_may_note_at_once() -> None:
    conditions = Conditions(lambda _cue: None)

    def work(name: str) -> None:
        for number in range(500):
            conditions.note(f"{name}{number % 7}", str(number))
            conditions.noted()[name] = "the asker's own"
            if number % 3 == 0:
                conditions.unnote(f"{name}{number % 7}")

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(part[1:].isdigit() for part in conditions.noted())
