"""How what is told of the station itself comes onto the card: between two scans, once."""

import queue
from collections.abc import Sequence
from pathlib import Path

from fakes import BOOT, FakeClock
from gatepost.conditions import Conditions
from gatepost.crashes import Crash, Crashes, Store, begin
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding, Told
from gatepost.gate import Gate
from gatepost.model import Cue, FaultRecord, Record
from gatepost.rules import DEFAULT
from gatepost.spool import Limits, Look, prepare
from gatepost.timekeeping import stamp
from gatepost.trust import NOTHING
from gatepost.wire import decode_body

CLOCK = FakeClock()


def deciding(folder: Path, told: Sequence[Told], clock: FakeClock = CLOCK) -> Deciding:
    cues: list[Cue] = []
    path = prepare(folder, "gp-1", "site-1", stamp(clock, BOOT), allow_volatile=True)
    return Deciding(
        scans=queue.Queue(),
        cue=cues.append,
        conditions=Conditions(cues.append),
        gate=Gate(DEFAULT, "site-1", None),
        daybook=Daybook(folder),
        trusted=NOTHING,
        sealer=None,
        spool_path=path,
        clock=clock,
        boot_id=BOOT,
        told=told,
    )


def faults(folder: Path) -> list[str]:
    with Look(folder / "spool.db") as look:
        records: list[Record] = [decode_body(each.body).record for each in look.range(1, 99)]
    return [each.detail for each in records if isinstance(each, FaultRecord)]


def crash(reason: str) -> Crash:
    return Crash(reason, "1.0", BOOT, 1, stamp(CLOCK, BOOT), stamp(CLOCK, BOOT))


def started(folder: Path, *reasons: str) -> Crashes:
    (folder / "crashes").mkdir(parents=True, exist_ok=True)
    for reason in reasons:
        Store(folder / "crashes").add(crash(reason))
    return begin(folder, BOOT, "1.1", lambda: stamp(CLOCK, BOOT), {})


def turn(office: Deciding, turns: int = 4) -> None:
    worker = office.run()
    for _ in range(turns):
        next(worker)
    worker.close()


def test_crashes_are_events_soon_after_the_start_and_then_never_again(tmp_path: Path) -> None:
    crashes = started(tmp_path, "one", "two")
    turn(deciding(tmp_path, [crashes]))
    assert faults(tmp_path) == ["one; version 1.0", "two; version 1.0"]
    assert crashes.waiting() == 0
    crashes.ended()
    turn(deciding(tmp_path, [started(tmp_path)]))
    assert len(faults(tmp_path)) == 2


def test_what_comes_later_is_an_event_within_a_minute(tmp_path: Path) -> None:
    clock, crashes = FakeClock(), started(tmp_path)
    office = deciding(tmp_path, [crashes], clock)
    worker = office.run()
    next(worker)
    next(worker)
    crashes.note("thread paho failed: ValueError at x.py:1", ())
    next(worker)
    assert faults(tmp_path) == []
    clock.pass_(60)
    next(worker)
    assert faults(tmp_path) == ["thread paho failed: ValueError at x.py:1; version 1.1"]
    worker.close()


def test_where_there_is_no_room_they_wait_for_it(tmp_path: Path) -> None:
    crashes = started(tmp_path, "one")
    office = deciding(tmp_path, [crashes])
    office.limits = Limits(1, 1, 0)  # one byte
    turn(office)
    assert crashes.waiting() == 1
    assert office.conditions.all() == {"spool": "station full"}
    turn(deciding(tmp_path, [crashes]))
    assert faults(tmp_path) == ["one; version 1.0"]


def test_each_is_a_heartbeat(tmp_path: Path) -> None:
    crashes = started(tmp_path, *(f"number {number}" for number in range(5)))
    worker = deciding(tmp_path, [crashes]).run()
    next(worker)
    for already in range(5):
        assert len(faults(tmp_path)) == already
        next(worker)
    worker.close()
