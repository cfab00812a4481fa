"""Our own reading of QR codes, for what is washed out, bent, covered or too small for others.

    find -> refine -> sample -> solve, in `decoding.qr`: from finder patterns to where each module
    is, how dark it is and how sure that is, and from these, as far as they carry, to all of them

What comes of it is drawn anew, whole, and given to zxing-cpp: modes, ECI and Kanji are its part.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gatepost.decoding.limits import Limit
from gatepost.decoding.looks import Look
from gatepost.decoding.planes import look_back, within
from gatepost.decoding.qr.finding import search
from gatepost.decoding.qr.following import sought
from gatepost.decoding.qr.refining import preference, refinements
from gatepost.decoding.qr.sampling import opinions
from gatepost.decoding.qr.soft import Solved, picture_of, solve
from gatepost.decoding.qr.votes import Votes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.decoding.looks import Pass, Trace
    from gatepost.decoding.planes import Plane
    from gatepost.decoding.qr.placing import Placement, Reals
    from gatepost.model import Symbol

Step = TypeVar("Step")
MOST_PIXELS = 1_500_000
_MOST_TRACES = 4  # of a picture that are followed to see whether there is a symbol,
_MOST_TRIED = 2  # and of these, symbols that are gone into: no third was ever read
_MOST_MODULES = 12_000  # of all that were gone into, beyond which there is no other
_MOST_SIZES = 3  # of symbols that votes are counted for
_SCORED = 0.3  # agreement of the function patterns below which no symbol was solved
_PROMISING = 0.5  # a score below which no more time is spent
_LARGE = 101  # modules a side beyond which neither is it, since it takes too long
_APART = 8  # pixels between the middles of traces that are not one


class _Try(NamedTuple):
    """Where a symbol was looked for, its soft values there, and more of them as they are wanted."""

    placement: Placement
    soft: Reals
    more: Iterator[Reals]


class _Told(NamedTuple):
    """A symbol that was solved: where, and by which pass."""

    solved: Solved
    placement: Placement
    name: str


class _Last(NamedTuple):
    plane: Plane
    placement: Placement


class GridPass:
    """Finds QR codes module by module; of a picture with several, the first that it can.

    Args:
        inner: reads the symbol that was drawn anew, and locates others.
        votes: the pictures are parts of frames of one camera: what none of them shows well enough
            may be clear from all of them together, and where a symbol was, it is sought again.
        limit: nothing further is tried after it.
    """

    name = "grid"
    ns_per_pixel = 800.0  # of a small code that cannot be read; of noise a quarter

    def __init__(self, inner: Pass, *, votes: bool = False, limit: Limit | None = None) -> None:
        self._inner = inner
        self._limit = limit or Limit()
        self._votes: dict[int, Votes] | None = {} if votes else None
        self._last: _Last | None = None  # where the best placed symbol was

    def look(self, plane: Plane) -> Look:
        """Read the first code that can be solved; those that cannot are traces."""
        small = within(plane, MOST_PIXELS)
        traces: list[Trace] = []
        modules = 0
        for trace in islice(self._in_time(self._leads(small, traces)), _MOST_TRACES):
            tries: list[_Try] = []
            symbol = self._symbol(small, trace, tries)
            if symbol is not None:
                self._keep(small, tries[-1].placement)
                return look_back(Look((symbol,)), small, plane)
            if tries:
                self._keep(small, max(tries, key=lambda it: preference(it.placement)).placement)
                traces.append(trace)
                modules += tries[0].placement.modules ** 2
            if len(traces) >= _MOST_TRIED or modules > _MOST_MODULES:
                break
        return look_back(Look((), tuple(traces)), small, plane)

    def _in_time(self, steps: Iterator[Step]) -> Iterator[Step]:
        """`steps`, as long as there is time to begin another."""
        while self._limit.left_s() > 0:
            try:
                step = next(steps)
            except StopIteration:
                return
            yield step

    def _keep(self, plane: Plane, placement: Placement) -> None:
        if self._votes is not None and placement.score >= _PROMISING:
            self._last = _Last(plane, placement)

    def _leads(self, plane: Plane, gone_into: list[Trace]) -> Iterator[Trace]:
        """The traces to follow, as they are found; others' where none of our own led anywhere."""
        seen: list[Trace] = []
        others = self._others(plane, gone_into)
        for trace in chain(search(plane), others, self._sought(plane)):
            if _apart(trace, seen):
                seen.append(trace)
                yield trace

    def _others(self, plane: Plane, gone_into: list[Trace]) -> Iterator[Trace]:
        if not gone_into:  # by now: this runs when our own are used up
            yield from self._inner.look(plane).traces

    def _sought(self, plane: Plane) -> Iterator[Trace]:
        if self._last is not None:
            trace = sought(plane, self._last.placement, self._last.plane)
            if trace is not None:
                yield trace

    def _symbol(self, plane: Plane, trace: Trace, tries: list[_Try]) -> Symbol | None:
        """The symbol that left `trace`; `tries` gets where it was looked for."""
        told = self._solved(plane, trace, tries)
        if told is None:
            return None
        found = self._inner.look(picture_of(told.solved.matrix)).symbols
        corners = told.placement.corners()
        return replace(found[0], corners=corners, pass_name=told.name) if found else None

    def _solved(self, plane: Plane, trace: Trace, tries: list[_Try]) -> _Told | None:
        for placement in self._in_time(refinements(plane, trace)):
            if placement.score < _SCORED:
                continue
            more = opinions(plane, placement)
            tries.append(_Try(placement, next(more), more))
            solved = solve(tries[-1].soft)
            if solved is not None:
                return _Told(solved, placement, self.name)
        return self._at_length(tries) if tries else None

    def _at_length(self, tries: list[_Try]) -> _Told | None:
        """What takes longer, for the best placement only: votes, and other ways to undo blur."""
        best = max(tries, key=lambda it: preference(it.placement))
        solved = self._voted(best.soft)
        if solved is not None:
            return _Told(solved, best.placement, "votes")
        if best.placement.score < _PROMISING or len(best.soft) > _LARGE:
            return None
        solved = next(filter(None, map(solve, self._in_time(best.more))), None)
        return _Told(solved, best.placement, self.name) if solved is not None else None

    def _voted(self, soft: Reals) -> Solved | None:
        if self._votes is None:
            return None
        votes = self._votes.pop(len(soft), None) or Votes()
        self._votes[len(soft)] = votes  # the newest is last
        if len(self._votes) > _MOST_SIZES:
            del self._votes[next(iter(self._votes))]
        votes.add(soft)
        return votes.solve() if votes.frames > 1 else None


def _apart(trace: Trace, others: list[Trace]) -> bool:
    """Whether `trace` lies where none of the others does."""
    x, y = _middle(trace)
    return all(abs(x - a) > _APART or abs(y - b) > _APART for a, b in map(_middle, others))


def _middle(trace: Trace) -> tuple[float, float]:
    return sum(x for x, _ in trace.corners) / 4, sum(y for _, y in trace.corners) / 4
