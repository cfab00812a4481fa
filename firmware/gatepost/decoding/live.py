"""A camera's frames: the first pass on each that may show something, deeper ones in turn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from gatepost.decoding.catalogue import Passes, for_frames
from gatepost.decoding.coaching import Seen, judge
from gatepost.decoding.costs import Costs, sample
from gatepost.decoding.crowds import uncrowded
from gatepost.decoding.deepening import Deepening, Job
from gatepost.decoding.guard import Guarded, merged
from gatepost.decoding.looks import Look
from gatepost.decoding.planes import as_plane, box_around, cut, look_back, within
from gatepost.decoding.regions import code_like
from gatepost.decoding.symbologies import DEFAULT
from gatepost.decoding.watching import Watch
from gatepost.model import View

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from gatepost.decoding.looks import Trace
    from gatepost.decoding.planes import Plane
    from gatepost.decoding.watching import Sight
    from gatepost.model import Box, Corners, Frame, Hint, Symbol

_KEPT_S = 1.0  # a code that was read is looked for near where it was
_FIRST_SHARE = 0.6  # of the budget, where the deeper passes have to share it
_LATEST = 1.5  # budgets: when a pass that takes longer than it should comes to an end
_LEAST_SIDE = 24  # pixels of a trace: 21 modules are not readable below
MOST_PIXELS = 4_000_000


class _Last(NamedTuple):
    corners: Corners
    taken: float


class LiveDecoder(Guarded):
    """A Decoder for the frames of one camera, in their order.

    Deeper passes run in line, or, `beside`, in a worker (`deepening`) that must be run then;
    what it reads is given with the next frame, and says when it was taken. Given `budget_s`, it
    keeps a frame within about that, and within three times that at worst: planes are shrunk
    and passes left out, by what they take on this machine.

    Attributes:
        view: what the last frame looked like.
    """

    def __init__(
        self,
        passes: Passes,
        *,
        budget_s: float | None = None,
        beside: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(passes)
        self._budget_s = budget_s
        self._beside = beside
        self._clock = clock
        self._costs = Costs()
        self._deeper = Deepening(
            passes.deeper, self._costs, self._guard, passes.zbar.close, clock=clock
        )
        self._watch = Watch()
        self._last: _Last | None = None
        self._region: Box | None = None
        self._hint: Hint | None = None
        self._measured = False

    def deepening(self) -> Generator[None, None, None]:
        """The worker that looks deeper, where `beside` was asked for."""
        return self._deeper.run()

    def decode(self, frame: Frame) -> Sequence[Symbol]:
        """Every code that was read in `frame`, and beside it since; raises nothing."""
        begun = self._clock()
        late = self._deeper.found()
        self._keep(late, frame.taken)
        self.view = View()
        plane = self._guard.run("frame", lambda: as_plane(frame.luma))
        if plane is None:
            return merged(late)
        sight = self._watch.see(plane, frame.taken)
        if not sight.attempt:
            self.view = View(sight.brightness, sight.moving, self._region)
            return merged(late)
        symbols = self._attempt(plane, frame.taken, sight, begun)
        self._keep(symbols, frame.taken)
        return merged((*symbols, *late))

    def _keep(self, symbols: Sequence[Symbol], now: float) -> None:
        """Remember where a code was read: somebody is there."""
        for symbol in symbols:
            taken = now if symbol.taken is None else symbol.taken
            self._last = _Last(symbol.corners, taken)
            self._watch.note(now, read=True)

    def _attempt(self, plane: Plane, taken: float, sight: Sight, begun: float) -> Sequence[Symbol]:
        look = self._first(plane)
        tried = [self._passes.first.name]
        symbols: Sequence[Symbol] = look.symbols
        region = None
        if not symbols and sight.deep:
            region = self._target(plane, look.traces, taken)
            if region is not None:
                self._watch.note(taken, read=False)
                symbols, deeper = self._deep(Job(plane, taken, region, self._hint), begun)
                tried += deeper
        shift = _shift(self._region, region)
        self._region = region
        seen = Seen(
            plane,
            region,
            look.traces,
            brightness=sight.brightness,
            shift=shift,
            occupied=sight.occupied,
            read=bool(symbols),
        )
        self._hint = hint = judge(seen)
        self.view = View(sight.brightness, sight.moving, region, hint, tuple(tried))
        return symbols

    def _first(self, plane: Plane) -> Look:
        way = self._passes.first
        if self._budget_s is None:
            part, box = within(plane, MOST_PIXELS), None
        else:
            self._measure()
            share = self._budget_s * (1.0 if self._beside else _FIRST_SHARE)
            part = within(plane, min(MOST_PIXELS, self._costs.affordable(way, share)))
            box = uncrowded(part, share / self._costs.worst_s(way, 1))
        small = part if box is None else cut(part, box)
        begun = self._clock()
        look = self._guard.run(way.name, lambda: way.look(small))
        self._costs.took(way, small.size, self._clock() - begun)
        if look is None:
            return Look()
        return look_back(look_back(look, small, part, box), part, plane)

    def _measure(self) -> None:
        if self._measured:
            return
        self._measured = True
        way, took = self._passes.first, []
        for _ in range(3):  # the first time, caches are cold
            begun = self._clock()
            self._guard.run(way.name, lambda: way.look(sample()))
            took.append(self._clock() - begun)
        self._costs.measured(way, min(took))

    def _target(self, plane: Plane, traces: Sequence[Trace], taken: float) -> Box | None:
        """Where to look deeper: where a code was read before, or is found, or what is like one."""
        if self._last is not None and 0 <= taken - self._last.taken <= _KEPT_S:
            return box_around(self._last.corners, 0.5, plane.shape)
        large = [trace for trace in traces if _side(trace.corners) >= _LEAST_SIDE]
        found = box_around(max(large, key=_area).corners, 0.35, plane.shape) if large else None
        return _joined(code_like(plane), found)

    def _deep(self, job: Job, begun: float) -> tuple[Sequence[Symbol], list[str]]:
        if self._beside:
            self._deeper.put(job)
            return (), []
        until = None
        if self._budget_s is not None:
            until = begun + self._budget_s
            self._passes.limit.until = begun + _LATEST * self._budget_s
        symbols = self._deeper.work(job, until)
        return symbols, self._deeper.tried


def _joined(one: Box | None, other: Box | None) -> Box | None:
    """Both, where they meet; else the one."""
    if one is None or other is None:
        return one or other
    both = (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )
    if both[0] >= both[2] or both[1] >= both[3]:
        return one
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _side(corners: Corners) -> int:
    xs, ys = zip(*corners, strict=True)
    return min(max(xs) - min(xs), max(ys) - min(ys))


def _area(trace: Trace) -> int:
    xs, ys = zip(*trace.corners, strict=True)
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


def _shift(before: Box | None, now: Box | None) -> float:
    """By how many pixels the region's middle moved."""
    if before is None or now is None:
        return 0.0
    across = (now[0] + now[2] - before[0] - before[2]) / 2
    down = (now[1] + now[3] - before[1] - before[3]) / 2
    return float((across**2 + down**2) ** 0.5)


def build_live(
    *,
    budget_s: float | None = None,
    beside: bool = False,
    symbologies: Iterable[str] = DEFAULT,
) -> LiveDecoder:
    """The decoder of one camera.

    Args:
        budget_s: what a frame may take, seconds; None: no limit, for recorded clips.
        beside: whether `deepening` is run by a worker; else it is done in line.
        symbologies: what it reads, by the names in the configuration.
    """
    return LiveDecoder(for_frames(symbologies), budget_s=budget_s, beside=beside)
