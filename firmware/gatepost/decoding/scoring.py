"""How well a frame shows a code: focus, light and distance, for whoever mounts the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import cv2
import numpy as np

from gatepost.decoding.coaching import Seen, judge
from gatepost.decoding.looks import Trace
from gatepost.decoding.planes import as_plane, box_around, cut
from gatepost.decoding.regions import code_like
from gatepost.model import Hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from gatepost.decoding.planes import Plane
    from gatepost.model import Corners, Frame, Symbol

Light: TypeAlias = Literal["dark", "ok", "bright", "glare"]
Distance: TypeAlias = Literal["far", "ok", "near", "none"]

# Rendered codes of 29 to 77 modules a side, modules of 3 to 6 pixels, 12 each; zxing-cpp alone:
#   blur, sigma in modules   0.2   0.3   0.35  0.4   0.45  0.5
#   width of an edge         0.5   0.7   0.8   0.9   0.95  1.0   modules
#   read                     all   all   92 %  86 %  47 %  6 %
#   focus                    89    72    64    57    50    44
# At a blur of 0.05 modules an edge is up to 0.4 wide, which is a pixel.
_SHARP, _LOST = 0.4, 1.4
_USUAL_MODULE = 4.0  # pixels: taken where it is not known
_UNREAD_MOST = 50  # of 100: nothing read is never well in focus
_EDGES = 99.0  # percentile of the changes: a code's straight edges, without its hot pixels
# Luma. Below such a white or contrast, noise is a tenth of it and more at usual gains.
_DARK_WHITE, _DARK_CONTRAST = 80, 40
_BLOWN_LUMA = 250
_BLOWN = 0.3  # of a code's box: half of it is white, so that most of its white is at the end
_FAR_MODULE = 3.0  # pixels: below 2 nothing is read, over 5 nearly all (see coaching)
_NEAR_SIDE = 0.75  # of the picture's lower side: a hand that shakes holds it out of the picture
_PATCH = 512  # pixels a side of a code laid flat: 2.9 for each module of the largest
_SIDES = range(21, 178, 4)  # modules a side: ISO/IEC 18004
_GUESSES = 8  # of the sides that fit its edges best


class Score(NamedTuple):
    """How well a frame shows the code in it.

    Attributes:
        focus: 0 to 100, from the width of the code's edges in modules; up to 50 where none was
            read. As in the table above: at 72 all was read, at 60 nine frames of ten.
        light: "dark" and "bright": the camera exposes too little or too much; "glare": a lamp's
            reflection hides a part of the code.
        distance: "far" and "near": hold it nearer, farther; "none": no code is seen.
        module_px: size of the code's squares, pixels of the frame; 0: unknown.
    """

    focus: int
    light: Light
    distance: Distance
    module_px: float


def score(frame: Frame, symbols: Sequence[Symbol]) -> Score:
    """The score of `frame`, in which `symbols` were read. Pure.

    The largest of several codes counts. On a PC it took 7 ms for a code of 250 pixels, 16 ms for
    one of 550 and 73 ms for one that fills the picture.
    """
    plane = as_plane(frame.luma)
    if plane is None:
        return Score(0, "dark", "none", 0.0)
    if not symbols:
        return _unread(plane)
    corners = max((symbol.corners for symbol in symbols), key=_side)
    return _read(plane, corners)


def _read(plane: Plane, corners: Corners) -> Score:
    side = _side(corners)
    modules = _modules(plane, corners)
    module_px = side / modules if modules else 0.0
    box = box_around(corners, 0.0, plane.shape)
    part = cut(plane, box)
    if not part.size:
        return _unread(plane)
    focus = _focus(part, module_px) if modules else min(_UNREAD_MOST, _focus(part, _USUAL_MODULE))
    hint = judge(Seen(plane, box, (Trace(corners, modules),), occupied=True))
    near = side > _NEAR_SIDE * min(plane.shape)
    distance: Distance = "near" if near else "far" if 0 < module_px < _FAR_MODULE else "ok"
    return Score(focus, _light(part, hint), distance, round(module_px, 1))


def _unread(plane: Plane) -> Score:
    box = code_like(plane)
    part = plane if box is None else cut(plane, box)
    hint = judge(Seen(plane, box, brightness=float(plane.mean()), occupied=True))
    distance: Distance = "none"
    if box is not None and hint in {Hint.TOO_FAR, Hint.TOO_NEAR}:
        distance = "far" if hint is Hint.TOO_FAR else "near"
    focus = 0 if box is None else min(_UNREAD_MOST, _focus(part, _USUAL_MODULE))
    return Score(focus, _light(part, hint), distance, 0.0)


def _side(corners: Corners) -> float:
    """The mean of a code's four sides, pixels."""
    ends = np.array(corners, np.float64)
    return float(np.linalg.norm(ends - np.roll(ends, 1, axis=0), axis=1).mean())


