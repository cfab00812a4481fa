"""The hash chain of one epoch, taken in any order, in bounded memory."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

from gatepost.ranges import RangeSet
from gatepost.wire import NO_HASH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEEP = 512
MOST_RANGES = 8192
_MOST_BROKEN = 1024  # the lowest: by them nothing from there on is ever proved
_HASH = 32  # bytes of SHA-256


class Place(StrEnum):
    """What an event is to the chain."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"
    OLD = "old"  # taken before, but too long ago to compare
    SCATTERED = "scattered"  # not taken: there are too many gaps to remember another


class Chain:
    """Which sequences were taken, and whether each follows the one before it.

    A link is an event's own hash and the one that it names as `previous`: 64 bytes. It is needed
    until both of its neighbours were compared with it. The last `keep` of those that are no
    longer needed stay, so that a second history is recognised. `most`: how many ranges are
    remembered; what would begin another one is not taken, and may come again later.
    """

    def __init__(self, keep: int = KEEP, most: int = MOST_RANGES) -> None:
        self.taken = RangeSet()
        self.broken: set[int] = set()
        self.unsaved: set[int] | None = None  # whose links came or went, where that is wanted
        self._links: dict[int, bytes] = {}
        self._inner: deque[int] = deque()
        self._keep = keep
        self._most = most
        self._hole = 0  # one that is known to lack, to look no further

    def take(self, sequence: int, digest: str, previous: str) -> Place:
        """Put an event into its place; `broken` has what does not follow."""
        link = bytes.fromhex(digest) + bytes.fromhex(previous)
        if sequence in self.taken:
            known = self._links.get(sequence)
            if known is None:
                return Place.OLD
            return Place.SAME if known == link else Place.OTHER
        if len(self.taken) >= self._most and not self._touches(sequence):
            return Place.SCATTERED
        self._set(sequence, link)
        self.taken.add(sequence)
        self._compare(sequence)
        self._compare(sequence + 1)
        self._forget(sequence)
        return Place.NEW

    def _touches(self, sequence: int) -> bool:
        return sequence - 1 in self.taken or sequence + 1 in self.taken

    def digest(self, sequence: int) -> str:
        """The hash of an event, hex; "" where it is not known, or not any more."""
        link = self._links.get(sequence)
        return link[:_HASH].hex() if link else ""

    def follows(self, sequence: int, digest: str) -> bool:
        """Whether the event `sequence` is known to name `digest` as the one before it."""
        link = self._links.get(sequence)
        return link is not None and link[_HASH:].hex() == digest

    def holds(self, sequence: int, digest: str) -> bool:
        """Whether everything from 1 to `sequence` is here, linked, and ends in `digest`."""
        if self.digest(sequence) != digest or self._lacks(sequence):
            return False
        return not any(each <= sequence for each in self.broken)

    def _lacks(self, upto: int) -> bool:
        if 0 < self._hole <= upto and self._hole not in self.taken:
            return True
        gaps = self.taken.gaps(1, upto)
        self._hole = gaps[0][0] if gaps else 0
        return bool(gaps)

    def adopt(self, other: Chain, first: int, last: int) -> list[tuple[int, int]]:
        """Take over what was proved in another chain (its links from `first` to `last`).

        Returns what is new by it.
        """
        new = self.taken.gaps(first, last)
        for sequence, link in other._links.items():
            if not first <= sequence <= last:
                continue
            known = self._links.get(sequence)
            if known is None:
                self._set(sequence, link)
            elif known != link:
                self._break(sequence)
        self.taken.add(first, last)
        self._compare(first)
        self._compare(last + 1)
        for sequence in (first, last):
            self._forget(sequence)
        return new

    # --- what outlives the process

    def restore(
        self, taken: Iterable[tuple[int, int]], broken: Iterable[int], links: Mapping[int, bytes]
    ) -> None:
        """Be what was saved. Raises ValueError where that cannot have been a chain."""
        self.taken, self.broken = RangeSet(taken), set(broken)
        if any(len(link) != 2 * _HASH or each not in self.taken for each, link in links.items()):
            raise ValueError("a link of no event")
        self._links = dict(sorted(links.items()))
        self._inner = deque(each for each in self._links if self._is_inner(each))

    def changes(self) -> list[tuple[int, bytes | None]]:
        """The links that came (bytes) or went (None) since this was asked for last."""
        told = [(each, self._links.get(each)) for each in self.unsaved or ()]
        if self.unsaved is not None:
            self.unsaved.clear()
        return told

    def _set(self, sequence: int, link: bytes) -> None:
        self._links[sequence] = link
        if self.unsaved is not None:
            self.unsaved.add(sequence)

    # --- neighbours

    def _compare(self, sequence: int) -> None:
        """Note where an event and the one before it are both known and do not fit."""
        link = self._links.get(sequence)
        if link is None:
            return
        if sequence == 1:
            fits = link[_HASH:].hex() == NO_HASH
        else:
            before = self._links.get(sequence - 1)
            fits = before is None or before[:_HASH] == link[_HASH:]
        if not fits:
            self._break(sequence)

    def _break(self, sequence: int) -> None:
        self.broken.add(sequence)
        if len(self.broken) > _MOST_BROKEN:
            self.broken.remove(max(self.broken))

    def _is_inner(self, each: int) -> bool:
        before = each == 1 or each - 1 in self.taken
        return before and each in self.taken and each + 1 in self.taken

    def _forget(self, sequence: int) -> None:
        """Let go of the oldest links with both neighbours taken."""
        self._inner.extend(
            each for each in (sequence - 1, sequence, sequence + 1) if self._is_inner(each)
        )
        while len(self._inner) > self._keep:
            gone = self._inner.popleft()
            if self._links.pop(gone, None) is not None and self.unsaved is not None:
                self.unsaved.add(gone)
