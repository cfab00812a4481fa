"""A recorded morning at the gate: many invented visitors in one video, and the truth about it.

    python -m gatepost.demo.clips OUT.avi --visitors 8 --seed 1

The truth is measured, not assumed: a visitor's first readable frame is the first that plain
zxing-cpp reads in the written file, after compression, with nothing of the station's own passes.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np
import zxingcpp

from gatepost.demo.avi import AviWriter
from gatepost.demo.scene import DIFFICULTIES, Appearance, Hall, conditions_of
from gatepost.demo.troubles import check_name
from gatepost.demo.visitors import Visitor, make_visitors
from gatepost.errors import GatepostError, PictureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from gatepost.demo.carriers import Pixels

SIZE = (1280, 720)
FPS = 30.0
GAP_S = 1.8  # longer than a code's absence that ends a presentation (gone_s, at most 1.5)
QUALITY = 85  # of JPEG: about what a webcam's own MJPEG has
STEPS_UP_S = 0.3  # a visitor comes into the picture, and goes, within this time
ONLY_QR = zxingcpp.barcode_formats_from_str("QRCode")
Progress: TypeAlias = "Callable[[int, int], None]"


@dataclass(frozen=True, slots=True)
class Take:
    """How a clip is filmed. Raises UsageError when that cannot be.

    Attributes:
        fps: frames a second.
        size: width and height of the picture, pixels.
        gap_s: the empty hall before, between and after visitors, seconds.
        difficulty: "easy", "usual", "hard" or "hardest".
        trouble: what goes wrong for every visitor (gatepost.demo.troubles); "": as the difficulty
            has it.
    """

    fps: float = FPS
    size: tuple[int, int] = SIZE
    gap_s: float = GAP_S
    difficulty: str = "usual"
    trouble: str = ""

    def __post_init__(self) -> None:
        if self.trouble:
            check_name(self.trouble)
        conditions_of(self.difficulty)
        if not 1 <= self.fps <= 240 or min(self.size) < 64 or not 0 <= self.gap_s <= 3600:
            raise UsageError(
                f"cannot film {self}; ask for 1 to 240 frames/s, 64 or more pixels, 0 to 3600 s"
            )

    @property
    def gap(self) -> int:
        """The empty frames around each visitor."""
        return ceil(self.gap_s * self.fps)

    def hall(self, seed: int) -> Hall:
        """Give the hall of `seed` under the conditions of this take."""
        conditions = conditions_of(self.difficulty)
        if self.trouble:
            conditions = replace(conditions, trouble=self.trouble)
        return Hall(seed, self.size, conditions)


USUAL = Take()


@dataclass(frozen=True, slots=True)
class VisitorTruth:
    """When a visitor is in the clip; frames count from 0, both ends are in.

    Attributes:
        visitor: who.
        first_frame: the first that shows any of what the visitor holds.
        last_frame: the last that does.
        first_readable: the first that plain zxing-cpp reads, or None when it reads none.
    """

    visitor: Visitor
    first_frame: int
    last_frame: int
    first_readable: int | None = None


@dataclass(frozen=True, slots=True)
class ClipTruth:
    """What is in a clip: `frames` pictures of `size` (width, height), `fps` a second."""

    fps: float
    frames: int
    size: tuple[int, int]
    visitors: tuple[VisitorTruth, ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One visitor's part of a clip: frame `begun` is second 0 of the motion."""

    appearance: Appearance
    begun: int
    truth: VisitorTruth

    def presence(self, index: int, ramp: float) -> float:
        """Say how far the person is in the picture at frame `index`, 0 to 1."""
        inside = min(index - self.truth.first_frame, self.truth.last_frame - index) + 1
        return min(1.0, inside / ramp)


def _turns(visitors: Sequence[Visitor], hall: Hall, take: Take) -> Iterator[_Turn]:
    """Let visitors come one after the other, at least `gap_s` apart."""
    free = take.gap
    for visitor in visitors:
        appearance = Appearance(visitor, hall)
        steps = range(ceil(appearance.motion.duration_s * take.fps) + 1)
        seen = [step for step in steps if appearance.visible(step / take.fps)]
        begun, last = free - seen[0], free + seen[-1] - seen[0]
        yield _Turn(appearance, begun, VisitorTruth(visitor, free, last))
        free = last + 1 + take.gap


def render_clip(visitors: Sequence[Visitor], seed: int, take: Take = USUAL) -> Iterator[Pixels]:
    """Render a clip, frame by frame: uint8[H,W] luma, the same for the same seed."""
    hall = take.hall(seed)
    ramp = max(1.0, STEPS_UP_S * take.fps)
    index = 0
    for turn in _turns(visitors, hall, take):
        while index < turn.truth.first_frame:
            yield hall.expose(hall.empty, index)
            index += 1
        while index <= turn.truth.last_frame:
            at_s = (index - turn.begun) / take.fps
            yield hall.expose(turn.appearance.draw(at_s, turn.presence(index, ramp)), index)
            index += 1
    for last in range(index, index + take.gap):
        yield hall.expose(hall.empty, last)


