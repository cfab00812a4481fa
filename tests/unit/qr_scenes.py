"""QR codes as a camera would see them, with the truth about each module."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import segno

Luma = npt.NDArray[np.uint8]
Places = npt.NDArray[np.float64]
DETAIL = 3  # a scene is drawn so many times larger, then shrunk: a pixel is a mean


@dataclass(frozen=True)
class View:
    """How a code is seen.

    Attributes:
        version: 1 to 40.
        module_px: size of a module, pixels.
        turn_deg: turned in the picture's plane.
        tilt: how far its corners are from those of a square, as a share of half a side.
        blur: standard deviation, modules.
        noise: standard deviation, luma.
        curl: how far paper waves, modules.
        glare: luma that a stripe of light adds.
        seed: of what is written, of the corners and of the noise.
    """

    version: int = 3
    module_px: float = 4.0
    turn_deg: float = 20.0
    tilt: float = 0.08
    blur: float = 0.2
    noise: float = 2.0
    curl: float = 0.0
    glare: float = 0.0
    seed: int = 1


class Scene:
    """A picture, uint8[H,W], of a code, and where its modules are."""

    def __init__(self, view: View) -> None:
        rng = np.random.default_rng(view.seed)
        text = f"{view.seed:06X}{rng.bytes(3).hex().upper()}"
        code = segno.make_qr(text, version=view.version, error="m", boost_error=False)
        self.view = view
        self.dark = np.array([list(row) for row in code.matrix], np.uint8) > 0
        self.n = len(self.dark)
        self._wave = rng.uniform(0, 6, 2)
        side = self.n * view.module_px
        self._size = int(side * 1.6) + 60
        turn = np.radians(view.turn_deg)
        axes = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
        flat = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * side / 2
        corners = flat @ axes + self._size / 2 + rng.uniform(-0.5, 0.5, (4, 2)) * view.tilt * side
        given = np.array([(0, 0), (self.n, 0), (self.n, self.n), (0, self.n)], np.float32)
        self.matrix = cv2.getPerspectiveTransform(given, corners.astype(np.float32))
        self.plane = self._seen(rng)

    def corners(self, off: Places | None = None) -> tuple[tuple[int, int], ...]:
        """The outer corners, whole pixels, each `off` by so much, [4,2]."""
        n = self.n
        exact = self._pixels(np.array([(0, 0), (n, 0), (n, n), (0, n)], np.float64))
        moved = exact if off is None else exact + off
        return tuple((round(float(x)), round(float(y))) for x, y in moved)

    def middles(self) -> Places:
        """Where the middle of each module is: float64[n,n,2], pixels."""
        steps = np.arange(self.n) + 0.5
        wanted = np.stack(np.meshgrid(steps, steps), axis=2)
        flat = wanted
        for _ in range(30):  # what is seen at `flat` lies at `wanted` on the paper
            flat = wanted - self._curl(flat)
        return self._pixels(flat.reshape(-1, 2)).reshape(self.n, self.n, 2)

    def _curl(self, flat: Places) -> Places:
        phase = flat[..., ::-1] / self.n * 4 + self._wave
        return np.asarray(self.view.curl * np.sin(phase))

    def _pixels(self, places: Places) -> Places:
        return np.asarray(cv2.perspectiveTransform(places[None], self.matrix)[0], np.float64)

    def _seen(self, rng: np.random.Generator) -> Luma:
        view, size = self.view, self._size
        steps = (np.arange(size * DETAIL) + 0.5) / DETAIL - 0.5
        places = np.stack(np.meshgrid(steps, steps), axis=2).reshape(1, -1, 2)
        flat = cv2.perspectiveTransform(places, np.linalg.inv(self.matrix))[0]
        paper = (flat + self._curl(flat) + 4).reshape(size * DETAIL, size * DETAIL, 2)
        ink = np.pad(np.where(self.dark, 30, 220).astype(np.float32), 4, constant_values=220)
        inside = ((paper >= 0) & (paper < len(ink))).all(axis=2)
        column, row = np.moveaxis(np.clip(paper, 0, len(ink) - 1).astype(np.intp), 2, 0)
        drawn = np.where(inside, ink[row, column], np.float32(150))
        seen = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)
        seen = cv2.GaussianBlur(seen, (0, 0), max(view.blur * view.module_px, 0.01))
        stripe = np.exp(-(((np.arange(size) - size / 2) / (size * 0.1)) ** 2))
        lit = seen * 0.7 + view.glare * stripe + rng.normal(0, view.noise, seen.shape)
        return np.clip(lit, 0, 255).astype(np.uint8)


def noise(height: int, width: int, seed: int) -> Luma:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
