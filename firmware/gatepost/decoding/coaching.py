"""Why a code before the camera is not read: one judgement a frame, for the visitor.

It runs only on frames in which nothing was read, so it asks what would help most, not what is
true in general. The thresholds were set on rendered clips in which one thing at a time is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from gatepost.decoding.gradients import tensor_of
from gatepost.model import Hint

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.looks import Trace
    from gatepost.model import Box

_EDGE = 3  # pixels from the picture's edge at which something touches it
_MARGIN = 32  # pixels by which the density of a code fades towards the edge that cuts it
_FULL = 0.6  # of the picture: a region that fills more leaves no room for a whole code
_NIGHT = 10.0  # mean luma of a picture in which no code would be found, were it there
_DARK_WHITE, _DARK_CONTRAST = 64, 16  # white of paper or screen; ink to white, luma steps
_SMEARED = 0.5  # weakest to strongest direction of change: codes have 0.6 or more, words too
_STEP_PX = 6.0  # from frame to frame: with half of it smeared, it is a module or more
# `grain` of codes: 1.8 to 2.5 where they are sharp, with modules of 4 to 8 pixels; 3 and more
# with modules of 15; 4 and more where they are blurred.
_COARSE_PX, _BLURRED_PX = 2.8, 3.7
_LARGE = 160  # pixels: a coarse code that is smaller is not too near
_FAR_MODULE = 2.8  # pixels: below 2 nothing was read, over 5 nearly all
_FAR_SIDE = 130  # pixels: a citizen card's code, 45 to 57 modules, is below _FAR_MODULE then
_SMALL_SIDE = 200  # pixels: modules of 4 to 6 pixels, the least that is read with ease
_SQUARE = 1.4  # longer to shorter side, at most, of a code that is turned and tipped
_DENSE = 0.7  # of a code's tiles hold both ink and white, under glare too; of words, fewer
_FULLY_DENSE = 0.9  # of the tiles of a code, where nothing is over it
_BLOWN = 0.04  # of a code's tiles, without any ink and with ink on both sides
_RAMP = 0.3  # of the contrast: by how much the ink grows lighter across a code
_RAMP_SIDE = 80  # pixels: of what is smaller, a tile holds too little to tell ink from grey
_FITS = 0.35  # of the ink's variance: a ramp, not crumples or noise
_TILES = 12  # a side of the map of light and ink: two to five modules each
_WINDOW = 128  # pixels a side that are looked at closely: 25 modules of a code held well
_MANY_ROWS = 400  # of a region: every second one tells as much
_CELL = 8  # pixels: one step of the map of what is code-like


@dataclass(frozen=True, slots=True)
class Seen:
    """What there was in one frame.

    Attributes:
        plane: the frame, uint8[H,W].
        region: where something code-like is, or None.
        traces: QR codes that were found and not read, in pixels of `plane`.
        brightness: mean luma of the frame, 0 to 255.
        shift: by how many pixels the region moved since the frame before; 0: unknown.
        occupied: whether somebody is there: the scene differs from the empty one, or it moves.
        read: whether anything was read.
    """

    plane: npt.NDArray[np.uint8]
    region: Box | None = None
    traces: tuple[Trace, ...] = ()
    brightness: float = 0.0
    shift: float = 0.0
    occupied: bool = False
    read: bool = False


class _Texture(NamedTuple):
    """How the densest part of a region is drawn.

    Attributes:
        core: where the part is that is as dense as a code all over, in pixels of the frame.
        white, contrast: luma of its light parts; how much darker its dark ones are.
        grain: over how many pixels it changes by its own standard deviation.
        evenness: change across the direction of least change, as a share of that of the most.
    """

    core: Box
    white: int
    contrast: int
    grain: float
    evenness: float


def judge(seen: Seen) -> Hint | None:
    """Why nothing was read in `seen`; None where something was, nobody is there, or who knows.

    Pure; `seen.plane` stays as it is. About 0.7 ms for a region of 300x300 pixels.
    """
    if seen.read or not seen.occupied:
        return None
    trace = seen.traces[0] if seen.traces else None
    region = _clipped(_hull(trace), seen.plane.shape) if trace else seen.region
    if region is None or _least_side(region) < 2 * _CELL:
        return Hint.TOO_DARK if seen.brightness < _NIGHT else Hint.NO_CODE
    texture = _texture(seen.plane, region)
    if texture.white < _DARK_WHITE or texture.contrast < _DARK_CONTRAST:
        return Hint.TOO_DARK
    hint = _placed(seen.plane.shape, region, texture) or _smeared(seen, region, texture)
    if hint is not None:
        return hint
    return _traced(seen.plane, trace, texture) if trace else _untraced(seen.plane, texture)


def _hull(trace: Trace) -> Box:
    xs, ys = zip(*trace.corners, strict=True)
    return (min(xs), min(ys), max(xs), max(ys))


def _placed(shape: tuple[int, ...], region: Box, texture: _Texture) -> Hint | None:
    """Whether the picture's edge cuts what is held: too near, or only too far to a side."""
    height, width = shape
    core = texture.core
    left = region[0] <= _EDGE and core[0] <= _MARGIN
    top = region[1] <= _EDGE and core[1] <= _MARGIN
    right = region[2] >= width - _EDGE and core[2] >= width - _MARGIN
    bottom = region[3] >= height - _EDGE and core[3] >= height - _MARGIN
    if (left and right) or (top and bottom):
        return Hint.TOO_NEAR
    coarse = texture.grain > _COARSE_PX and texture.evenness > _SMEARED
    if coarse and _area(region) > _FULL * height * width:
        return Hint.TOO_NEAR
    if left or top or right or bottom:
        return Hint.TOO_NEAR if coarse else Hint.CUT_OFF
    return None


