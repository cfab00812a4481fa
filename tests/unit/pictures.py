"""Pictures for tests: rendered codes, clips, and the photos that are kept outside."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import segno

Luma = npt.NDArray[np.uint8]


class ManualClock:
    """A Clock that stands until it is moved."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def boottime(self) -> float:
        return self.now

    def wall_us(self) -> int:
        return round(self.now * 1_000_000)

    def bound_us(self) -> int | None:
        return None


def rendered(
    content: str | bytes | int, *, scale: int = 4, micro: bool = False, encoding: str | None = None
) -> Luma:
    """A code as uint8[H,W], black on white, with its quiet zone."""
    code = segno.make(content, micro=micro, encoding=encoding)
    modules = [list(row) for row in code.matrix_iter(scale=scale, border=4)]
    return np.where(np.array(modules, np.uint8) > 0, 0, 255).astype(np.uint8)


def placed(code: Luma, *, height: int, width: int, top: int, left: int) -> Luma:
    """`code` on grey, uint8[height,width]."""
    canvas = np.full((height, width), 200, np.uint8)
    canvas[top : top + code.shape[0], left : left + code.shape[1]] = code
    return canvas


def saved(path: Path, luma: Luma) -> Path:
    """`luma` written to `path`, by its suffix."""
    done, coded = cv2.imencode(path.suffix, luma)
    assert done
    path.write_bytes(coded.tobytes())
    return path


def recorded(path: Path, frames: list[Luma], fps: float) -> Path:
    """A video of `frames` at `path`, by its suffix: .avi as MJPG."""
    height, width = frames[0].shape
    four = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), four, fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def photos() -> Path:
    """The folder of real photos; skips the test where it is not there."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("GATEPOST_SHARED", beside)) / "data" / "decoding"
    if not (folder / "expected.jsonl").is_file():
        pytest.skip("no photos: set GATEPOST_SHARED to the folder that holds data/decoding")
    return folder
