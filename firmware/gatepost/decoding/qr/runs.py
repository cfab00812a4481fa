"""Cross-sections of finder patterns: dark, light, dark, light, dark runs of 1:1:3:1:1."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Plane, Reals


_MOST_EDGES = 60_000  # beyond it, lines are skipped: noise has one every other pixel
_MANY = 200_000  # pixels from which every other line is enough
_LEAST_MODULE = 1.4  # pixels
_RATIOS = np.array([1, 1, 3, 1, 1], np.float32)
_SLACK = np.array([0.55, 0.55, 0.9, 0.55, 0.55], np.float32)  # by so many modules each may be off
_WINDOW = 21  # pixels of the halved picture around each from which its threshold comes
_GAIN = 4.0  # how much of the blur is undone


class Hits(NamedTuple):
    """Cross-sections that may be those of finder patterns.

    Attributes:
        line: intp[k], the rows (or columns) that they are on.
        at: float32[k], where on the line their middle is, pixels.
        module: float32[k], a seventh of their length, pixels.
    """

    line: npt.NDArray[np.intp]
    at: Reals
    module: Reals


def level_of(plane: Plane, half: Plane) -> Plane:
    """The luma below which each pixel is dark.

    A pixel is dark that is below the mean around it, once blur is undone: where
    (1 + g) p - g s < m, with s the picture blurred and m its mean in a wide window.

    Args:
        plane: uint8[H,W], H and W even.
        half: uint8[H/2,W/2], the same picture, half as large: s and m need no more.
    """
    soft = half
    for _ in range(3):  # three boxes make nearly a bell, of 3 pixels of `plane`
        soft = np.asarray(cv2.blur(soft, (3, 3)), np.uint8)
    part = slice(None, None, 4)
    noise = float(np.abs(plane[::8, ::8].astype(np.int16) - soft[part, part]).mean())
    slack = float(np.clip(3.0 * noise, 2, 12))  # so that flat grounds are light, not noise
    window = min(_WINDOW, min(half.shape) | 1)
    mean = cv2.blur(half, (window, window))
    share = 1 / (1 + _GAIN)
    level = cv2.addWeighted(soft, _GAIN * share, mean, share, 0.5 - slack * share)
    height, width = plane.shape
    return np.asarray(cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def hits_of(plane: Plane, level: Plane) -> Hits:
    """The cross-sections along the rows of `plane`.

    Args:
        plane: C-contiguous uint8[H,W].
        level: as from `level_of`.
    """
    step = 1 if plane.size < _MANY else 2
    edges = _edges(plane[::step], level[::step])
    if len(edges) > _MOST_EDGES:
        step *= 1 + len(edges) // _MOST_EDGES
        edges = _edges(plane[::step], level[::step])
    width = plane.shape[1]
    first, line = _likely(edges, width)
    before = edges[first[:, None] + np.arange(6)] - (line * width)[:, None]
    return _matching(plane, level, line * step, before)


def _edges(plane: Plane, level: Plane) -> npt.NDArray[np.intp]:
    """The flat positions of the pixels that differ from the next one in their row."""
    dark = plane < level
    dark[:, 0] = False  # so that edges of a row come in pairs
    dark[:, -1] = False
    flat = dark.ravel()
    return np.flatnonzero(flat[1:] != flat[:-1])


def _likely(
    edges: npt.NDArray[np.intp], width: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first edges of what fits by whole pixels, and their lines.

    Edges come in pairs, dark from each even one on: three dark runs are six edges.
    """
    runs = np.diff(edges).astype(np.int32)
    first = np.arange(0, max(len(edges) - 5, 0), 2)
    core = runs[2::2][: len(first)]
    rings = runs[0::2][: len(first)], runs[4::2][: len(first)]
    fits = (core > 2) & (rings[0] < core) & (rings[1] < core)
    first = first[fits]
    span = edges[first + 5] - edges[first]
    fits = (span > 7 * _LEAST_MODULE) & (np.abs(7 * runs[first + 2] - 3 * span) < 0.9 * span + 7)
    first, span = first[fits], span[fits]
    for place in (1, 3):
        fits = np.abs(7 * runs[first + place] - span) < 0.55 * span + 7
        first, span = first[fits], span[fits]
    line = edges[first] // width
    fits = edges[first + 5] // width == line
    return first[fits], line[fits]


def _matching(
    plane: Plane, level: Plane, line: npt.NDArray[np.intp], before: npt.NDArray[np.intp]
) -> Hits:
    """What fits of the candidates with the edges `before`, intp[k,6]: the pixels before them."""
    at = _sharply(plane, level, line[:, None], before)
    module = (at[:, 5] - at[:, 0]) / np.float32(7)
    off = np.abs(np.diff(at, axis=1) / module[:, None] - _RATIOS)
    fits = (module > _LEAST_MODULE) & (off < _SLACK).all(axis=1)
    at, module = at[fits], module[fits]
    return Hits(line[fits], np.asarray((at[:, 2] + at[:, 3]) / 2, np.float32), module)


def _sharply(
    plane: Plane, level: Plane, line: npt.NDArray[np.intp], before: npt.NDArray[np.intp]
) -> Reals:
    """Where between two pixels the line crosses the level, pixels."""
    here, there = (
        plane[line, at].astype(np.float32) - level[line, at] + np.float32(0.5)
        for at in (before, before + 1)
    )
    gap = here - there
    share = np.where(np.abs(gap) > 0.1, here / np.where(gap == 0, 1, gap), np.float32(0.5))
    return np.asarray(before + np.clip(share, 0, 1), np.float32)
