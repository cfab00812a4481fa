import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from gatepost.crashes import Crash, Store
from gatepost.crashes.records import MOST_BYTES, Damaged, read, written
from gatepost.crashes.store import MOST, MOST_EVENTS_A_DAY
from gatepost.model import FaultRecord, Stamp

DAY_US = 86_400_000_000
NOW = Stamp("b" * 32, 5_000_000, 20_000 * DAY_US + 1, synchronised=True, bound_us=500)


def at(seconds: float) -> Stamp:
    return replace(NOW, wall_us=NOW.wall_us + round(seconds * 1e6))


def crash(reason: str = "worker door failed: ValueError at door.py:7", when: Stamp = NOW) -> Crash:
    return Crash(reason, "1.0", "b" * 32, 12, when, when, threads=(("door", ("a/door.py:7:run",)),))


def told(store: Store, now: Stamp) -> list[str]:
    waiting = store.waiting(now)
    for each in waiting:
        store.told(each, now)
    return [each.record.detail for each in waiting]


def test_a_crash_is_there_after_a_restart_and_told_once(tmp_path: Path) -> None:
    Store(tmp_path).add(crash())
    again = Store(tmp_path)
    assert again.all() == [crash()]
    (waiting,) = again.waiting(NOW)
    assert waiting.record == FaultRecord(
        "station", "failed", "worker door failed: ValueError at door.py:7; version 1.0"
    )
    again.told(waiting, NOW)
    assert Store(tmp_path).waiting(at(9)) == []


def test_a_reason_is_one_line_that_can_be_sent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(crash("start failed: ConfigError: a\nb\udcff\x1b"))
    (waiting,) = store.waiting(NOW)
    assert waiting.record == FaultRecord(
        "station", "failed", "start failed: ConfigError: a b  ; version 1.0"
    )
    store.add(crash("start failed: ConfigError: a\nb\udcff\x1b"))
    assert [each.count for each in store.all()] == [2]


def test_what_is_not_on_the_card_yet_is_told_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(crash())
    assert store.waiting(NOW) == store.waiting(NOW) != []
    assert Store(tmp_path).waiting(NOW) == store.waiting(NOW)


def test_a_thousand_crashes_of_one_reason_in_an_hour_are_one_record_and_four_events(
    tmp_path: Path,
) -> None:
    details = []
    store = Store(tmp_path)
    for number in range(1000):
        if number % 50 == 0:
            store = Store(tmp_path)
        store.add(crash(when=at(number * 3.6)))
        details += told(store, at(number * 3.6 + 1))
    assert [each.partition("; version 1.0")[2][:12] for each in details] == [
        "", "; 10 times s", "; 100 times ", "; 1000 times",
    ]  # fmt: skip
    (kept,) = Store(tmp_path).all()
    assert (kept.count, kept.first, kept.last) == (1000, NOW, at(999 * 3.6))
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_what_came_after_the_last_event_is_told_when_the_day_is_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(5):
        store.add(crash(when=at(number)))
        told(store, at(number))
    assert store.waiting(at(3600)) == []
    (detail,) = told(store, at(86_400))
    assert "5 times since 2024-10-04T00:00:00Z" in detail
    assert store.waiting(at(10 * 86_400)) == []


def test_the_same_trouble_on_another_day_is_a_record_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(crash())
    store.add(crash(when=at(2 * 86_400)))
    assert [each.count for each in store.all()] == [1, 1]


def test_many_different_crashes_stay_within_records_bytes_and_events(tmp_path: Path) -> None:
    events = 0
    for number in range(4 * MOST):
        store = Store(tmp_path)
        lines = tuple("x" * 500 for _ in range(100))
        store.add(replace(crash(f"reason {number}", at(number)), log=lines))
        events += len(told(store, at(number)))
    assert events == MOST_EVENTS_A_DAY
    files = list(tmp_path.glob("*.json"))
    assert len(files) == MOST
    assert max(each.stat().st_size for each in files) <= MOST_BYTES
    assert Store(tmp_path).all()[-1].reason == f"reason {4 * MOST - 1}"


def test_the_next_day_has_events_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(MOST_EVENTS_A_DAY):
        store.add(crash(f"reason {number}"))
        told(store, NOW)
    store.add(crash("one more"))
    assert told(Store(tmp_path), at(1)) == []
    assert told(Store(tmp_path), at(86_400)) == ["one more; version 1.0"]


def test_those_that_were_told_go_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(crash("not told"))
    store.add(crash("told"))
    store.told(store.waiting(NOW)[1], NOW)
    for number in range(MOST - 1):
        store.add(crash(f"reason {number}"))
    reasons = [each.reason for each in store.all()]
    assert len(reasons) == MOST
    assert "not told" in reasons
    assert "told" not in reasons


@pytest.mark.parametrize("content", [
    b"", b"\0" * 300, b"{}", b"[]", b"null", b"[" * 50_000, b"\xff", b'{"threads": 3}',
])  # fmt: skip
def test_a_damaged_record_is_said_and_dropped(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    Store(tmp_path).add(crash())
    (tmp_path / "000002.json").write_bytes(content)
    assert Store(tmp_path).all() == [crash()]
    assert "a crash's record is damaged" in caplog.text
    assert not (tmp_path / "000002.json").exists()


@pytest.mark.parametrize(("key", "value"), [
    ("count", "1"), ("count", -7), ("reason", 3), ("found", 1), ("log", [1]), ("first", None),
    ("first", {"boot_id": 1, "boot_us": 1, "wall_us": 1, "synchronised": True, "bound_us": 1}),
    ("uptime_s", 2**60), ("threads", [{"name": 1, "calls": []}]), ("extra", 1),
])  # fmt: skip
def test_a_record_with_a_wrong_value_is_none(key: str, value: object) -> None:
    content = json.loads(written(crash())) | {key: value}
    with pytest.raises(Damaged):
        read(json.dumps(content).encode())


def test_of_a_long_record_the_newest_lines_stay() -> None:
    lines = tuple(f"{number} {'đ' * 580}" for number in range(60))
    kept = read(written(replace(crash(), log=lines)))
    assert len(written(replace(crash(), log=lines))) <= MOST_BYTES
    assert kept.log == lines[-len(kept.log) :] != ()


def test_a_card_that_cannot_be_written_costs_the_record_but_no_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "not there")
    with caplog.at_level(logging.WARNING):
        store.add(crash())
    assert store.trouble == "No such file or directory"
    assert "a crash cannot be kept" in caplog.text
    assert len(told(store, NOW)) == 1
    assert told(store, NOW) == []


def test_looking_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "000001.json").write_bytes(b"damaged")
    for number in range(2, MOST + 4):
        (tmp_path / f"{number:06}.json").write_bytes(written(crash(f"reason {number}")))
    before = sorted(tmp_path.iterdir())
    assert len(Store(tmp_path, keep=False).all()) == MOST + 2
    assert sorted(tmp_path.iterdir()) == before
