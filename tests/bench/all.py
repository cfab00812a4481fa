"""The numbers of the README's table, side by side in one run."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import idle
import latency
import memory
import uplink
from ground import Ground
from report import Result, Row, file_system, machine, table

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BENCHES: dict[str, Callable[[Ground], Result]] = {
    "latency": latency.run,
    "idle": idle.run,
    "memory": memory.run,
    "uplink": uplink.run,
}
_IN_RAM = {"tmpfs", "ramfs"}
_EXAMPLES = """\
examples:
  python tests/bench/all.py                        everything, about 15 minutes
  python tests/bench/all.py --quick                everything, about 3 minutes, rougher
  python tests/bench/all.py latency idle           only these
  python tests/bench/all.py --json out/bench.json  the table, and every number behind it
  python tests/bench/all.py uplink --folder .      files on this disk

The table goes to standard output, progress to standard error. Exit status: 0 measured (an aim
that was missed is marked in the table), 1 something could not be measured, 2 wrong usage.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/all.py",
        description="Measure the station on this machine; print one Markdown table.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = ", ".join(BENCHES)
    parser.add_argument("bench", nargs="*", metavar="BENCH", help=f"which: {names} (all)")
    parser.add_argument("--quick", action="store_true", help="fewer visitors, events and rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="where temporary files go (about 1 GB); on a disk, not in RAM",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0, 1 or 2 as --help says."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.bench if name not in BENCHES]
    if unknown:
        parser.error(f"no bench is called {unknown[0]!r}; there are: {', '.join(BENCHES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    with tempfile.TemporaryDirectory("-gatepost-bench", dir=_place(asked.folder)) as folder:
        ground = Ground(Path(folder).absolute(), asked.quick, _say)
        return _measure(asked.bench or list(BENCHES), ground, asked.json)


def _place(asked: Path | None) -> Path:
    """Where the files go: a flush into RAM would cost nothing, and measure nothing."""
    place = asked or Path(tempfile.gettempdir())
    if asked is None and file_system(place) in _IN_RAM:
        place = Path("/var/tmp")  # noqa: S108 - a folder of our own is made in it
    if file_system(place) in _IN_RAM:
        _say(f"warning: {place} is in RAM: flushes cost nothing there; see --folder")
    return place


def _measure(names: Sequence[str], ground: Ground, out: Path | None) -> int:
    rows: list[Row] = []
    told: dict[str, Any] = {"machine": machine(ground.folder), "quick": ground.quick}
    status = 0
    try:
        for name in names:
            try:
                result = BENCHES[name](ground)
            except GatepostError as error:
                _say(f"{name}: could not be measured: {error}")
                status = 1
                continue
            rows += result.rows
            told[name] = {"rows": [row.cells() for row in result.rows], **result.facts}
    finally:  # what was measured is told, whatever stopped the rest
        _tell(rows, told, out)
    return status


def _tell(rows: Sequence[Row], told: dict[str, Any], out: Path | None) -> None:
    short = " (--quick: rough)" if told["quick"] else ""
    sys.stdout.write(f"{table(rows)}\n\nMeasured on {told['machine']}{short}.\n")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
