"""Passes that see what they are told, in the time that they are told, on a clock of the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.decoding.catalogue import Passes
from gatepost.decoding.limits import Limit
from gatepost.decoding.looks import Look, Pass
from gatepost.decoding.zbar_pass import ZbarPass
from gatepost.model import Symbol
from unit.pictures import Luma, ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

FROZEN = ManualClock(0.0)


def symbol(data: bytes, way: str = "test") -> Symbol:
    return Symbol(data, data.decode(), "qr", ((0, 0), (9, 0), (9, 9), (0, 9)), way)


def reads(data: bytes) -> Look:
    return Look((symbol(data),))


class Scripted:
    """A pass that sees what `look` is (or gives for the plane), or raises where it is None.

    It takes `slow` times what `ns_per_pixel` says, on `clock`.
    """

    def __init__(
        self,
        name: str,
        look: Look | Callable[[Luma], Look] | None,
        *,
        ns_per_pixel: float = 1e-6,
        slow: float = 1.0,
        clock: ManualClock = FROZEN,
    ) -> None:
        self.name = name
        self.ns_per_pixel = ns_per_pixel
        self.slow = slow
        self.planes: list[tuple[int, ...]] = []
        self._look = look
        self._clock = clock

    def look(self, plane: Luma) -> Look:
        self.planes.append(plane.shape)
        assert plane.flags.c_contiguous
        self._clock.now += self.slow * self.ns_per_pixel * plane.size / 1e9
        if self._look is None:
            raise RuntimeError("foreign trouble")
        return self._look(plane) if callable(self._look) else self._look


def passes(first: Pass, *deeper: Pass) -> Passes:
    return Passes(first, deeper, ZbarPass(), Limit())
