"""`gatepost decode`: what the station's own decoder reads in pictures and clips."""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gatepost.cli.decode_report import ClipResult, Counts, JsonReport, Report, TextReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from gatepost.model import Symbol
    from gatepost.ports import Decoder

    Luma = npt.NDArray[np.uint8]

_FPS = 30.0
_EXAMPLES = """\
examples:
  gatepost decode photo.png                    what is in one photo
  gatepost decode photos/ --json               a folder and all in it, one JSON line a picture
  gatepost decode --clip gate/ --json          a folder as consecutive frames of one camera
  gatepost decode visit.mp4 --budget-ms 20     a video, with the time limit of a live camera

exit status: 0 done (also where nothing was read); 1 a picture could not be opened, a video is cut
short; 2 no such path
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "decode",
        help="read the codes in pictures and clips",
        description="Read the codes in pictures and clips through the station's own decoder. Of an "
        "animated GIF only the first frame is read.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="picture, video or folder")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for machines")
    parser.add_argument(
        "--clip",
        nargs="*",
        action="extend",
        metavar="FOLDER",
        help="the pictures in FOLDER are consecutive frames of one camera; alone: in each PATH",
    )
    parser.add_argument(
        "--budget-ms",
        type=_milliseconds,
        metavar="N",
        help="what a picture or frame may take, about; default: no limit",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Decode; 0 done, 1 when something could not be read whole, 2 when a path does not exist."""
    from gatepost.decoding import build_decoder, build_live
    from gatepost.drivers.frames import is_video

    clips, pictures = args.clip or [], args.paths
    if args.clip == []:
        clips, pictures = pictures, []
    missing = [path for path in (*pictures, *clips) if not os.path.lexists(path)]
    for path in missing:
        print(f"gatepost decode: {path!r}: no such file or folder", file=sys.stderr)
    if not pictures and not clips:
        print("gatepost decode: name a picture, a video or a folder", file=sys.stderr)
        return 2
    if missing:
        return 2
    budget_s = None if args.budget_ms is None else args.budget_ms / 1000
    report: Report = JsonReport() if args.json else TextReport()
    counts = Counts()
    videos = [path for path in pictures if is_video(Path(path)) and not Path(path).is_dir()]
    with build_decoder(budget_s) as decoder:
        for shot in chain.from_iterable(_shots(path) for path in pictures if path not in videos):
            _one(shot, decoder, report, counts)
    for path in (*videos, *clips):
        with build_live(budget_s=budget_s) as live:
            report.clip(_clip(path, live, report, counts))
    report.end(counts)
    return 1 if counts.failed or counts.cut else 0


class Shot(NamedTuple):
    """A picture to look at: how it is called, and how to get its luma (raises PictureError).

    `frame`: it is one; else it only stands for what is not there.
    """

    name: str
    load: Callable[[], Luma]
    frame: bool = True


def _one(
    shot: Shot, decoder: Decoder, report: Report, counts: Counts, taken: float = 0.0
) -> Sequence[Symbol]:
    from gatepost.errors import PictureError
    from gatepost.model import Frame

    try:
        luma = shot.load()
    except PictureError as error:
        counts.failed += 1
        report.failure(shot.name, str(error).removeprefix(f"{Path(shot.name)}: "))
        return ()
    begun = time.perf_counter()
    symbols = decoder.decode(Frame(luma, taken))
    ms = (time.perf_counter() - begun) * 1000
    counts.times_ms.append(ms)
    if symbols:
        counts.read += 1
    else:
        counts.empty += 1
    report.picture(shot.name, symbols, ms, decoder.view)
    return symbols


def _clip(name: str, decoder: Decoder, report: Report, counts: Counts) -> ClipResult:
    """Decode a clip frame by frame, as a camera of 30 frames a second gave them."""
    result = ClipResult(name)
    for shot in _frames(name, result):
        symbols = _one(shot, decoder, report, counts, result.frames / _FPS)
        if symbols:
            result.frames_read += 1
            result.texts.update(dict.fromkeys(symbol.text for symbol in symbols))
            if result.first_read_frame is None:
                result.first_read_frame = result.frames
        result.frames += shot.frame
    counts.cut += bool(result.error)
    return result


def _frames(name: str, result: ClipResult) -> Iterator[Shot]:
    """The pictures of a clip: of a video, or as `_shots` finds them."""
    from gatepost.drivers.frames import is_video

    path = Path(name)
    return _video(name, result) if is_video(path) and not path.is_dir() else _shots(name)


def _shots(name: str) -> Iterator[Shot]:
    """The pictures at `name`: of a folder and all below it, or the one picture."""
    from gatepost.drivers.pictures import load_luma

    if Path(name).is_dir():
        yield from _folder(name)
    else:
        yield Shot(name, partial(load_luma, Path(name)))


def _folder(name: str) -> Iterator[Shot]:
    from gatepost.drivers.pictures import SUFFIXES, load_luma, natural_key

    failures: list[OSError] = []
    found = [
        Path(folder, file).relative_to(name)
        for folder, _, files in os.walk(name, onerror=failures.append)
        for file in files
        if Path(file).suffix.lower() in SUFFIXES
    ]
    for failure in failures:
        yield _nothing(str(failure.filename), failure.strerror or str(failure))
    if not found and not failures:
        yield _nothing(name, "no pictures in this folder")
    for each in sorted(found, key=natural_key):
        yield Shot(f"{name.rstrip('/')}/{each}", partial(load_luma, Path(name, each)))


def _video(name: str, result: ClipResult) -> Iterator[Shot]:
    """Its frames; at the end `result.error` tells when they are not all."""
    from gatepost.drivers.frames import VideoClip
    from gatepost.errors import PictureError

    try:
        clip = VideoClip(Path(name), fps=_FPS)
    except PictureError as error:
        yield _nothing(name, str(error))
        return
    index = 0
    while (luma := clip.take()) is not None:
        yield Shot(f"{name}#{index}", partial(_same, luma))
        index += 1
    result.error = clip.cut
    clip.close()


def _nothing(name: str, reason: str) -> Shot:
    return Shot(name, partial(_fail, reason), frame=False)


def _fail(reason: str) -> Luma:
    from gatepost.errors import PictureError

    raise PictureError(reason)


def _same(luma: Luma) -> Luma:
    return luma


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of milliseconds above 0")
    return value
