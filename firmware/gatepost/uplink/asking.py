"""One request of the centre to send events again: what it asked for, and what was lacking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from gatepost.ranges import RangeSet
from gatepost.wire import Response

if TYPE_CHECKING:
    from gatepost.asked import Resend

Key: TypeAlias = tuple[str, str]  # source and epoch
_LAST = 2**53


def reply(name: str, outcome: str, detail: str) -> Response:
    """The answer to the resend with that id."""
    return Response("resend", name, outcome, detail)


@dataclass(slots=True)
class Ask:
    """A request that is under way.

    Attributes:
        id: of the command; `topic`: where the answer is wanted.
        wanted: what is asked for and may be held; `lacking`: what of it is not held (any more).
        early: how many of it lie beyond the newest event: they may still come.
    """

    id: str
    topic: str
    wanted: dict[Key, RangeSet] = field(default_factory=dict)
    lacking: dict[Key, RangeSet] = field(default_factory=dict)
    early: int = 0

    @classmethod
    def of(cls, resend: Resend) -> Ask:
        """The same, its ranges merged."""
        ask = cls(resend.id, resend.topic)
        for each in resend.of:
            ranges = ask.wanted.setdefault((each.source, each.epoch), RangeSet())
            for first, last in each.ranges:
                ranges.add(first, last)
        return ask

    def cut(self, key: Key, newest: int) -> None:
        """There is nothing of `key` beyond `newest` yet."""
        wanted = self.wanted.get(key)
        if wanted is None:
            return
        before = wanted.count()
        wanted.remove(newest + 1, _LAST)
        self.early = before - wanted.count()
        if not wanted:
            del self.wanted[key]

    def over(self, key: Key, lacking: RangeSet) -> None:
        """All of `key` was sent, but for what was `lacking`."""
        if key in self.wanted and (missed := _common(self.wanted[key], lacking)):
            self.lacking[key] = missed

    def told(self) -> Response:
        """The last word: what was sent, and what is not held (contract/response.json)."""
        missed = sum(each.count() for each in self.lacking.values())
        sent = sum(each.count() for each in self.wanted.values()) - missed
        parts = [f"{sent} events sent again"] if sent else []
        if self.early:
            parts.append(f"{self.early} are beyond the newest event")
        if missed:
            parts.append(f"not held: {self._lacks()}")
        return reply(self.id, "done" if sent else "refused", "; ".join(parts))

    def _lacks(self) -> str:
        return " ".join(
            f"{epoch}:{','.join(f'{first}-{last}' for first, last in ranges)}"
            for (_source, epoch), ranges in self.lacking.items()
        )


def _common(one: RangeSet, other: RangeSet) -> RangeSet:
    """What is in both."""
    found = RangeSet(one)
    for first, last in one:
        for gap in other.gaps(first, last):
            found.remove(*gap)
    return found
