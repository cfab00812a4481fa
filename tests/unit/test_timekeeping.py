import pytest

from fakes import BOOT, START_US, FakeClock
from gatepost.canonical import canonical
from gatepost.clock import _known
from gatepost.model import ClockRecord, FaultRecord, Record
from gatepost.timekeeping import Floor, TimeWatch, stamp
from gatepost.wire import rfc3339

MOST = 2**53 - 1


def test_a_stamp_is_of_the_moment_that_was_taken() -> None:
    at = stamp(FakeClock(now=10.0), BOOT, taken=7.5)
    assert (at.boot_id, at.boot_us) == (BOOT, 7_500_000)
    assert at.wall_us == START_US + 7_500_000
    assert (at.synchronised, at.bound_us) == (True, 500)


def test_without_a_time_source_it_says_so() -> None:
    at = stamp(FakeClock(bound=None), BOOT)
    assert (at.synchronised, at.bound_us) == (False, 0)


@pytest.mark.parametrize(
    ("wall", "told"),
    [
        (-(2**62), 0),
        (-1_000_000_001, 0),
        (2**53 - 1_000_000_000, MOST),
        (2**63, MOST),
    ],
)
def test_a_wild_wall_clock_costs_no_event(wall: int, told: int) -> None:
    at = stamp(FakeClock(now=1000.0, wall=wall), BOOT)
    assert at.wall_us == told
    assert canonical({"wall_us": at.wall_us})


@pytest.mark.parametrize(("bound", "told"), [(-1, 0), (2**53, MOST), (2**63 - 1, MOST)])
def test_a_wild_bound_costs_no_event(bound: int, told: int) -> None:
    at = stamp(FakeClock(bound=bound), BOOT)
    assert (at.synchronised, at.bound_us) == (True, told)


def test_boot_time_is_never_negative() -> None:
    assert stamp(FakeClock(now=1.0), BOOT, taken=-0.5).boot_us == 0


YEAR_US = 365 * 86_400 * 1_000_000
FLOOR_US = START_US + 1_000_000_000 - 60_000_000  # a minute before FakeClock's begin


def kept(watch: TimeWatch, clock: FakeClock) -> list[Record]:
    """What is due, recorded."""
    now = stamp(clock, BOOT)
    found = watch.due(now)
    for each in found:
        watch.kept(each, now)
    return found


def test_time_that_comes_is_told_once_a_boot() -> None:
    clock, watch = FakeClock(bound=None), TimeWatch(BOOT, Floor(FLOOR_US))
    assert kept(watch, clock) == []
    clock.wall += 3 * YEAR_US  # NTP comes, and sets the clock
    clock.bound = 900
    assert kept(watch, clock) == [ClockRecord(clock.wall, 900)]
    for _ in range(3):
        clock.pass_(3600)
        assert kept(watch, clock) == []


def test_what_this_boot_told_before_a_restart_of_the_program_is_not_told_again() -> None:
    clock = FakeClock()
    watch = TimeWatch(BOOT, Floor(FLOOR_US), told_us=clock.wall, told_at_us=500_000_000)
    assert kept(watch, clock) == []


@pytest.mark.parametrize("step", [1_000_000, -1_000_000])
def test_a_leap_second_is_no_news(step: int) -> None:
    clock, watch = FakeClock(), TimeWatch(BOOT, Floor(FLOOR_US))
    kept(watch, clock)
    clock.wall += step
    clock.pass_(1)
    assert kept(watch, clock) == []


def test_a_time_source_that_corrects_itself_forward_is_told() -> None:
    clock, watch = FakeClock(), TimeWatch(BOOT, Floor(FLOOR_US))
    kept(watch, clock)
    clock.wall += YEAR_US
    assert kept(watch, clock) == [ClockRecord(clock.wall, 500)]


def test_a_jump_back_below_the_floor_is_a_fault_and_lowers_it_once() -> None:
    clock, floor = FakeClock(), Floor(FLOOR_US)
    watch = TimeWatch(BOOT, floor)
    kept(watch, clock)
    assert floor.at_us == clock.wall_us()
    clock.wall -= YEAR_US
    offset, fault = kept(watch, clock)
    assert offset == ClockRecord(clock.wall, 500)
    assert isinstance(fault, FaultRecord)
    assert (fault.part, fault.state) == ("clock", "failed")
    assert "31535999 s before" in fault.detail
    assert floor.at_us == clock.wall_us()
    assert kept(watch, clock) == []


def test_what_was_not_recorded_is_due_again() -> None:
    clock, watch = FakeClock(), TimeWatch(BOOT, Floor(FLOOR_US))
    assert watch.due(stamp(clock, BOOT)) == watch.due(stamp(clock, BOOT)) != []


def test_the_floor_stands_while_nobody_knows_the_time_however_the_clock_jumps() -> None:
    clock, floor = FakeClock(bound=None), Floor(FLOOR_US)
    watch = TimeWatch(BOOT, floor)
    for jump in (-YEAR_US, 2 * YEAR_US):
        clock.wall += jump
        assert kept(watch, clock) == []
    assert floor.at_us == floor.behind(clock) == FLOOR_US


def test_who_knows_the_time_is_not_behind() -> None:
    assert Floor(FLOOR_US).behind(FakeClock()) is None


def test_the_year_2038_is_a_time_like_any_other() -> None:
    past = 2**31 * 1_000_000 + 5
    clock = FakeClock(wall=past - 1_000_000_000)
    watch = TimeWatch(BOOT)
    assert kept(watch, clock) == [ClockRecord(past - 1_000_000_000, 500)]
    assert watch.floor.at_us == past
    assert rfc3339(past) == "2038-01-19T03:14:08.000005Z"


@pytest.mark.parametrize(
    ("told", "status", "known"),
    [
        (0, 0, True),
        (1, 0x10, True),  # TIME_INS: a leap second at midnight
        (2, 0x20, True),  # TIME_DEL
        (3, 0x10, True),  # TIME_OOP: in it
        (4, 0, True),  # TIME_WAIT: after it
        (5, 0x40, False),
        (5, 0, False),
        (0, 0x40, False),
        (-1, 0, False),
    ],
)
def test_what_the_kernel_says_of_the_time(told: int, status: int, known: bool) -> None:
    assert _known(told, status) is known
