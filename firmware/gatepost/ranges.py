"""A set of whole numbers as few ranges: what was delivered, what a central server has."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class RangeSet:
    """Whole numbers, held as sorted ranges that neither touch nor overlap."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._first, self._last, strict=True)))

    def __len__(self) -> int:
        """How many ranges (not numbers) there are."""
        return len(self._first)

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self._first, number) - 1
        return index >= 0 and number <= self._last[index]

    def add(self, first: int, last: int | None = None) -> None:
        """Add `first` to `last`, both included. Raises ValueError when they are turned round."""
        last = first if last is None else last
        if last < first:
            raise ValueError(f"a range from {first} to {last}")
        low = bisect_left(self._last, first - 1)
        high = bisect_right(self._first, last + 1)
        if low < high:
            first = min(first, self._first[low])
            last = max(last, self._last[high - 1])
        self._first[low:high] = [first]
        self._last[low:high] = [last]

    def remove(self, first: int, last: int) -> None:
        """Take out `first` to `last`, both included, as far as they are in the set."""
        low = bisect_left(self._last, first)
        high = bisect_right(self._first, last)
        if low >= high:
            return
        left = [(self._first[low], first - 1)] if self._first[low] < first else []
        right = [(last + 1, self._last[high - 1])] if self._last[high - 1] > last else []
        kept = left + right
        self._first[low:high] = [each[0] for each in kept]
        self._last[low:high] = [each[1] for each in kept]

    def gaps(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges within `first` to `last` that are not in the set, in order."""
        found = []
        for place in range(bisect_left(self._last, first), len(self._first)):
            begin, end = self._first[place], self._last[place]
            if begin > last:
                break
            if begin > first:
                found.append((first, begin - 1))
            first = end + 1
        if first <= last:
            found.append((first, last))
        return found

    def count(self) -> int:
        """How many numbers are in the set."""
        return sum(last - first + 1 for first, last in self)
