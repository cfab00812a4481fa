"""gatepost's decoder beside the others, on the same photos, clips and empty frames, in one run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `gatepost` does, before NumPy comes

import cv2
import decoding_clips as films
import decoding_tables as tables
from decoding_plots import draw
from decoding_runs import OPENCV_EVERY, run_clips, run_empty, run_photos, shared_photos
from report import Row, machine, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from decoding_runs import Table

PARTS = ("photos", "clips", "empty")
EMPTY, QUICK_EMPTY = 800, 160
OUT = Path("out/bench-decoding")
_EXAMPLES = """\
examples:
  python tests/bench/decoding.py                      everything, about 7 minutes
  python tests/bench/decoding.py --quick              everything, about 2 minutes, rougher
  python tests/bench/decoding.py clips --seeds 3      only clips, three times as many
  python tests/bench/decoding.py empty --empty 20000  is anything read where nothing is?
  python tests/bench/decoding.py --write out/clips    1 GB of pictures, nothing measured;
                                                      for gatepost decode --clip out/clips/NAME

The tables go to standard output, progress to standard error, plots to out/bench-decoding.
Exit status: 0 measured (an aim that was missed is marked in the table), 2 wrong usage.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/decoding.py",
        description="Measure what decoders read, how soon, and what it costs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", metavar="PART", help="photos, clips, empty (all)")
    parser.add_argument("--quick", action="store_true", help="fewer photos, clips and frames")
    parser.add_argument("--seeds", type=_count, default=1, metavar="N", help="of clips (1)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first of them (1)")
    parser.add_argument(
        "--empty", type=_count, metavar="N", help=f"empty frames ({EMPTY}; quick: {QUICK_EMPTY})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    parser.add_argument("--plots", type=Path, default=OUT, metavar="DIR", help=f"({OUT})")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the clips there instead")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("ask for one or more")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 or 2 as --help says."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    unknown = [part for part in asked.part if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    cv2.setNumThreads(1)  # one core for everybody
    clips = films.choose(range(asked.seed, asked.seed + asked.seeds), quick=asked.quick)
    if asked.write is not None:
        films.write(asked.write, clips, _say)
        return 0
    found = _measure(asked, clips)
    _tell(found, asked)
    draw(asked.plots, *(found.get(part) for part in PARTS))
    _say(f"plots: {asked.plots}")
    return 0


def _measure(asked: argparse.Namespace, clips: Sequence[films.Clip]) -> dict[str, Table]:
    count = asked.empty or (QUICK_EMPTY if asked.quick else EMPTY)
    runs: dict[str, Callable[[], Table | None]] = {
        "photos": lambda: _photos(asked.quick),
        "clips": lambda: run_clips(clips, _say),
        "empty": lambda: run_empty(count, asked.seed, _say),
    }
    found = {part: runs[part]() for part in PARTS if not asked.part or part in asked.part}
    return {part: measured for part, measured in found.items() if measured is not None}


def _photos(quick: bool) -> Table | None:
    folder = shared_photos()
    if folder is None:
        _say("no photos: set GATEPOST_SHARED to the folder that holds data/decoding")
        return None
    return run_photos(folder, _say, quick=quick)


def _tell(found: dict[str, Table], asked: argparse.Namespace) -> None:
    rows: list[Row] = []
    grids: list[str] = []
    photos, clips, empty = (found.get(part) for part in PARTS)
    if photos is not None:
        rows += tables.of_photos(photos)
        grids += [tables.photos_grid(photos), tables.costs_grid(photos, "cost of a photo")]
    if clips is not None:
        rows += tables.of_clips(clips)
        grids += [tables.clips_grid(clips), tables.costs_grid(clips, "cost of a clip's frame")]
    if empty is not None:
        rows += tables.of_empty(empty, clips)
        grids.append(tables.costs_grid(empty, "cost of a frame without a code"))
    notes = [
        f"OpenCV sees every {OPENCV_EVERY}th picture; times are processor time on one core.",
        f"Measured on {machine(Path())}" + (" (--quick: rough)." if asked.quick else "."),
    ]
    if photos is None and (not asked.part or "photos" in asked.part):
        notes.insert(0, "The photos are not here (GATEPOST_SHARED), so they were left out.")
    sys.stdout.write("\n\n".join([table(rows), *grids, "\n".join(notes)]) + "\n")
    _keep(asked.json, {part: tables.facts(each) for part, each in found.items()}, rows)


def _keep(out: Path | None, numbers: dict[str, Any], rows: Sequence[Row]) -> None:
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(Path()), "aims": [row.cells() for row in rows], **numbers}
    out.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
