"""The hash chain of one epoch, taken in any order, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from gatepost.ranges import RangeSet
from gatepost.wire import NO_HASH

KEEP = 4096


class Place(StrEnum):
    """What an event is to the chain."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"
    OLD = "old"  # taken before, but too long ago to compare


@dataclass(frozen=True, slots=True)
class Link:
    """An event in the chain: its own hash, and the one that it names as `previous`."""

    digest: bytes
    previous: bytes


class Chain:
    """Which sequences were taken, and whether each follows the one before it.

    A link is needed until both of its neighbours were compared with it. The last `keep` of
    those that are no longer needed stay, so that a second history is recognised.
    """

    def __init__(self, keep: int = KEEP) -> None:
        self.taken = RangeSet()
        self.broken: set[int] = set()
        self._links: dict[int, Link] = {}
        self._inner: deque[int] = deque()
        self._keep = keep

    def take(self, sequence: int, digest: str, previous: str) -> Place:
        """Put an event into its place; `broken` has what does not follow."""
        link = Link(bytes.fromhex(digest), bytes.fromhex(previous))
        if sequence in self.taken:
            known = self._links.get(sequence)
            if known is None:
                return Place.OLD
            return Place.SAME if known == link else Place.OTHER
        self._links[sequence] = link
        self.taken.add(sequence)
        self._compare(sequence)
        self._compare(sequence + 1)
        self._forget(sequence)
        return Place.NEW

    def digest(self, sequence: int) -> str:
        """The hash of an event, hex; "" where it is not known, or not any more."""
        link = self._links.get(sequence)
        return link.digest.hex() if link else ""

    def follows(self, sequence: int, digest: str) -> bool:
        """Whether the event `sequence` is known to name `digest` as the one before it."""
        link = self._links.get(sequence)
        return link is not None and link.previous.hex() == digest

    def holds(self, sequence: int, digest: str) -> bool:
        """Whether everything from 1 to `sequence` is here, linked, and ends in `digest`."""
        if self.digest(sequence) != digest or self.taken.gaps(1, sequence):
            return False
        return not any(each <= sequence for each in self.broken)

    def adopt(self, other: Chain, first: int, last: int) -> None:
        """Take over what was proved in another chain (its links from `first` to `last`)."""
        for sequence, link in other._links.items():
            inside = first <= sequence <= last
            if inside and self._links.setdefault(sequence, link) != link:
                self.broken.add(sequence)
        self.taken.add(first, last)
        self._compare(first)
        self._compare(last + 1)

    def _compare(self, sequence: int) -> None:
        """Note where an event and the one before it are both known and do not fit."""
        link = self._links.get(sequence)
        if link is None:
            return
        if sequence == 1:
            fits = link.previous.hex() == NO_HASH
        else:
            before = self._links.get(sequence - 1)
            fits = before is None or before.digest == link.previous
        if not fits:
            self.broken.add(sequence)

    def _forget(self, sequence: int) -> None:
        """Let go of the oldest links with both neighbours taken."""
        for each in (sequence - 1, sequence, sequence + 1):
            if (
                each in self.taken
                and each + 1 in self.taken
                and (each == 1 or each - 1 in self.taken)
            ):
                self._inner.append(each)
        while len(self._inner) > self._keep:
            self._links.pop(self._inner.popleft(), None)
