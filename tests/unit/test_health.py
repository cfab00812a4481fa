from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakes import BOOT, START_US, FakeClock
from gatepost import contract
from gatepost.conditions import Conditions
from gatepost.health import Health
from gatepost.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gatepost.model import Cue, Message

COUNTS = {"frames": 7, "decoded": 2, "scans": 1, "overflowed": 0}


class Room:
    """A health worker with a clock that is pushed by hand."""

    def __init__(self, data: Path) -> None:
        self.clock = FakeClock(now=500.0)
        self.cues: list[Cue] = []
        self.conditions = Conditions(self.cues.append)
        self.notices: Mailbox[Message] = Mailbox()
        self.health = Health(
            topic="gatepost/v1/a-site/gp-1/health",
            notices=self.notices,
            conditions=self.conditions,
            counts=lambda: COUNTS,
            data=data,
            clock=self.clock,
            boot_id=BOOT,
            firmware="0.1.0",
            pause=self.clock.pass_,
        )
        self.worker: Generator[None, None, None] = self.health.run()

    def reports(self, seconds: float) -> list[dict[str, Any]]:
        until, told = self.clock.now + seconds, []
        while self.clock.now < until:
            next(self.worker)
            message = self.notices.take(0)
            if message is not None:
                assert message.retain
                told.append(json.loads(message.payload))
        return told


def test_one_soon_and_then_each_minute(tmp_path: Path) -> None:
    room = Room(tmp_path)
    assert len(room.reports(1.0)) == 1
    assert room.reports(58.0) == []
    assert len(room.reports(60.0)) == 1


def test_a_report_fits_the_contract_and_says_when_it_was_made(tmp_path: Path) -> None:
    room = Room(tmp_path)
    (told,) = room.reports(1.0)
    assert not contract.problem("health", told)
    assert told["boot_us"] > 500_000_000
    assert told["wall_us"] == START_US + told["boot_us"]
    assert (told["clock"], told["bound_us"], told["boot_id"]) == ("synchronised", 500, BOOT)
    assert told["disk_total_bytes"] >= told["disk_free_bytes"] > 0
    assert told["memory_rss_bytes"] > 0
    assert told["frames"] == 7


def test_uptime_is_that_of_the_station_not_of_the_machine(tmp_path: Path) -> None:
    room = Room(tmp_path)
    assert room.health.report()["uptime_s"] == 0
    assert [each["uptime_s"] for each in room.reports(61.0)] == [0, 60]


def test_a_card_that_fails_ends_nothing(tmp_path: Path) -> None:
    (told,) = Room(tmp_path / "gone").reports(1.0)
    assert not contract.problem("health", told)
    assert not {"disk_free_bytes", "disk_total_bytes"} & set(told)
    assert told["memory_rss_bytes"] > 0


def test_without_time_it_says_so_and_a_wild_clock_ends_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.clock.bound, room.clock.wall = None, 2**60
    (told,) = room.reports(1.0)
    assert not contract.problem("health", told)
    assert (told["clock"], told["bound_us"]) == ("unsynchronised", 0)
    assert told["wall_us"] == 2**53 - 1


def test_what_fails_now_is_told(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.conditions.raise_("oled", "no answer")
    assert room.reports(1.0)[0]["conditions"] == {"oled": "no answer"}
