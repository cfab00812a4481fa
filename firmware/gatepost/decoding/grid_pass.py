"""Our own reading of QR codes, for what is washed out, bent, covered or too small for others.

    find -> refine -> sample -> solve, in `decoding.qr`: from finder patterns to where each module
    is, how dark it is and how sure that is, and from these, as far as they carry, to all of them

What comes of it is drawn anew, whole, and given to zxing-cpp: modes, ECI and Kanji are its part.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatepost.decoding.looks import Look
from gatepost.decoding.planes import look_back, within
from gatepost.decoding.qr.finding import find
from gatepost.decoding.qr.refining import refine
from gatepost.decoding.qr.sampling import opinions
from gatepost.decoding.qr.soft import Solved, picture_of, solve
from gatepost.decoding.qr.votes import Votes

if TYPE_CHECKING:
    from gatepost.decoding.looks import Pass, Trace
    from gatepost.decoding.planes import Plane
    from gatepost.decoding.qr.placing import Placement, Reals
    from gatepost.model import Symbol

MOST_PIXELS = 1_500_000
_MOST_TRACES = 4
_MOST_SIZES = 3  # of symbols that votes are counted for
_SCORED = 0.3  # agreement of the function patterns below which no symbol was solved
_APART = 8  # pixels between the middles of traces that are not one


class GridPass:
    """Finds QR codes module by module; of a picture with several, the first that it can.

    Args:
        inner: reads the symbol that was drawn anew, and locates others.
        votes: the pictures are frames of one camera: what none of them shows well enough may be
            clear from all of them together.
    """

    name = "grid"
    ns_per_pixel = 400.0

    def __init__(self, inner: Pass, *, votes: bool = False) -> None:
        self._inner = inner
        self._votes: dict[int, Votes] | None = {} if votes else None

    def look(self, plane: Plane) -> Look:
        """Read the first code that can be solved; those that cannot are traces."""
        small = within(plane, MOST_PIXELS)
        traces: list[Trace] = []
        for trace in _apart([*find(small), *self._inner.look(small).traces])[:_MOST_TRACES]:
            placement = refine(small, trace)
            if placement is None or placement.score < _SCORED:
                continue
            traces.append(trace)
            symbol = self._symbol(small, placement)
            if symbol is not None:
                return look_back(Look((symbol,)), small, plane)
        return look_back(Look((), tuple(traces)), small, plane)

    def _symbol(self, plane: Plane, placement: Placement) -> Symbol | None:
        solved, name = self._solved(plane, placement)
        if solved is None:
            return None
        found = self._inner.look(picture_of(solved.matrix)).symbols
        corners = placement.corners()
        return replace(found[0], corners=corners, pass_name=name) if found else None

    def _solved(self, plane: Plane, placement: Placement) -> tuple[Solved | None, str]:
        for number, soft in enumerate(opinions(plane, placement)):
            solved = solve(soft)
            if solved is not None:
                return solved, self.name
            if number == 0 and (solved := self._voted(soft)) is not None:
                return solved, "votes"
        return None, self.name

    def _voted(self, soft: Reals) -> Solved | None:
        if self._votes is None:
            return None
        votes = self._votes.pop(len(soft), None) or Votes()
        self._votes[len(soft)] = votes  # the newest is last
        if len(self._votes) > _MOST_SIZES:
            del self._votes[next(iter(self._votes))]
        votes.add(soft)
        return votes.solve() if votes.frames > 1 else None


def _apart(traces: list[Trace]) -> list[Trace]:
    """`traces` without those that lie where one before them does."""
    kept: list[Trace] = []
    for trace in traces:
        x, y = _middle(trace)
        if all(abs(x - a) > _APART or abs(y - b) > _APART for a, b in map(_middle, kept)):
            kept.append(trace)
    return kept


def _middle(trace: Trace) -> tuple[float, float]:
    return sum(x for x, _ in trace.corners) / 4, sum(y for _, y in trace.corners) / 4
