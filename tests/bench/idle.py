"""What a station costs while nobody stands there, and which part of it is ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import zxingcpp
from ground import cpu_s, pause, running
from report import Result, Row

from gatepost.demo.avi import AviWriter
from gatepost.demo.clips import ONLY_QR, QUALITY, SIZE, Take, empty_frames, play_clip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ground import Ground

    from gatepost.demo.carriers import Pixels

AIM = 15.0
FPS = 10.0
SECONDS, QUICK_SECONDS = 30, 10
_WARM_S = 5.0
_LOOP_S = 20
SEED = 1


def run(ground: Ground) -> Result:
    """Measure the daemon, then the same frames in a bare loop."""
    folder = ground.room("idle")
    seconds = QUICK_SECONDS if ground.quick else SECONDS
    clip = _film(folder / "empty.avi")
    ground.say(f"idle: the daemon before an empty hall, {_WARM_S + seconds:.0f} s")
    station = _daemon(folder, clip, seconds)
    ground.say(f"idle: the same frames in a bare loop, {seconds} s")
    replay, plain = _bare(clip, seconds)
    row = Row(
        what="idle, share of one core, 10 frames/s of an empty hall, 1280x720",
        aim=f"< {AIM:.0f} %",
        measured=f"{station:.1f} %",
        beside=f"the replay's own JPEG {replay:.1f} %, plain zxing-cpp on these frames "
        f"{plain:.1f} %; all the rest of the station {station - replay - plain:.1f} %",
        met=station < AIM,
    )
    facts = {"seconds": seconds, "station": station, "replay": replay, "plain_zxing": plain}
    return Result([row], facts)


def _film(path: Path) -> Path:
    frames = empty_frames(int(FPS * _LOOP_S), SEED, Take(fps=FPS))
    with AviWriter(path, FPS, SIZE, QUALITY) as video:
        for frame in frames:
            video.add(frame)
    return path


def _daemon(folder: Path, clip: Path, seconds: float) -> float:
    """Percent of one core, all threads, user and system."""
    with running(folder, clip, loop=True) as works:
        pause(_WARM_S)
        used, begun = cpu_s(works.pid), time.monotonic()
        pause(seconds)
        works.station.check()
        return (cpu_s(works.pid) - used) / (time.monotonic() - begun) * 100


def _bare(clip: Path, seconds: float) -> tuple[float, float]:
    """Percent of one core for taking the frames out of the clip, and for zxing-cpp, at 10/s."""
    taking = looking = 0.0
    frames, begun = _again(clip), time.monotonic()
    count = int(seconds * FPS)
    for number in range(count):
        pause(max(0.0, begun + number / FPS - time.monotonic()))
        first = time.process_time()
        frame = next(frames)
        second = time.process_time()
        zxingcpp.read_barcodes(frame, formats=ONLY_QR)
        taking += second - first
        looking += time.process_time() - second
    return taking / seconds * 100, looking / seconds * 100


def _again(clip: Path) -> Iterator[Pixels]:
    while True:
        yield from play_clip(clip)
