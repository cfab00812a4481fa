"""Which of the deeper passes comes next, over the frames of a code that is not read yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.decoding.looks import Pass


class Rotation:
    """Passes in turn: first the one that read last, then on from where the last frame stopped.

    The same calls give the same order.
    """

    def __init__(self, ways: Sequence[Pass]) -> None:
        self._ways = tuple(ways)
        self._next = 0
        self._favourite: Pass | None = None

    def turn(self, most: int, suited: str = "") -> tuple[Pass, ...]:
        """The passes for one frame, at most `most`, in order; call `tried` for each that ran.

        Args:
            most: how many.
            suited: the name of one that suits what is wrong with the frame: it comes early.
        """
        first = [self._favourite] if self._favourite is not None else []
        first += [way for way in self._ways if way.name == suited]
        after = (*first, *self._ways[self._next :], *self._ways[: self._next])
        return tuple(dict.fromkeys(after))[:most]

    def tried(self, way: Pass, *, read: bool) -> None:
        """`way` had its turn. One that read nothing is the favourite no more."""
        if read:
            self._favourite = way
            return
        if way is self._favourite:
            self._favourite = None
        self.skipped(way)

    def skipped(self, way: Pass) -> None:
        """`way` takes longer than there ever is: those after it come next."""
        if way is self._ways[self._next]:
            self._next = (self._next + 1) % len(self._ways)
