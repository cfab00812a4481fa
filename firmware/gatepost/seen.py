"""What a camera gives and a decoder sees; a part of the model, and imported from there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # a central server has no numpy
    import numpy as np
    import numpy.typing as npt


class Hint(StrEnum):
    """Why a code before the camera is not read, and so what its visitor may do about it."""

    TOO_FAR = "too-far"
    TOO_NEAR = "too-near"
    TOO_DARK = "too-dark"
    GLARE = "glare"
    MOVING = "moving"
    CUT_OFF = "cut-off"
    NO_CODE = "no-code"


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture: `luma` uint8[H,W] (the Y plane as the camera gives it), taken at `taken` s."""

    luma: npt.NDArray[np.uint8]
    taken: float


Corners: TypeAlias = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A code found in a picture.

    Attributes:
        data: the bytes that it holds; `text`: the same, as UTF-8 or what the symbol declares.
        corners: top left, top right, bottom right, bottom left as (x, y) in pixels of the frame.
        pass_name: the pass that read it.
        taken: when the frame was taken that it was read in, where that is not the one at hand: a
            deep pass ends some frames later.
    """

    data: bytes
    text: str
    symbology: str
    corners: Corners
    pass_name: str
    taken: float | None = None


Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom in pixels; the ends are out


@dataclass(frozen=True, slots=True)
class View:
    """What a decoder saw in one frame beside the codes.

    Attributes:
        brightness: mean luma, 0 to 255.
        moving: how much changed since the frame before, mean luma steps at low resolution.
        region: where something code-like is, or None.
        hint: why nothing was read, or None where something was, or where nobody is.
        passes: the passes that were tried on this frame, in order.
    """

    brightness: float = 0.0
    moving: float = 0.0
    region: Box | None = None
    hint: Hint | None = None
    passes: tuple[str, ...] = ()
