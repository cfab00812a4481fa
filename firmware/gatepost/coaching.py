"""Hints for the visitor that do not flicker: from a judgement on every frame to what is shown."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.model import Hint

FAILING_S = 1.0  # so long nothing is read before anything is said: most are read by then
STAYS_S = 1.5  # five words are read in a second; what changes faster is not read at all
QUIET_S = 3.0  # after a code was read: its verdict stands, its visitor goes
_LEAST_VOTES = 3  # of three frames a second, the slowest that a station examines
_CLEARLY = 0.6  # share of the votes at which another reason takes the place of the one shown


class Coach:
    """Which hint stands, for one reader. No clock of its own: it is told the time, seconds.

    Every frame votes: for its hint, or for none. A hint comes up when most frames of the last
    second had it, stands for 1.5 s or more, and changes only when another one has won clearly.
    A code that is read takes it away at once, and its visitor is left in peace.
    """

    def __init__(self) -> None:
        self.shown: Hint | None = None
        self._free_at = float("-inf")  # when what is shown may change again
        self._votes: deque[tuple[float, Hint | None]] = deque()

    def take(self, hint: Hint | None, at: float, *, read: bool = False) -> Hint | None:
        """Count the frame of time `at`; return the hint that is to be shown now, or None.

        Args:
            hint: why nothing was read in it; None where nobody is, or nobody knows.
            at: when it was taken, seconds; never earlier than the one before.
            read: whether a code was read in it.
        """
        if read:
            self.clear()
            self._free_at = at + QUIET_S
            return None
        if self._votes and at - self._votes[-1][0] >= FAILING_S:
            self._votes.clear()  # what was before says nothing of now
            if at >= self._free_at and self.shown is not None:
                self.shown, self._free_at = None, at + STAYS_S
        self._votes.append((at, hint))
        while len(self._votes) > 1 and self._votes[1][0] <= at - FAILING_S:
            self._votes.popleft()  # the one that is kept shows that there is a whole second
        if at >= self._free_at:
            self._change(at)
        return self.shown

    def clear(self) -> None:
        """Show nothing, and forget every vote: the camera is gone."""
        self._votes.clear()
        self.shown = None

    def _change(self, at: float) -> None:
        whole = self._votes[0][0] <= at - FAILING_S and len(self._votes) >= _LEAST_VOTES
        if not whole:
            return
        # Not by Counter's order: among as many votes, what is shown wins.
        counts = Counter(hint for _, hint in self._votes)
        winner = max(counts, key=lambda hint: (counts[hint], hint is self.shown))
        least = 0.5 if self.shown is None else _CLEARLY
        if winner is not self.shown and counts[winner] > least * len(self._votes):
            self.shown, self._free_at = winner, at + STAYS_S