def _least_side(box: Box) -> int:
    return min(box[2] - box[0], box[3] - box[1])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _smeared(seen: Seen, region: Box, texture: _Texture) -> Hint | None:
    """Whether the hand blurs it, or the lens, which cannot go so near."""
    if texture.evenness < _SMEARED:
        return Hint.MOVING
    coarse, core = texture.grain > _COARSE_PX, texture.core
    if coarse and _least_side(region) >= 2 * _LARGE:
        return Hint.TOO_NEAR
    if coarse and seen.shift >= _STEP_PX:
        return Hint.MOVING
    large = max(core[2] - core[0], core[3] - core[1]) >= _LARGE
    return Hint.TOO_NEAR if texture.grain > _BLURRED_PX and large else None


def _traced(plane: npt.NDArray[np.uint8], trace: Trace, texture: _Texture) -> Hint | None:
    """For a code that was located: its size is known."""
    (ax, ay), (bx, by), (cx, cy), _ = trace.corners
    side = min(float(np.hypot(ax - bx, ay - by)), float(np.hypot(bx - cx, by - cy)))
    if side < (_FAR_MODULE * trace.modules or _FAR_SIDE):
        return Hint.TOO_FAR
    light = _light(plane, _clipped(_hull(trace), plane.shape), texture)
    return Hint.GLARE if light.blown > _BLOWN or light.ramp > _RAMP else None


def _untraced(plane: npt.NDArray[np.uint8], texture: _Texture) -> Hint | None:
    """For what may be a code: one that is sharp, large and well lit would have been located."""
    wide, high = texture.core[2] - texture.core[0], texture.core[3] - texture.core[1]
    light = _light(plane, texture.core, texture)
    if light.ramp > _RAMP and light.dense > _DENSE and max(wide, high) >= _RAMP_SIDE:
        return Hint.GLARE
    if max(wide, high) < _FAR_SIDE:
        return Hint.TOO_FAR
    side = min(wide, high)
    if max(wide, high) > _SQUARE * side:
        return Hint.NO_CODE
    if side < _FAR_SIDE:
        return Hint.TOO_FAR
    if light.dense < _FULLY_DENSE:
        return Hint.NO_CODE
    # A code without anything wrong that we know: larger is always easier.
    return Hint.TOO_FAR if side < _SMALL_SIDE else None


def _clipped(box: Box, shape: tuple[int, ...]) -> Box:
    return max(0, box[0]), max(0, box[1]), min(shape[1], box[2]), min(shape[0], box[3])


