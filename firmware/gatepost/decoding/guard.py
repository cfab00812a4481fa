"""Foreign code fails: it is counted and told, and the station goes on."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import cv2

from gatepost.model import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from gatepost.decoding.catalogue import Passes
    from gatepost.model import Symbol

_log = logging.getLogger(__name__)
# What zxing-cpp (nanobind), zbar (its process), NumPy and OpenCV raise on a picture that they
# cannot take.
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


class Guard:
    """Runs what may raise.

    Attributes:
        failures: how often each part raised, by its name.
    """

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()

    def run(self, what: str, work: Callable[[], Outcome]) -> Outcome | None:
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


class Guarded:
    """What decoders have in common: passes, which `with` closes, and a guard around them.

    Attributes:
        view: what the last picture looked like beside its codes.
    """

    def __init__(self, passes: Passes) -> None:
        self.view = View()
        self._passes = passes
        self._guard = Guard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._passes.zbar.close()

    @property
    def failures(self) -> Counter[str]:
        """How often each pass raised, by its name; "frame": what was no picture."""
        return self._guard.failures


def merged(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """`symbols` without those that say again what one before them said."""
    unlike: dict[tuple[str, bytes], Symbol] = {}
    for symbol in symbols:
        unlike.setdefault((symbol.symbology, symbol.data), symbol)
    return tuple(unlike.values())
