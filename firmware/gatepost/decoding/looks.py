"""What a pass sees in a picture, and how a pass is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gatepost.model import Corners, Symbol


class Trace(NamedTuple):
    """A QR code that was found and not read.

    Attributes:
        corners: of its outer edge: top left, top right, bottom right, bottom left as (x, y) in
            pixels of the plane; a guess where the code is damaged.
        modules: its modules a side, 21 to 177 in steps of 4, as guessed; 0: unknown.
    """

    corners: Corners
    modules: int = 0


class Look(NamedTuple):
    """What one pass saw: what it read, and what it found and could not read."""

    symbols: tuple[Symbol, ...] = ()
    traces: tuple[Trace, ...] = ()


class Pass(Protocol):
    """One way to look at a picture. It wraps foreign code: it may raise anything.

    Attributes:
        name: the same in every report.
        ns_per_pixel: what it takes at worst (noise) on the machine of the benches, nanoseconds for
            each pixel of the plane that is given.
    """

    name: str
    ns_per_pixel: float

    def look(self, plane: npt.NDArray[np.uint8]) -> Look:
        """Look at `plane`, C-contiguous uint8[H,W] with at least 11 pixels a side."""
