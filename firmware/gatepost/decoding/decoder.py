"""A picture that stands alone: pass after pass until one reads something."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gatepost.decoding.catalogue import Passes, for_stills
from gatepost.decoding.guard import Guarded, merged
from gatepost.decoding.planes import as_plane, look_back, within
from gatepost.decoding.symbologies import DEFAULT
from gatepost.model import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gatepost.decoding.looks import Look, Pass
    from gatepost.decoding.planes import Plane
    from gatepost.model import Frame, Symbol

MOST_PIXELS = 25_000_000


class PassDecoder(Guarded):
    """A Decoder for pictures that have nothing to do with each other.

    No further pass is begun once `budget_s` seconds went by in this picture; one that has begun
    is not interrupted. For one thread; `with` ends what it started.

    Attributes:
        view: the passes that were tried on the last picture.
    """

    def __init__(
        self,
        passes: Passes,
        *,
        budget_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(passes)
        self._budget_s = budget_s
        self._clock = clock

    def decode(self, frame: Frame) -> Sequence[Symbol]:
        """Every code that was read in `frame`, each once; raises nothing."""
        begun = self._clock()
        self.view = View()
        plane = self._guard.run("frame", lambda: as_plane(frame.luma))
        if plane is None:
            return ()
        tried: list[str] = []
        look = None
        for way in (self._passes.first, *self._passes.deeper):
            if tried and self._spent(begun):
                break
            tried.append(way.name)
            look = self._look(way, plane)
            if look is not None and look.symbols:
                break
        self.view = View(brightness=float(plane[::8, ::8].mean()), passes=tuple(tried))
        return merged(look.symbols) if look is not None else ()

    def _spent(self, begun: float) -> bool:
        return self._budget_s is not None and self._clock() - begun >= self._budget_s

    def _look(self, way: Pass, plane: Plane) -> Look | None:
        def work() -> Look:
            small = within(plane, MOST_PIXELS)
            return look_back(way.look(small), small, plane)

        return self._guard.run(way.name, work)


def build_decoder(
    budget_s: float | None = None, symbologies: Iterable[str] = DEFAULT
) -> PassDecoder:
    """A decoder for single pictures.

    Args:
        budget_s: seconds after which a picture gets no further pass; None: no limit.
        symbologies: what it reads, by the names in the configuration.
    """
    return PassDecoder(for_stills(symbologies), budget_s=budget_s)
