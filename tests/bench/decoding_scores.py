"""What a contestant of the decoding bench did: counted frame by frame, summed by category."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SOON = 8  # frames after the union's first read within which gatepost should read


@dataclass
class Seen:
    """What one contestant made of one clip, or of one photo: a clip of one frame.

    Attributes:
        looked: frames that it was given.
        read: the frames in which it read what was expected, by their number.
        first: the frame at which it first told so; a deep pass may tell of an earlier frame.
        false: the texts that nobody showed, with every frame again.
        cpu_ms: processor time of each look, all threads; wall_ms: how long each look took.
    """

    looked: int = 0
    read: set[int] = field(default_factory=set)
    first: int | None = None
    false: list[str] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)

    def hit(self, frame: int, at: int) -> None:
        """It read at frame `at` what `frame` showed."""
        self.read.add(frame)
        if self.first is None:
            self.first = at


@dataclass(frozen=True, slots=True)
class Sum:
    """Many of them, one contestant's, in one category.

    `looked`: the frames with a code that it was given; `frames`: all. `lags`: frames after the
    union's first read. All times are processor time, which neighbours on the machine do not
    change, but for `longest_ms`, which is of the wall clock.
    """

    clips: int
    once: int
    looked: int
    read: int
    false: int
    frames: int
    lags: tuple[float, ...]
    median_ms: float
    p95_ms: float
    mean_ms: float
    longest_ms: float
    longest_cpu_ms: float

    @property
    def share(self) -> float:
        return self.read / self.looked if self.looked else 0.0

    @property
    def soon(self) -> float:
        """The share of clips read within SOON frames of the union's first."""
        return sum(lag <= SOON for lag in self.lags) / len(self.lags) if self.lags else 0.0


def lag(mine: int | None, theirs: int | None) -> float | None:
    """Frames from their first read to mine; infinite: only they read; None: they did not."""
    if theirs is None:
        return None
    return float("inf") if mine is None else float(mine - theirs)


def total(seen: Sequence[Seen], beside: Iterable[Seen]) -> Sum:
    """Sum a contestant's clips; `beside` what the union made of the same ones."""
    lags = (lag(mine.first, theirs.first) for mine, theirs in zip(seen, beside, strict=True))
    cpu = np.array([ms for each in seen for ms in each.cpu_ms] or [0.0])
    return Sum(
        clips=len(seen),
        once=sum(each.first is not None for each in seen),
        looked=sum(each.looked for each in seen),
        read=sum(len(each.read) for each in seen),
        false=sum(len(each.false) for each in seen),
        frames=sum(len(each.cpu_ms) for each in seen),
        lags=tuple(each for each in lags if each is not None),
        median_ms=float(np.median(cpu)),
        p95_ms=float(np.percentile(cpu, 95)),
        mean_ms=float(cpu.mean()),
        longest_ms=max((ms for each in seen for ms in each.wall_ms), default=0.0),
        longest_cpu_ms=float(cpu.max()),
    )


def quantile(lags: Sequence[float], share: float) -> float:
    """The lag that `share` of the clips do not pass: one that came about, it may be infinite."""
    ranked = sorted(lags)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")
