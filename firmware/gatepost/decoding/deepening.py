"""The deeper passes over a frame in which the first read nothing, a few a frame, in turn."""

from __future__ import annotations

import time
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from gatepost.decoding.crowds import uncrowded
from gatepost.decoding.planes import cut, look_back, within
from gatepost.decoding.rotation import Rotation
from gatepost.mailbox import Mailbox
from gatepost.model import Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from gatepost.decoding.costs import Costs
    from gatepost.decoding.guard import Guard
    from gatepost.decoding.looks import Look, Pass
    from gatepost.decoding.planes import Plane
    from gatepost.model import Box, Symbol

_WAIT_S = 0.25
_WHOLE_EVERY = 4  # frames: where code-like things are is a guess, too
_SHRUNK = 0.4  # of its pixels: a code that needs a deeper pass is lost below
_LEAST = 40_000  # pixels: for fewer, a pass takes hardly less
_ROOM = 14.0  # pixels of noise for each: modules of large symbols, too, are like finder patterns


# The pass that helps most against what was wrong with the frame before.
_SUITED = {
    Hint.MOVING: "smear",
    Hint.GLARE: "flattened-double",
    Hint.TOO_DARK: "local-contrast-double",
    Hint.TOO_NEAR: "blurred-half",
}


class Job(NamedTuple):
    """A frame to look at more deeply: in `box`. `hint`: what was wrong with the one before."""

    plane: Plane
    taken: float
    box: Box
    hint: Hint | None = None


class Deepening:
    """Looks at jobs, at most `most` passes each; in line, or in a worker of its own.

    `work` and `run` are for one thread; `put` and `found` may be called from another.
    """

    def __init__(
        self,
        ways: Sequence[Pass],
        costs: Costs,
        guard: Guard,
        close: Callable[[], None],
        *,
        most: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rotation = Rotation(ways)
        self._costs = costs
        self._guard = guard
        self._close = close
        self._most = most
        self._clock = clock
        self._jobs: Mailbox[Job] = Mailbox()
        self._found: SimpleQueue[Symbol] = SimpleQueue()
        self._turns = 0
        self.tried: list[str] = []

    def put(self, job: Job) -> None:
        """Leave a job to the worker; one that it has not begun yet is forgotten."""
        self._jobs.put(job)

    def found(self) -> list[Symbol]:
        """What the worker read since the last call."""
        symbols = []
        while True:
            try:
                symbols.append(self._found.get_nowait())
            except Empty:
                return symbols

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: the slowest pass over a whole frame."""
        try:
            while True:
                yield
                job = self._jobs.take(_WAIT_S)
                if job is not None:
                    for symbol in self.work(job, None):
                        self._found.put(replace(symbol, taken=job.taken))
        finally:
            self._close()

    def work(self, job: Job, until: float | None) -> Sequence[Symbol]:
        """What is read in `job`; no pass is begun that would end after `until` of the clock."""
        self._turns += 1
        self.tried = []
        box = self._box(job, until)
        part = cut(job.plane, box)
        for way in self._rotation.turn(self._most, self._suited(job, until)):
            plane = self._fitting(way, part, until)
            if plane is None:
                if not self.tried and not self._whole:
                    self._rotation.skipped(way)
                continue
            self.tried.append(way.name)
            look = self._look(way, plane)
            self._rotation.tried(way, read=bool(look and look.symbols))
            if look and look.symbols:
                return look_back(look, plane, job.plane, box).symbols
        return ()

    @property
    def _whole(self) -> bool:
        return self._turns % _WHOLE_EVERY == 0

    def _suited(self, job: Job, until: float | None) -> str:
        """The pass that comes early; where time is short, so do the others every second turn."""
        if job.hint is None or (until is not None and self._turns % 2):
            return ""
        return _SUITED.get(job.hint, "")

    def _box(self, job: Job, until: float | None) -> Box:
        """Where to look: where it was said, at times everywhere; not in more than there is time."""
        height, width = job.plane.shape
        box = (0, 0, width, height) if self._whole else job.box
        if until is None:
            return box
        part = cut(job.plane, box)
        left, top, right, bottom = uncrowded(part, _ROOM * part.size)
        return box[0] + left, box[1] + top, box[0] + right, box[1] + bottom

    def _fitting(self, way: Pass, part: Plane, until: float | None) -> Plane | None:
        """`part`, shrunk so that `way` ends in time; None where it would have to be too small."""
        if until is None:
            return part
        most = self._costs.affordable(way, until - self._clock())
        return within(part, most) if most >= max(_LEAST, _SHRUNK * part.size) else None

    def _look(self, way: Pass, plane: Plane) -> Look | None:
        begun = self._clock()
        look = self._guard.run(way.name, lambda: way.look(plane))
        self._costs.took(way, plane.size, self._clock() - begun)
        return look