def _cut(plane: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    return plane[box[1] : box[3], box[0] : box[2]]


def _texture(plane: npt.NDArray[np.uint8], region: Box) -> _Texture:
    core, middle = _densest(plane, region)
    half = _WINDOW // 2
    near = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    window = _cut(plane, _clipped(near, plane.shape))
    ink, white = (int(level) for level in np.percentile(window[::2, ::2], (5, 95)))
    grain, evenness = _grain(window)
    return _Texture(core, white, white - ink, grain, evenness)


def _densest(plane: npt.NDArray[np.uint8], region: Box) -> tuple[Box, tuple[int, int]]:
    """The part that changes both across and down wherever one looks, and its densest point.

    Words and edges change in one direction at a time; a code in both, all over.
    """
    part = _cut(plane, region)
    wide, high = ((side - 2) // _CELL for side in reversed(part.shape))
    skip = 1 if high * _CELL < _MANY_ROWS else 2
    whole = part[: high * _CELL + 2, : wide * _CELL + 2]
    # Two pixels apart: noise counts the same, a code's own changes up to twice.
    across = cv2.absdiff(whole[:-2:skip, 2:], whole[:-2:skip, :-2])
    down = cv2.absdiff(whole[2::skip, :-2], whole[:-2:skip, :-2])
    size = (wide, high)
    cells = [cv2.resize(change, size, interpolation=cv2.INTER_AREA) for change in (across, down)]
    dense = cv2.blur(cv2.min(*cells).astype(np.float32), (5, 5), borderType=cv2.BORDER_CONSTANT)
    _, most, _, (x, y) = cv2.minMaxLoc(dense)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats((dense > most / 2).astype(np.uint8))
    left, top, across_cells, down_cells, _ = (int(value) for value in boxes[labels[y, x]])
    at_x, at_y = region[0] + left * _CELL, region[1] + top * _CELL
    core = (at_x, at_y, at_x + across_cells * _CELL, at_y + down_cells * _CELL)
    half = _CELL // 2
    return core, (region[0] + x * _CELL + half, region[1] + y * _CELL + half)


def _grain(window: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """How far it is from dark to light, pixels, and how alike that is in all directions.

    From the structure tensor. The window is smoothed a little, against noise, and its slow
    changes of light are taken off.
    """
    smooth = cv2.GaussianBlur(window, (0, 0), 0.8).astype(np.float32)
    flat = smooth - cv2.blur(smooth, (33, 33))
    tensor = tensor_of(smooth)
    change = tensor.xx + tensor.yy
    if change <= 0:
        return float("inf"), 1.0
    return float((flat.std() ** 2 / change) ** 0.5), tensor.evenness


class _Light(NamedTuple):
    """How light and ink lie over a part, in shares of its tiles, or of the contrast.

    Attributes:
        dense: tiles with both ink and white.
        blown: tiles without ink, with ink on both sides: a lamp's image over a code.
        ramp: by how much the ink grows lighter from one side to the other: its halo.
    """

    dense: float
    blown: float
    ramp: float


def _light(plane: npt.NDArray[np.uint8], box: Box, texture: _Texture) -> _Light:
    part = _cut(plane, box)
    skip = 1 + min(part.shape) // (_TILES * _CELL * 3)  # of a large code, every second pixel
    part = part[::skip, ::skip]
    high, wide = part.shape[0] // _TILES, part.shape[1] // _TILES
    if min(high, wide) < 2:
        return _Light(1.0, 0.0, 0.0)
    tile = np.ones((high, wide), np.uint8)
    ink, white = (_sampled(shape(part, tile), high, wide) for shape in (cv2.erode, cv2.dilate))
    dark = ink < texture.white - texture.contrast / 2
    blank = ink > texture.white - texture.contrast / 4
    blown = blank & (_between(dark) | _between(dark.T).T)
    dense = white - ink > 0.35 * texture.contrast
    return _Light(float(dense.mean()), float(blown.mean()), _ramp(ink, dense) / texture.contrast)


def _sampled(plane: cv2.typing.MatLike, high: int, wide: int) -> npt.NDArray[np.float64]:
    """The middle of each tile, float64[_TILES,_TILES]."""
    rows = plane[high // 2 :: high, wide // 2 :: wide]
    return np.asarray(rows[:_TILES, :_TILES], np.float64)


def _ramp(ink: npt.NDArray[np.float64], dense: npt.NDArray[np.bool_]) -> float:
    """By how many luma steps a plane through `ink` rises, where it explains a third of it."""
    if dense.sum() < 2 * _TILES:
        return 0.0
    places = np.argwhere(dense) / (_TILES - 1) - 0.5
    values = ink[dense]
    terms = np.column_stack([places, np.ones(len(places))])
    weights = np.linalg.pinv(terms.T @ terms) @ (terms.T @ values)
    explained = float((terms @ weights).var()) / max(float(values.var()), 1e-9)
    return float(np.abs(weights[:2]).max()) if explained > _FITS else 0.0


def _between(dark: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where a row has something dark both before and behind."""
    before = np.logical_or.accumulate(dark, axis=1)
    behind = np.logical_or.accumulate(dark[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(before & behind & ~dark)
