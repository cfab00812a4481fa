"""Picture files to luma."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from PIL import Image

from gatepost.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pnm")
)
MOST_PIXELS = 200_000_000

# Our own limit, before anything is decoded, stands in place of Pillow's.
Image.MAX_IMAGE_PIXELS = None
# What Pillow raises on files that are broken: each format's reader has its own ways.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError)


def load_luma(path: Path) -> npt.NDArray[np.uint8]:
    """The picture at `path` as uint8[H,W]; what is transparent counts as white.

    Raises PictureError, naming the file, where it is missing, no picture, or larger than 200
    million pixels (which is found out before it is decoded).
    """
    check_file(path)
    header = _header(path)
    if header is not None:
        _check_size(path, header.size)
    if header is None or not _transparent(header):
        luma = _by_opencv(path)
        if luma is not None:
            _check_size(path, luma.shape)
            return luma
    if header is None:
        raise PictureError(f"{path}: not a picture that can be read")
    return _by_pillow(path)


def check_file(path: Path) -> None:
    """Raises PictureError, naming the file, where there is no file with something in it."""
    try:
        if path.is_dir():
            raise PictureError(f"{path}: a folder, not a picture")
        if not path.is_file():
            raise PictureError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            if not file.read(1):
                raise PictureError(f"{path}: an empty file")
    except OSError as error:
        raise PictureError(f"{path}: cannot be opened: {error.strerror or error}") from error


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts frame2 before frame10."""
    parts = re.split(r"(\d+)", str(path))
    return tuple(
        (0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part.casefold())
        for part in parts
    )


def luma_of_picture(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """A picture of OpenCV, uint8[H,W], [H,W,1] or [H,W,3] (BGR), as uint8[H,W]."""
    if picture.ndim == 2:
        return np.asarray(picture, np.uint8)
    if picture.shape[2] == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.ascontiguousarray(picture[:, :, 0], np.uint8)


def hush_opencv() -> None:
    """Keep OpenCV and its FFmpeg from telling on standard error what our errors tell better."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read once, at the first video
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _check_size(path: Path, size: tuple[int, ...]) -> None:
    if min(size) < 1:
        raise PictureError(f"{path}: a picture without pixels")
    if size[0] * size[1] > MOST_PIXELS:
        raise PictureError(f"{path}: larger than {MOST_PIXELS // 1_000_000} million pixels")


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture as Pillow sees it, without its warnings: what matters comes as an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            yield picture


def _header(path: Path) -> Image.Image | None:
    """What the first bytes tell of the picture; nothing is decoded yet."""
    try:
        with _opened(path) as header:
            return header
    except _BROKEN:
        return None


def _transparent(header: Image.Image) -> bool:
    return header.mode in {"RGBA", "LA", "PA"} or "transparency" in header.info


def _by_opencv(path: Path) -> npt.NDArray[np.uint8] | None:
    hush_opencv()
    try:
        # From memory: OpenCV itself opens no path that is not plain text.
        coded = np.fromfile(path, np.uint8)
        luma = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        return None
    return None if luma is None else np.asarray(luma, np.uint8)


def _by_pillow(path: Path) -> npt.NDArray[np.uint8]:
    """Transparent pictures, and formats that this OpenCV lacks (GIF, the smallest WebP)."""
    try:
        with _opened(path) as picture:
            whole = picture.convert("RGBA")
            white = Image.new("RGBA", whole.size, "white")
            luma = Image.alpha_composite(white, whole).convert("L")
    except _BROKEN as error:
        raise PictureError(f"{path}: not a whole picture: {error}") from error
    return cast("npt.NDArray[np.uint8]", np.asarray(luma, np.uint8))
