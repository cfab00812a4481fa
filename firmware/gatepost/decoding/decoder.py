"""The order in which the passes are tried."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import cv2

from gatepost.decoding.passes import Look, Pass, ZbarPass, ZxingPass
from gatepost.decoding.planes import as_plane, grown, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

    from gatepost.model import Frame, Symbol

_log = logging.getLogger(__name__)
_NOTHING = Look(())
# What zxing-cpp (nanobind), zbar (ctypes), NumPy and OpenCV raise on a picture they cannot take.
FOREIGN = (
    ArithmeticError,
    BufferError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
)
Outcome = TypeVar("Outcome")


class PassDecoder:
    """A Decoder of two passes: a fast first one, and a second opinion where it read nothing.

    The second, slower pass runs on a frame in which the first located a code that it could not
    read, and on every `second_every`-th frame in which it saw nothing at all (1: on each, for
    pictures; 0: on none). It is left out once `budget_s` seconds went by in this frame; a pass
    that has begun is not interrupted. After one that took t it rests for `rest` times t, so that
    on a live camera the next frames, which may be good ones, are not lost to it.

    For one thread: the second pass keeps state of its own.

    Attributes:
        failures: how often each pass raised, by its name; "frame": frames that were no pictures.
    """

    def __init__(
        self,
        first: Pass,
        second: Pass,
        *,
        second_every: int = 1,
        budget_s: float | None = None,
        rest: float = 0.0,
    ) -> None:
        self._rest = rest
        self._rest_until = float("-inf")
        self.failures: Counter[str] = Counter()
        self._first = first
        self._second = second
        self._second_every = second_every
        self._budget_s = budget_s
        self._empty = 0

    def decode(self, frame: Frame) -> Sequence[Symbol]:
        """Every code that was read in `frame`, each once; raises nothing."""
        begun = time.monotonic()
        plane = self._guarded("frame", lambda: as_plane(frame.luma))
        if plane is None:
            return ()
        look = self._look(self._first, plane)
        if not look.symbols and self._second_wanted(look, begun):
            look = self._second_look(plane)
        return merged(look.symbols)

    def _second_wanted(self, first: Look, begun: float) -> bool:
        if self._budget_s is not None and time.monotonic() - begun >= self._budget_s:
            return False
        if begun < self._rest_until:
            return False
        if first.located:
            return True
        self._empty += 1
        return self._second_every > 0 and self._empty % self._second_every == 0

    def _second_look(self, plane: npt.NDArray[np.uint8]) -> Look:
        begun = time.monotonic()
        look = self._look(self._second, plane)
        ended = time.monotonic()
        self._rest_until = ended + self._rest * (ended - begun)
        return look

    def _look(self, way: Pass, plane: npt.NDArray[np.uint8]) -> Look:
        """What `way` sees; nothing where it raises."""

        def work() -> Look:
            small, x_factor, y_factor = within(plane, way.most_pixels)
            symbols, located = way.look(small)
            return Look(tuple(_moved(symbol, x_factor, y_factor) for symbol in symbols), located)

        return self._guarded(way.name, work) or _NOTHING

    def _guarded(self, what: str, work: Callable[[], Outcome]) -> Outcome | None:
        """What `work` returns; None where it raises, which is counted under `what`."""
        try:
            return work()
        except FOREIGN as error:  # one odd picture must not end the station
            self.failures[what] += 1
            times = self.failures[what]
            # The 1st, 2nd, 4th, 8th: 30 a second would drown the log. The type alone: a text
            # could hold what the visitor's code holds.
            if times & (times - 1) == 0:
                name = type(error).__name__
                _log.warning("decoding failed: %s raised %s, %d so far", what, name, times)
            return None


def _moved(symbol: Symbol, x_factor: float, y_factor: float) -> Symbol:
    return replace(symbol, corners=grown(symbol.corners, x_factor, y_factor))


def merged(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """`symbols` without those that say again what one before them said."""
    unlike: dict[tuple[str, bytes], Symbol] = {}
    for symbol in symbols:
        unlike.setdefault((symbol.symbology, symbol.data), symbol)
    return tuple(unlike.values())


def build_decoder(
    second_every: int = 1, budget_s: float | None = None, rest: float = 0.0
) -> PassDecoder:
    """The station's decoder: zxing-cpp, with zbar for a second opinion; one for each reader.

    Args:
        second_every: the second opinion on every n-th frame without any trace of a code: 1 for
            pictures, more for a live camera, 0 for never.
        budget_s: seconds after which a frame gets no second opinion; None: no limit.
        rest: how long the second opinion rests after each, as a multiple of what it took.
    """
    return PassDecoder(
        ZxingPass(), ZbarPass(), second_every=second_every, budget_s=budget_s, rest=rest
    )