def _focus(part: Plane, module_px: float) -> int:
    """From how wide its edges are: contrast to the steepest change from pixel to pixel."""
    ink, white = np.percentile(part, (5, 95))
    luma = part.astype(np.float32)
    across, down = luma[:-1, 1:] - luma[:-1, :-1], luma[1:, :-1] - luma[:-1, :-1]
    steepest = float(np.percentile(np.hypot(across, down), _EDGES))
    if white - ink < 1 or steepest <= 0:
        return 0
    width = float(white - ink) / steepest / module_px
    return round(100 * float(np.clip((_LOST - width) / (_LOST - _SHARP), 0, 1)))


def _light(part: Plane, hint: Hint | None) -> Light:
    ink, white = np.percentile(part, (5, 95))
    if hint is Hint.TOO_DARK or white < _DARK_WHITE or white - ink < _DARK_CONTRAST:
        return "dark"
    if hint is Hint.GLARE:
        return "glare"
    return "bright" if float((part >= _BLOWN_LUMA).mean()) > _BLOWN else "ok"


def _modules(plane: Plane, corners: Corners) -> int:
    """How many modules a side a QR code has; 0: no telling.

    Its edges lie on so many lines, or, where blur has taken the single modules, on half as many;
    its finder patterns are seven of them wide.
    """
    flat = np.array([(0, 0), (_PATCH, 0), (_PATCH, _PATCH), (0, _PATCH)], np.float32)
    turn = cv2.getPerspectiveTransform(np.array(corners, np.float32), flat)
    patch = cv2.warpPerspective(plane, turn, (_PATCH, _PATCH)).astype(np.float32)
    strength = np.zeros(_PATCH // 2 + 1)
    for axis in (0, 1):
        changes = np.abs(np.diff(patch, axis=axis)).mean(axis=1 - axis)
        strength += np.abs(np.fft.rfft(changes - changes.mean(), _PATCH))
    found = {side: float(strength[side - 1 : side + 2].max()) for side in _SIDES}
    for side in sorted(found, key=lambda side: -found[side])[:_GUESSES]:
        if _framed(patch, side):
            return side
    return 0


def _framed(patch: npt.NDArray[np.float32], side: int) -> bool:
    """Whether the outer bars of the finder patterns are seven of `side` modules long."""
    module = _PATCH / side
    middle = float(np.percentile(patch, (10, 90)).mean())
    rows = slice(int(0.3 * module), max(int(0.3 * module) + 1, int(0.8 * module)))
    bar, gap = (slice(int(a * module), int(b * module)) for a, b in ((3.6, 6.6), (7.1, 7.9)))
    turned = [np.rot90(patch, quarters) for quarters in range(4)]
    edges = [each[rows] for both in turned for each in (both, both.T)]
    dark = np.median([float(edge[:, bar].max(axis=1).mean()) for edge in edges])
    light = np.median([float(edge[:, gap].mean()) for edge in edges])
    return bool(dark < middle < light)
