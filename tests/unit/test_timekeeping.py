import pytest

from fakes import BOOT, START_US, FakeClock
from gatepost.canonical import canonical
from gatepost.timekeeping import stamp

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