def plan_clip(visitors: Sequence[Visitor], seed: int, take: Take = USUAL) -> ClipTruth:
    """Say who is where in a clip without rendering it; what is readable is left open (None)."""
    hall = take.hall(seed)
    seen = tuple(turn.truth for turn in _turns(visitors, hall, take))
    frames = take.gap + (seen[-1].last_frame + 1 if seen else 0)
    return ClipTruth(take.fps, frames, take.size, seen)


def empty_frames(count: int, seed: int, take: Take = USUAL) -> Iterator[Pixels]:
    """Render `count` frames of the empty hall: uint8[H,W] luma, each with its own noise."""
    hall = take.hall(seed)
    return (hall.expose(hall.empty, index) for index in range(count))


def reads(frame: Pixels, visitor: Visitor) -> bool:
    """Whether plain zxing-cpp reads the visitor's code in `frame`, uint8[H,W]."""
    found = zxingcpp.read_barcodes(frame, formats=ONLY_QR)
    return any(code.bytes == visitor.text.encode() for code in found)


def _measure(frames: Iterator[Pixels], plan: ClipTruth) -> ClipTruth:
    """Add to each visitor the first readable frame; `frames` are read once, from the start."""
    numbered = enumerate(frames)
    measured = []
    for truth in plan.visitors:
        readable = None
        for index, frame in numbered:
            if index >= truth.first_frame and reads(frame, truth.visitor):
                readable = index
            if readable is not None or index >= truth.last_frame:
                break
        measured.append(replace(truth, first_readable=readable))
    return replace(plan, visitors=tuple(measured))


def play_clip(path: Path) -> Generator[Pixels, None, None]:
    """Give the frames of a video, uint8[H,W] luma. Raises PictureError when there are none."""
    video = cv2.VideoCapture(str(path))
    try:
        taken, frame = video.read()
        if not taken:
            raise PictureError(f"{path}: not a video that OpenCV can read")
        while taken:
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
            taken, frame = video.read()
    finally:
        video.release()


def write_clip(
    path: Path,
    visitors: Sequence[Visitor],
    seed: int,
    take: Take = USUAL,
    *,
    progress: Progress | None = None,
) -> ClipTruth:
    """Write a clip as MJPEG in AVI, read it back, and say what is in it.

    Args:
        path: the file to write, "...avi"; one that is there is replaced.
        visitors: who comes, in this order.
        seed: of the hall and the noise; each visitor brings a seed of its own.
        take: how it is filmed.
        progress: called with the frames done and the frames to do.

    Raises PictureError when the file cannot be written, UsageError beyond 2 GB.
    """
    plan = plan_clip(visitors, seed, take)
    with AviWriter(path, take.fps, take.size, QUALITY) as video:
        for done, frame in enumerate(render_clip(visitors, seed, take), 1):
            video.add(frame)
            if progress is not None:
                progress(done, plan.frames)
    with closing(play_clip(path)) as frames:
        return _measure(frames, plan)


def write_frames(
    folder: Path,
    visitors: Sequence[Visitor],
    seed: int,
    take: Take = USUAL,
    *,
    suffix: Literal[".png", ".pgm"] = ".png",
) -> ClipTruth:
    """Write a clip as a folder of pictures without loss (000000.png ...), and say what is in it.

    The folder is made where it is missing. Raises PictureError when it cannot be written.
    """
    plan = plan_clip(visitors, seed, take)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, frame in enumerate(render_clip(visitors, seed, take)):
            picture = cv2.imencode(suffix, frame)[1].tobytes()
            (folder / f"{index:06}{suffix}").write_bytes(picture)
    except OSError as error:
        raise PictureError(f"{folder}: cannot be written: {error.strerror}") from error
    return _measure(render_clip(visitors, seed, take), plan)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gatepost.demo.clips",
        description="Render a clip of invented visitors and print the truth about it as JSON.",
        epilog="example: python -m gatepost.demo.clips /tmp/visitors.avi --visitors 8 --seed 1",
    )
    parser.add_argument("out", type=Path, metavar="OUT.avi", help="the video to write")
    parser.add_argument("--visitors", type=int, default=8, metavar="N", help="how many come (8)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="who, and how (1)")
    parser.add_argument("--fps", type=float, default=FPS, metavar="N", help="frames a second (30)")
    parser.add_argument(
        "--gap", type=float, default=GAP_S, metavar="S", help=f"seconds between two ({GAP_S})"
    )
    parser.add_argument("--difficulty", choices=tuple(DIFFICULTIES), default="usual")
    return parser


def _tell(done: int, frames: int) -> None:
    if done % 30 == 0 or done == frames:
        print(f"\r{done}/{frames} frames", end="", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a clip and print its truth; exit status 0, 1 when it cannot be written, 2 for usage."""
    asked = _parser().parse_args(arguments)
    tell = _tell if sys.stderr.isatty() else None
    try:
        take = Take(fps=asked.fps, gap_s=asked.gap, difficulty=asked.difficulty)
        visitors = make_visitors(asked.visitors, asked.seed)
        truth = write_clip(asked.out, visitors, asked.seed, take, progress=tell)
    except GatepostError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    print(json.dumps(asdict(truth), ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
