"""Finder patterns and the symbols that three of them make, also where they are blurred or small.

local threshold -> runs of 1:1:3:1:1 along rows and along columns -> where both cross
-> three that stand like the corners of a square -> traces
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from gatepost.decoding.looks import Trace
from gatepost.decoding.qr.cornering import Corner, corners_of
from gatepost.decoding.qr.crossing import Pattern, patterns_in
from gatepost.decoding.qr.timing import timed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatepost.decoding.qr.placing import Plane

MOST_TRACES = 4
_MOST_PIXELS = 700_000  # larger pictures are shrunk for the search
_MOST_TIMED = 12  # threes whose timing patterns are looked at
_WAVE = 0.68  # of timing patterns: nine in ten others have less
_UNLIKELY = 0.7  # a cost so high rules out: symbols have 0.3 at most where they are flat
_CLEARLY = 0.28  # a cost so low convinces by itself: few others have it


def find(plane: Plane) -> list[Trace]:
    """The likeliest QR codes in a picture, found by their finder patterns.

    Args:
        plane: uint8[H,W]. Dark on light; for light on dark give it inverted.

    Returns:
        At most four traces, the likeliest first. Turned by any angle; a mirrored symbol's trace
        is that of its transposed self, which has the same finder patterns.
    """
    corners = [corner for each in _looks(plane) for corner in each]
    ranked = sorted(corners, key=lambda it: it.cost)
    return [_trace(corner) for corner in _unlike(ranked)[:MOST_TRACES]]


def search(plane: Plane) -> Iterator[Trace]:
    """What `find` finds, coarse to fine: who needs but one saves the time for the rest."""
    kept: list[Corner] = []
    for corners in _looks(plane):
        known, kept = len(kept), _unlike([*kept, *corners])[:MOST_TRACES]
        yield from map(_trace, kept[known:])


def _looks(plane: Plane) -> Iterator[list[Corner]]:
    """The corners seen in the picture made smaller, then in it as it is; each likeliest first."""
    whole, times = _within(plane)
    half = _halved(whole)
    quarter = _halved(half)
    coarse = _patterns(half, quarter, 2 * times), _patterns(quarter, _halved(quarter), 4 * times)
    yield _likely(plane, coarse)
    yield _likely(plane, (_patterns(whole, half, times),))


def _within(plane: Plane) -> tuple[Plane, float]:
    """`plane` with at most `_MOST_PIXELS`, and how many times it was shrunk."""
    if plane.size <= _MOST_PIXELS:
        return plane, 1.0
    height, width = plane.shape
    times = (plane.size / _MOST_PIXELS) ** 0.5
    size = (max(1, round(width / times)), max(1, round(height / times)))
    way = cv2.INTER_LINEAR if times < 2 else cv2.INTER_AREA  # which takes five times as long
    return np.asarray(cv2.resize(plane, size, interpolation=way), np.uint8), times


def _halved(plane: Plane) -> Plane:
    even = _even(plane)
    size = (max(1, even.shape[1] // 2), max(1, even.shape[0] // 2))
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.uint8)


def _even(plane: Plane) -> Plane:
    """Without the last row or column where they are odd in number: that halves much faster."""
    height, width = plane.shape
    return plane[: height & ~1 or 1, : width & ~1 or 1]


def _patterns(plane: Plane, half: Plane, times: float) -> list[Pattern]:
    """The patterns in a picture that is so many times smaller than that which is searched."""
    return [it.scaled(times) for it in patterns_in(_even(plane), half)]


def _likely(plane: Plane, looks: Iterable[list[Pattern]]) -> list[Corner]:
    corners = [corner for patterns in looks for corner in corners_of(patterns)]
    ranked = sorted(corners, key=lambda it: it.cost)[:_MOST_TIMED]
    told = [_told(plane, it) for it in ranked if it.cost < _UNLIKELY]
    return sorted((it for it in told if it is not None), key=lambda it: it.cost)


def _told(plane: Plane, corner: Corner) -> Corner | None:
    """`corner` with what its timing patterns tell; None where neither they nor it convince."""
    wave, modules = timed(plane, corner.centres(), corner.modules)
    if wave < _WAVE and corner.cost > _CLEARLY:
        return None
    return corner._replace(cost=corner.cost + 1 - wave, modules=modules)


def _unlike(ranked: list[Corner]) -> list[Corner]:
    """Those that do not share two patterns with one before them."""
    kept: list[Corner] = []
    for corner in ranked:
        if all(_shared(corner, other) < 2 for other in kept):
            kept.append(corner)
    return kept


def _shared(one: Corner, other: Corner) -> int:
    """How many patterns both have, each within two modules."""
    gaps = np.abs(one.centres()[:, None] - other.centres()[None]).max(axis=2)
    return int((gaps.min(axis=1) < 2 * one.top_left.across).sum())


def _trace(corner: Corner) -> Trace:
    """The corners of the outer edge, three and a half modules beyond the patterns' centres."""
    places = corner.centres()
    right = (places[1] - places[0]) / (corner.modules - 7)
    below = (places[2] - places[0]) / (corner.modules - 7)
    begin = places[0] - 3.5 * (right + below)
    n = corner.modules
    one, two, three, four = (
        (round(float(x)), round(float(y)))
        for x, y in (begin, begin + n * right, begin + n * (right + below), begin + n * below)
    )
    return Trace((one, two, three, four), n)
