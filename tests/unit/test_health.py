from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from machines import FakePi

from fakes import BOOT, START_US, FakeClock
from gatepost import contract
from gatepost.conditions import Conditions
from gatepost.health import Health, Machine, Rates, delivery
from gatepost.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import pytest

    from gatepost.model import Cue, Message

COUNTS: dict[str, int | str] = {"frames": 7, "decoded": 2, "scans": 1, "overflowed": 0}


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
            machine=Machine(data),
            clock=self.clock,
            boot_id=BOOT,
            firmware="0.1.0",
            pause=self.clock.pass_,
        )
        self.worker: Generator[None, None, None] = self.health.run()

    @property
    def noted(self) -> dict[str, str]:
        return self.conditions.noted()

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


@dataclass
class Facts:
    connected: bool = True
    problem: str = ""
    why: str = ""
    sessions: int = 3
    lost: int = 2
    last_problem: str = "taken-over"
    last_why: str = "two stations use the id gp-1"
    last_at_us: int = START_US


def test_why_nothing_is_delivered_is_told_and_what_was_before_stays(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.health.counts = lambda: delivery(Facts())
    told = room.health.report()
    assert not contract.problem("health", told)
    assert (told["broker_sessions"], told["broker_lost"]) == (3, 2)
    assert told["broker_last_problem"] == "taken-over"
    assert told["broker_last_at_us"] == START_US
    assert not {"broker_problem", "broker_why"} & told.keys()
    away = Facts(connected=False, problem="refused", why="no broker " + "listens " * 99)
    room.health.counts = lambda: delivery(away)
    told = room.health.report()
    assert not contract.problem("health", told)
    assert told["broker_problem"] == "refused"
    assert told["broker_why"].startswith("no broker")
    assert len(told["broker_why"]) == 300


def test_where_nothing_was_lost_nothing_is_told_of_it() -> None:
    facts = Facts(lost=0, last_problem="", last_why="", last_at_us=0)
    assert delivery(facts) == {"broker_sessions": 3, "broker_lost": 0}


DAY_US = 86_400_000_000


def test_a_certificate_that_ends_within_a_month_is_told_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path)
    ends_us = room.clock.wall_us() + 31 * DAY_US + DAY_US // 2
    room.health.certificate_ends_us = ends_us
    assert room.reports(1.0)[0]["certificate_ends_us"] == ends_us
    told = []
    for _ in range(33):
        room.clock.pass_(86_400)
        room.reports(61.0)
        room.reports(61.0)
        told.append([each.getMessage() for each in caplog.records if "our" in each.getMessage()])
        caplog.clear()
    assert told[0] == []
    assert told[1:31] == [["our certificate ends soon"]] * 30
    assert told[31:] == [["our certificate has ended"]] * 2


def test_a_certificate_without_an_end_does_not_end_the_station(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.health.certificate_ends_us = 253_402_300_799_000_000  # 9999-12-31: RFC 5280, 4.1.2.5
    (told,) = room.reports(1.0)
    assert not contract.problem("health", told)
    assert told["certificate_ends_us"] == 2**53 - 1


def test_what_the_spool_takes_is_told_beside_what_it_may(tmp_path: Path) -> None:
    room = Room(tmp_path)
    (tmp_path / "spool.db").write_bytes(b"x" * 1000)
    (tmp_path / "spool.db-wal").write_bytes(b"x" * 200)
    (tmp_path / "spool.db.damaged-1").write_bytes(b"x" * 99)
    room.health.spool_most_bytes = 4096
    told = room.health.report()
    assert (told["spool_used_bytes"], told["spool_most_bytes"]) == (1200, 4096)


VOLT = "sys/class/hwmon/hwmon1/in0_lcrit_alarm"


def test_what_a_technician_should_see_to_is_noted_told_and_shown_to_no_visitor(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pi = FakePi(tmp_path).fitted()
    room = Room(pi.data)
    room.health.machine = pi.machine()
    assert not {key for key in room.reports(1.0)[0] if key.startswith("note_")}
    pi.put(VOLT, "1")
    pi.put("sys/fs/ext4/mmcblk0p3/errors_count", "3")
    for told in room.reports(125.0):
        assert not contract.problem("health", told)
        assert (told["note_power"], told["note_card"]) == ("under-voltage", "has errors")
    assert room.cues == []
    assert [each.getMessage() for each in caplog.records] == ["noted", "noted"]
    pi.put(VOLT, "0")
    pi.put("sys/fs/ext4/mmcblk0p3/errors_count", "0")
    told = room.reports(60.0)[-1]
    assert room.noted == {}
    assert not {key for key in told if key.startswith("note_")}
    assert (told["power_low"], told["power_low_seen"]) == (0, 1)


def test_a_dip_of_the_supply_between_two_reports_is_not_missed(tmp_path: Path) -> None:
    pi = FakePi(tmp_path).fitted()
    room = Room(pi.data)
    room.health.machine = pi.machine()
    room.reports(10.0)
    pi.put(VOLT, "1")
    room.reports(6.0)
    pi.put(VOLT, "0")
    assert room.reports(60.0)[-1]["power_low_seen"] == 1


def test_a_note_of_another_is_told_and_kept(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.conditions.note("lamp", "fails")
    for told in room.reports(61.0):
        assert told["note_lamp"] == "fails"
        assert not contract.problem("health", told)
    assert room.noted["lamp"] == "fails"


def test_frames_a_minute_stand_in_the_second_report_and_memory_is_tidied_with_each(
    tmp_path: Path,
) -> None:
    room = Room(tmp_path)
    tidied: list[float] = []
    room.health.tidy = lambda: tidied.append(room.clock.now)
    room.health.rates = Rates(lambda: {"frames_min_door": int(room.clock.now * 30)})
    first, second = room.reports(61.0)
    assert "frames_min_door" not in first
    assert abs(second["frames_min_door"] - 1800) <= 12
    assert not contract.problem("health", second)
    assert len(tidied) == 2
