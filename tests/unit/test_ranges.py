from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.ranges import RangeSet

numbers = st.sets(st.integers(1, 60))


@given(numbers, st.integers(1, 60), st.integers(0, 30))
def test_it_is_a_set_of_numbers_whatever_the_order(values: set[int], first: int, more: int) -> None:
    ranges = RangeSet()
    for value in values:
        ranges.add(value)
    assert {n for n in range(62) if n in ranges} == values
    assert ranges.count() == len(values)
    last = first + more
    missing = {n for low, high in ranges.gaps(first, last) for n in range(low, high + 1)}
    assert missing == set(range(first, last + 1)) - values


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9))))
def test_ranges_never_touch_or_overlap(pairs: list[tuple[int, int]]) -> None:
    ranges = RangeSet((first, first + more) for first, more in pairs)
    held = list(ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(held))
    assert ranges.count() == len({n for a, m in pairs for n in range(a, a + m + 1)})


def test_a_range_turned_round_is_an_error() -> None:
    with pytest.raises(ValueError, match="5 to 4"):
        RangeSet([(5, 4)])


@given(numbers, st.integers(1, 60), st.integers(0, 30))
def test_what_is_removed_is_in_it_no_more_and_all_else_is(
    values: set[int], first: int, more: int
) -> None:
    ranges = RangeSet()
    for value in values:
        ranges.add(value)
    ranges.remove(first, first + more)
    left = values - set(range(first, first + more + 1))
    assert {n for n in range(100) if n in ranges} == left
    assert ranges.count() == len(left)
    held = list(ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(held))
