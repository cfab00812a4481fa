"""How a picture changes, and in which direction most: the structure tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class Tensor(NamedTuple):
    """Means of the products of both derivatives, luma steps a pixel, squared."""

    xx: float
    xy: float
    yy: float

    @property
    def evenness(self) -> float:
        """Least to most change of all directions, 0 to 1; 1 where nothing changes at all."""
        middle = (self.xx + self.yy) / 2
        apart = float(np.hypot((self.xx - self.yy) / 2, self.xy))
        return (middle - apart) / (middle + apart) if middle > 0 else 1.0

    @property
    def level(self) -> float:
        """The direction of least change: radians, from x towards y."""
        return float(0.5 * np.arctan2(2 * self.xy, self.xx - self.yy) + np.pi / 2)


def tensor_of(smooth: npt.NDArray[np.float32]) -> Tensor:
    """The structure tensor of all of `smooth`, float32[H,W]."""
    x, y = (cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    xx, xy, yy = (float(cv2.mean(cv2.multiply(*pair))[0]) for pair in ((x, x), (x, y), (y, y)))
    return Tensor(xx, xy, yy)
