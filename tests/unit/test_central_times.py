from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.sending import visit
from gatepost.central.times import MOST_BOOTS, Offset, Timeline, TrueTime, true_time
from gatepost.model import ClockRecord, Event, Record, Stamp

BOOT = "ab" * 16


def event(
    boot_us: int,
    record: Record | None = None,
    *,
    sure: bool = False,
    boot: str = BOOT,
    wall_us: int = 7,
) -> Event:
    stamp = Stamp(boot, boot_us, wall_us, sure, 9 if sure else 0)
    return Event("st-1", "a-site", "00" * 16, 1, "0" * 64, stamp, record or visit())


def clock(boot_us: int, offset_us: int, bound_us: int = 40) -> Event:
    return event(boot_us, ClockRecord(offset_us, bound_us))


def at(line: Timeline, boot_us: int) -> TrueTime:
    return true_time(event(boot_us), line.boots)


def test_a_synchronised_event_is_believed() -> None:
    line = Timeline()
    line.note(clock(100, 5_000))
    assert true_time(event(50, sure=True), line.boots) == TrueTime(7, 9)


def test_without_a_clock_event_nobody_knows() -> None:
    line = Timeline()
    assert at(line, 50) == TrueTime(7, None)
    line.note(event(100, ClockRecord(5_000, 1), boot="cd" * 16))
    assert at(line, 50) == TrueTime(7, None)


def test_the_first_clock_event_after_it_counts_else_the_last_before() -> None:
    line = Timeline()
    line.note(clock(200, 2_000))
    line.note(clock(100, 1_000))
    assert at(line, 50).wall_us == 1_050
    assert at(line, 100).wall_us == 1_100
    assert at(line, 101).wall_us == 2_101
    assert at(line, 900).wall_us == 2_900


def test_the_bound_grows_with_the_time_between() -> None:
    line = Timeline()
    line.note(clock(3_600_000_000, 5, bound_us=40))
    assert at(line, 3_600_000_000).bound_us == 40
    assert at(line, 0).bound_us == 40 + 360_000  # 100 ppm of an hour


def test_a_correction_is_told_where_an_event_came_before() -> None:
    line = Timeline()
    assert line.note(clock(100, 1_000)) is None
    assert line.note(event(150)) is None
    told = line.note(clock(200, 2_000))
    assert told is not None
    assert (told.boot_id, told.offset, told.after_us) == (BOOT, Offset(200, 2_000, 40), 100)
    assert told.upto_us == 2**53 - 1
    between = line.note(clock(170, 1_500))
    assert between is not None
    assert (between.after_us, between.upto_us) == (100, 170)
    assert line.note(clock(170, 1_500)) is None


def test_nonsense_stays_within_the_contract() -> None:
    line = Timeline()
    line.note(clock(5, -(2**53) + 1, bound_us=2**53 - 1))
    assert at(line, 2**53 - 1) == TrueTime(0, 2**53 - 1)
    line.note(event(5, ClockRecord(2**53 - 1, 0), boot="cd" * 16))
    far = true_time(event(2**53 - 1, boot="cd" * 16), line.boots)
    assert far.wall_us == 2**53 - 1


def test_boots_and_clock_events_are_bounded() -> None:
    line = Timeline()
    for number in range(MOST_BOOTS + 5):
        line.note(event(1, boot=f"{number:032x}"))
    assert len(line.boots) == MOST_BOOTS
    assert f"{0:032x}" not in line.boots
    for number in range(50):
        line.note(clock(number, number))
    assert len(line.boots[BOOT].offsets) == 16


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 10**6)), min_size=1, max_size=8),
    st.integers(0, 1200),
)
def test_corrections_say_exactly_whose_time_changes(
    told: list[tuple[int, int]], boot_us: int
) -> None:
    line = Timeline()
    line.note(event(boot_us))
    seen = at(line, boot_us)
    for place, offset in dict(told).items():
        change = line.note(clock(place, offset))
        now = at(line, boot_us)
        if change is not None and change.after_us < boot_us <= change.upto_us:
            assert now.wall_us == boot_us + offset
        else:
            assert now == seen
        seen = now
