"""Twenty stations, one mosquitto that is killed twice: a small one of `make bench-fleet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleet_run import Plan, run
from fleet_station import Attempt
from fleet_storm import storm_of

from brokers import needs_mosquitto

if TYPE_CHECKING:
    from pathlib import Path


@needs_mosquitto
def test_a_fleet_comes_back_within_its_jitter_and_is_proved_complete(tmp_path: Path) -> None:
    said: list[str] = []
    plan = Plan(
        stations=20, events=5, span_s=1.0, down_s=0.3, limit_s=25.0, processes=1, base_s=0.2
    )
    found = run(tmp_path, plan, said.append)
    assert not found.wrong()
    assert found.recorded >= 20 * (1 + 5)


def _attempt(begun: float, since: float, failures: int, *, fine: bool = True) -> Attempt:
    return Attempt(begun, begun + 0.1, fine, failures, since)


def test_who_waits_longer_than_jitter_may_draw_is_late() -> None:
    early = {"gp-1": [_attempt(13.0, 11.0, 1)]}
    late = {"gp-1": [_attempt(30.0, 11.0, 1)]}
    assert storm_of(early, 10.0, 12.0).fine
    assert not storm_of(late, 10.0, 12.0).fine


def test_who_does_not_come_back_is_missed() -> None:
    attempts = {"gp-1": [_attempt(13.0, 11.0, 1)], "gp-2": [_attempt(13.0, 11.0, 1, fine=False)]}
    storm = storm_of(attempts, 10.0, 12.0)
    assert (storm.back, storm.stations, storm.fine) == (1, 2, False)


def test_the_worst_second_counts_sessions_and_attempts() -> None:
    attempts = {
        f"gp-{number}": [_attempt(12.2, 11.0, 1, fine=number > 3), _attempt(14.0, 12.3, 2)]
        for number in range(10)
    }
    storm = storm_of(attempts, 10.0, 12.0)
    assert (storm.worst, storm.attempts) == (6, 10)
    assert storm.share(0.5) == pytest.approx(0.3)
