"""The parts of one scan, each timed by itself while nothing else of ours runs."""

from __future__ import annotations

import os
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from ground import STATION
from records import Hand

from gatepost.decoding import build_decoder
from gatepost.demo.authority import make_authority
from gatepost.demo.clips import play_clip, reads
from gatepost.model import Frame
from gatepost.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gatepost.demo.clips import ClipTruth
    from gatepost.demo.visitors import Visitor

_AGAIN = 5
_EVENTS = 60


def measure(folder: Path, clip: Path, truth: ClipTruth) -> dict[str, float]:
    """Median milliseconds of each part, and the bytes that an event adds to the card."""
    return _seeing(clip, truth) | _keeping(folder, [each.visitor for each in truth.visitors])


def _seeing(clip: Path, truth: ClipTruth) -> dict[str, float]:
    """What the first readable frames cost to take out of the clip, and to decode."""
    wanted = {each.first_readable: each.visitor for each in truth.visitors}
    decoder = build_decoder()
    jpeg, decode, plain = [], [], []
    begun = time.perf_counter()
    for index, frame in enumerate(play_clip(clip)):
        jpeg.append(_since(begun))
        visitor = wanted.get(index)
        if visitor is not None:
            decode.append(_timed(partial(decoder.decode, Frame(frame, 0.0))))
            plain.append(_timed(partial(reads, frame, visitor)))
        begun = time.perf_counter()
    return {"jpeg": median(jpeg), "decode": median(decode), "plain": median(plain)}


def _keeping(folder: Path, visitors: Sequence[Visitor]) -> dict[str, float]:
    """What it costs to decide, seal and keep, and what a bare flush of as many bytes does."""
    hand = Hand(folder / "parts", make_authority(folder / "parts-keys", STATION))
    wal = hand.path.with_name(hand.path.name + "-wal")
    decide = []
    with Spool(hand.path) as spool:
        before = wal.stat().st_size if wal.exists() else 0
        for number in range(_EVENTS):
            begun = time.perf_counter()
            hand.take(visitors[number % len(visitors)].text, spool)
            decide.append((hand.lit - begun) * 1000)
        size = (wal.stat().st_size - before) // _EVENTS
    bare = BareFlush(folder / "parts" / "bare", size)
    for _ in range(_EVENTS):
        bare.once()
    return {"decide": median(decide), "flush": median(bare.took_ms), "wal_bytes": size}


class BareFlush:
    """A bare write and fsync of `size` bytes at the end of a file: what the disk itself takes."""

    def __init__(self, path: Path, size: int) -> None:
        self.took_ms: list[float] = []
        self._path = path
        self._data = os.urandom(size)
        self._at = 0.0

    def once(self) -> None:
        self._at = time.perf_counter()
        with self._path.open("ab", buffering=0) as file:
            begun = time.perf_counter()
            file.write(self._data)
            os.fsync(file.fileno())
            self.took_ms.append(_since(begun))

    def now_and_then(self, every_s: float = 0.5) -> None:
        """Do it when the last time was `every_s` ago."""
        if time.perf_counter() - self._at >= every_s:
            self.once()


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds: the median of a few times, the first left out."""
    work()
    found = []
    for _ in range(_AGAIN):
        begun = time.perf_counter()
        work()
        found.append(_since(begun))
    return median(found)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
