"""Recorded pictures or a video in place of a camera."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING, Protocol, TypeVar

import cv2

from gatepost.drivers.pictures import (
    SUFFIXES,
    check_file,
    hush_opencv,
    load_luma,
    luma_of_picture,
    natural_key,
)
from gatepost.errors import PictureError
from gatepost.model import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from gatepost.ports import Clock

_log = logging.getLogger(__name__)
_VIDEO_SUFFIXES = frozenset((".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v", ".mjpg", ".mjpeg"))
_LENGTH_OFF = 50  # a length that is told may be off by one frame in so many
_LEAST_FPS, _MOST_FPS = 0.1, 240.0
Got = TypeVar("Got")
_EARLY_S = 0.001  # a wait may end this much before the clock says so


class Clip(Protocol):
    """Pictures in order, from the first: passed over or taken, one after the other."""

    fps: float
    count: int  # as far as known beforehand, else 0

    def take(self) -> npt.NDArray[np.uint8] | None:
        """The next picture as uint8[H,W]; None at the end. Raises PictureError for a broken one."""

    def skip(self) -> bool:
        """Pass over the next picture, cheaply; False at the end."""

    def rewind(self) -> None:
        """Begin again. Raises PictureError when that fails."""

    def close(self) -> None:
        """Give back what is open; nothing works afterwards."""


class PictureClip:
    """Picture files as frames."""

    def __init__(self, paths: Sequence[Path], fps: float) -> None:
        self.fps = fps
        self.count = len(paths)
        self._paths = paths
        self._next = 0

    def take(self) -> npt.NDArray[np.uint8] | None:
        if self._next >= self.count:
            return None
        self._next += 1
        return load_luma(self._paths[self._next - 1])

    def skip(self) -> bool:
        self._next += 1
        return self._next <= self.count

    def rewind(self) -> None:
        self._next = 0

    def close(self) -> None:
        self._next = self.count


class VideoClip:
    """A video file, through OpenCV. Raises PictureError when it is none."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._capture = _open_video(path)
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = told if _LEAST_FPS <= told <= _MOST_FPS else fps
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = max(0, int(count)) if math.isfinite(count) else 0
        self._passed = 0

    @property
    def cut(self) -> str:
        """At the end: what tells that it came too soon, or "".

        Not every kind of file counts its frames: some tell their length, which may be a little off.
        """
        lacks = self.count - self._passed
        off = max(1, self.count // _LENGTH_OFF)
        return f"ends after {self._passed} of {self.count} frames" if lacks > off else ""

    def take(self) -> npt.NDArray[np.uint8] | None:
        whole, picture = self._capture.read()
        self._passed += whole
        return luma_of_picture(picture) if whole else None

    def skip(self) -> bool:
        whole = bool(self._capture.grab())
        self._passed += whole
        return whole

    def rewind(self) -> None:
        self._passed = 0
        self._capture.release()  # not every file can be sought in: open it again
        self._capture = _open_video(self._path)

    def close(self) -> None:
        self._capture.release()


def _open_video(path: Path) -> cv2.VideoCapture:
    check_file(path)
    hush_opencv()
    # By name: left to choose, OpenCV takes a video for a numbered series of pictures at times.
    for backend in (cv2.CAP_FFMPEG, cv2.CAP_OPENCV_MJPEG):
        capture = cv2.VideoCapture(str(path), backend)
        if capture.isOpened():
            return capture
    raise PictureError(f"{path}: neither a picture nor a video that can be read")


def open_clip(path: Path, fps: float) -> Clip:
    """The clip at `path`: a folder of pictures (sorted naturally), one picture, or a video.

    `fps` is the pace of pictures, and of a video that tells none.
    Raises PictureError, naming the file, when it is none of these.
    """
    if path.is_dir():
        pictures = [each for each in path.iterdir() if each.suffix.lower() in SUFFIXES]
        if not pictures:
            raise PictureError(f"{path}: no pictures in this folder")
        return PictureClip(sorted(pictures, key=natural_key), fps)
    if is_video(path):
        return VideoClip(path, fps)
    load_luma(path)  # said now, not at the first frame
    return PictureClip([path], fps)


def is_video(path: Path) -> bool:
    """Whether `path` is named like a video."""
    return path.suffix.lower() in _VIDEO_SUFFIXES


class FrameReplay:
    """A FrameSource that replays a clip.

    At `pace` "real" the frame due now is given and those whose time has passed are skipped, as
    a camera would; `taken` is when it was due. At "fast" each frame is given as soon as it is
    asked for, `taken` then. At the end, without `loop`, there are no more frames; the source
    lives on.

    Attributes:
        started: seconds of boot time when the first frame was due; None before it was asked for.
        ended: there will be no more frames.
    """

    def __init__(
        self, path: Path, *, clock: Clock, pace: str = "real", fps: float = 30.0, loop: bool = False
    ) -> None:
        self.started: float | None = None
        self.ended = False
        self._path = path
        self._clock = clock
        self._real = pace == "real"
        self._fps = fps
        self._loop = loop
        self._clip: Clip | None = None
        self._next = 0  # index of the clip's next frame, counted on through every loop
        self._passed = 0  # frames since the clip began, or began again
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        """Open the clip. Raises PictureError."""
        self._clip = open_clip(self._path, self._fps)
        self._closed.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        if self._clip is not None:
            self._clip.close()
            self._clip = None

    def next_frame(self, wait_s: float) -> Frame | None:
        """The frame due now, or None when none came within `wait_s` seconds. Raises nothing."""
        if self._clip is None or self.ended:
            self._closed.wait(wait_s)
            return None
        if self.started is None:
            self._start(self._clip)
        return self._due(self._clip, wait_s) if self._real else self._at_once(self._clip)

    def _start(self, clip: Clip) -> None:
        self.started = self._clock.boottime()
        self._tell("replay started", frames=clip.count, fps=clip.fps, boot_s=self.started)

    def _at_once(self, clip: Clip) -> Frame | None:
        luma = self._one(clip, clip.take)
        self._next += 1
        return None if luma is None else Frame(luma, self._clock.boottime())

    def _due(self, clip: Clip, wait_s: float) -> Frame | None:
        begun = self.started or 0.0
        wait = begun + self._next / clip.fps - self._clock.boottime()
        if wait > 0:
            self._closed.wait(min(wait, wait_s))
        index = math.floor((self._clock.boottime() + _EARLY_S - begun) * clip.fps)
        if index < self._next:
            return None
        self._pass_over(clip, index - self._next)
        luma = None if self.ended else self._one(clip, clip.take)
        self._next = index + 1
        return None if luma is None else Frame(luma, begun + index / clip.fps)

    def _pass_over(self, clip: Clip, frames: int) -> None:
        if self._loop and clip.count:
            frames %= clip.count  # whole rounds missed lead to the same frame
        for _ in range(frames):
            if self.ended:
                return
            self._one(clip, clip.skip)

    def _one(self, clip: Clip, step: Callable[[], Got]) -> Got | None:
        """What `step` gives of the clip's next frame, or of the first one again; None: nothing."""
        try:
            got = step()
        except PictureError as error:
            _log.warning("frame lost: %s", error)
            self._passed += 1
            return None
        if got is not None and got is not False:
            self._passed += 1
            return got
        if self._again(clip):
            return self._one(clip, step)
        self._end(clip)
        return None

    def _again(self, clip: Clip) -> bool:
        """Begin the clip again, if that was asked for and it has any frame."""
        if not self._loop or self._passed == 0:
            return False
        try:
            clip.rewind()
        except PictureError as error:
            _log.warning("cannot begin again: %s", error)
            return False
        self._passed = 0
        return True

    def _end(self, clip: Clip) -> None:
        self.ended = True
        if self._passed < clip.count:
            _log.warning("%s: ends after %d of %d frames", self._path, self._passed, clip.count)
        self._tell("replay ended", boot_s=self._clock.boottime())

    def _tell(self, what: str, **fields: float) -> None:
        _log.info(what, extra={"fields": {"path": self._path.name, **fields}})
