"""Write a video of grey JPEG pictures (MJPEG in AVI).

OpenCV's own writers do not serve here: the built-in one breaks on grey pictures and is slow, the
other one does not let the quality be chosen. The container is simple enough to be written out.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, BinaryIO

import cv2

from gatepost.errors import PictureError, UsageError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from gatepost.demo.carriers import Pixels

LARGEST = 2**31 - 2**24  # bytes: what readers of plain AVI agree on, with room for the index
HAS_INDEX = 0x10
KEY_FRAME = 0x10
RATE_SCALE = 1000  # frames a second are stored as a fraction


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _header(fps: float, size: tuple[int, int], frames: int, largest: int) -> bytes:
    """Make what stands before the pictures; its length does not depend on the numbers."""
    width, height = size
    main = (round(1e6 / fps), round(largest * fps), 0, HAS_INDEX, frames, 0, 1, largest)
    avih = pack("<14I", *main, width, height, 0, 0, 0, 0)
    rate = (RATE_SCALE, round(fps * RATE_SCALE))
    stream = pack(
        "<4s4sI2H8I4H",
        b"vids",
        b"MJPG",
        0,
        0,
        0,
        0,
        *rate,
        0,
        frames,
        largest,
        2**32 - 1,
        0,
        0,
        0,
        width,
        height,
    )
    picture = pack(
        "<I2i2H4sI2i2I", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0
    )
    strl = _chunk(b"LIST", b"strl" + _chunk(b"strh", stream) + _chunk(b"strf", picture))
    return _chunk(b"LIST", b"hdrl" + _chunk(b"avih", avih) + strl)


class AviWriter:
    """A video that is being written; pictures are uint8[H,W] of `size` (width, height).

    Raises PictureError when the file cannot be written.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int], quality: int) -> None:
        self._path = path
        self._fps = fps
        self._size = size
        self._quality = quality
        self._index: list[tuple[int, int]] = []  # where each picture is, and its length
        self._at = 0
        self._file: BinaryIO

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("wb")
        except OSError as error:
            raise PictureError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._write(self._front())
        return self

    def add(self, luma: Pixels) -> None:
        """Append a picture. Raises PictureError when there is no room, UsageError beyond 2 GB."""
        done, jpeg = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if not done:
            raise PictureError("OpenCV cannot write JPEG here")
        data = jpeg.tobytes()
        if self._at + len(data) > LARGEST:
            raise UsageError(f"{self._path}: more than 2 GB; ask for fewer visitors")
        self._index.append((self._at, len(data)))
        self._write(_chunk(b"00dc", data))

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise PictureError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._at += len(data)

    def _front(self) -> bytes:
        """Make the file's front for what was written so far."""
        largest = max((length for _, length in self._index), default=0)
        header = _header(self._fps, self._size, len(self._index), largest)
        index = 8 + 16 * len(self._index)
        begun = 12 + len(header)
        movi = max(4, self._at - begun - 8)
        whole = 4 + len(header) + 8 + movi + index
        return b"RIFF" + pack("<I", whole) + b"AVI " + header + b"LIST" + pack("<I", movi) + b"movi"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        front = self._front()
        movi = len(front) - 4
        entries = (pack("<4s3I", b"00dc", KEY_FRAME, at - movi, n) for at, n in self._index)
        with self._file:
            self._write(_chunk(b"idx1", b"".join(entries)))
            self._file.seek(0)
            self._write(front)
