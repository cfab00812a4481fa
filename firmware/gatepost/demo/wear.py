"""What use does to a carrier: broken glass, bent and creased paper, uneven laminate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.demo.carriers import Drawn, Pixels
    from gatepost.demo.troubles import Trouble

CREASE = 9.0  # modules from one crease to the next
BLACK, WHITE = 12, 240  # of a phone's screen at full brightness
GLASS = 14  # what a screen mirrors of the hall, however dark it is


def crack(drawn: Drawn, rng: np.random.Generator) -> None:
    """Break the glass over `drawn`: light lines from a point near the code, in place."""
    reach = drawn.centre[0] * 0.8
    start = np.array(drawn.centre) + rng.uniform(-0.2, 0.2, 2) * reach
    for angle in np.arange(7) * 0.9 + rng.uniform(0, 0.6, 7):
        turns = angle + rng.uniform(-0.25, 0.25, 6)
        steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * reach / 6
        path = np.vstack([start, start + np.cumsum(steps, axis=0)]).astype(np.int32)
        line = np.zeros(drawn.luma.shape, np.uint8)
        cv2.polylines(line, [path], isClosed=False, color=150, lineType=cv2.LINE_AA)
        drawn.luma[:] = cv2.min(cv2.add(drawn.luma, line), drawn.opacity)


def soften(drawn: Drawn, share: float) -> None:
    """Blur `drawn` by `share` of a module (sigma), in place: once, not with every frame."""
    if share > 0:
        for plane in (drawn.luma, drawn.opacity):
            plane[:] = cv2.GaussianBlur(plane, (0, 0), share * drawn.module)


def screen_curve(*, dark: bool, brightness: float) -> Pixels:
    """Give what each luma of a screen becomes, uint8[256]: in dark mode, with its light down."""
    lit = np.arange(256, dtype=np.float64)
    if dark:
        lit = BLACK + (255 - lit) * (WHITE - BLACK) / 255
    return np.clip(lit * brightness + GLASS, 0, 255).astype(np.uint8)


def worn(drawn: Drawn, trouble: Trouble, rng: np.random.Generator) -> Drawn:
    """Give `drawn` as `trouble` makes it; itself where nothing changes its surface."""
    for _ in range(trouble.cracks):
        shatter(drawn, rng)
    if trouble.bend_deg:
        drawn = bent(drawn, trouble.bend_deg, rng)
    if trouble.crumple:
        drawn = crumpled(drawn, trouble.crumple, rng)
    if trouble.film:
        _laminate(drawn, trouble.film, rng)
    return drawn


def streak(plane: cv2.typing.MatLike, way: tuple[float, float]) -> cv2.typing.MatLike:
    """Blur `plane` along `way` (x, y), pixels: what moved while the shutter was open."""
    reach = int(max(map(abs, way))) // 2 + 1
    if reach < 2:
        return plane
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    first, last = ((round(reach + s * way[0] / 2), round(reach + s * way[1] / 2)) for s in (-1, 1))
    cv2.line(kernel, first, last, 1.0)
    return cv2.filter2D(plane, -1, kernel / kernel.sum())


def shatter(drawn: Drawn, rng: np.random.Generator) -> None:
    """Break the glass where something hit it: rays, rings, splinters that mirror, in place."""
    reach = drawn.centre[0] * 0.7
    hit = np.array(drawn.centre) + rng.uniform(-0.45, 0.45, 2) * reach
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(9, 14))))
    steps = np.linspace(0, 1, 9) ** 1.4
    wobble = rng.uniform(-0.12, 0.12, (len(angles), len(steps)))
    turns = angles[:, None] + wobble
    rays = hit + np.stack([np.cos(turns), np.sin(turns)], axis=2) * (steps * reach)[:, None]
    sheet = np.zeros(drawn.luma.shape, np.uint8)
    wide = max(1, drawn.module // 3)
    cv2.polylines(sheet, list(rays.astype(np.int32)), False, 170, wide, cv2.LINE_AA)
    for ring in (2, 3, 5):
        cv2.polylines(sheet, [rays[:, ring].astype(np.int32)], True, 120, wide, cv2.LINE_AA)
    for first, second in pairwise(rays):
        if rng.uniform() < 0.3:
            splinter = np.array([hit, first[3], second[3]]).astype(np.int32)
            cv2.fillPoly(sheet, [splinter], int(rng.integers(30, 90)))
    drawn.luma[:] = cv2.min(cv2.add(drawn.luma, sheet), drawn.opacity)


def bent(drawn: Drawn, degrees: float, rng: np.random.Generator) -> Drawn:
    """Bend a sheet round an upright cylinder, seen from a little above: lines become arcs."""
    height, width = drawn.luma.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    half = np.radians(degrees) / 2
    reach = width * 0.36  # from the middle to where the paper ends, in flat pixels
    radius = reach / half
    side = (x - drawn.centre[0]) / radius
    angle = np.arcsin(np.clip(side, -0.999, 0.999))
    depth = radius * (1 - np.cos(angle))
    tilt = float(rng.choice((-1, 1)) * rng.uniform(0.15, 0.3))
    flat_x, flat_y = drawn.centre[0] + radius * angle, y - depth * tilt
    flat_x[np.abs(side) >= 0.999] = -width  # past the edge there is nothing
    light = np.cos(angle + float(rng.uniform(-0.4, 0.4)))
    return _moved(drawn, flat_x, flat_y, np.clip(0.35 + 0.65 * light, 0.2, 1))


def crumpled(drawn: Drawn, depth: float, rng: np.random.Generator) -> Drawn:
    """Crease a sheet all over: its points move by up to `depth` modules, facets are shaded."""
    height, width = drawn.luma.shape
    step = CREASE * drawn.module
    grid = (int(height / step) + 3, int(width / step) + 3)
    size = (width, height)

    def relief(low: float, high: float) -> npt.NDArray[np.float32]:
        rough = rng.uniform(low, high, grid).astype(np.float32)
        return np.asarray(cv2.resize(rough, size, interpolation=cv2.INTER_LINEAR), np.float32)

    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    most = depth * drawn.module
    light = relief(0.5, 1.15) + relief(-0.1, 0.1)
    flat_x, flat_y = x + relief(-most, most), y + relief(-most, most)
    return _moved(drawn, flat_x, flat_y, np.clip(light, 0.3, 1))


def _moved(
    drawn: Drawn,
    flat_x: npt.NDArray[np.float32],
    flat_y: npt.NDArray[np.float32],
    light: npt.NDArray[np.float32],
) -> Drawn:
    """Take every point of `drawn` from where it was in the flat sheet, and shade it."""
    across, down = flat_x.astype(np.float32), flat_y.astype(np.float32)
    luma = cv2.remap(drawn.luma, across, down, cv2.INTER_LINEAR)
    opacity = np.asarray(cv2.remap(drawn.opacity, across, down, cv2.INTER_LINEAR), np.uint8)
    return replace(drawn, luma=(luma * light).astype(np.uint8), opacity=opacity)


def _laminate(drawn: Drawn, film: float, rng: np.random.Generator) -> None:
    """Lay an uneven film over `drawn` that mirrors the hall in patches and streaks, in place."""
    height, width = drawn.luma.shape
    rough = rng.standard_normal((14, 11)).astype(np.float32)
    waves = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    veil = np.clip(waves, 0, 1.6) / 1.6
    streaks = np.clip(1 - np.abs(waves - 0.5) * 6, 0, 1)  # where a wave mirrors a lamp
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    far = ((x - drawn.centre[0]) ** 2 + (y - drawn.centre[1]) ** 2) / (0.3 * height) ** 2
    added = (np.maximum(veil * 0.6, streaks) * np.exp(-far) * film).astype(np.uint8)
    drawn.luma[:] = cv2.min(cv2.add(drawn.luma, added), drawn.opacity)
