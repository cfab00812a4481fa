"""A day offline is drained: how fast beside paho alone, in how much memory, how late the living.

    python tests/bench/drain.py                       100,000 events, 5 minutes or so
    python tests/bench/drain.py --events 20000        a look
    python tests/bench/drain.py --json out/drain.json every number too

Exit status: 0 every aim was met, 1 one was not, 2 it cannot be run here (what lacks is told).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import drain_live
import uplink
from ground import Ground
from report import machine, table

from gatepost.demo.broker import MOSQUITTO
from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS, ROUNDS = 100_000, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args(arguments)
    if MOSQUITTO is None:
        _say("cannot be run: install mosquitto")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    with tempfile.TemporaryDirectory("-gatepost-drain", dir=asked.folder) as folder:
        ground = Ground(Path(folder).absolute(), quick=False, say=_say)
        told = machine(ground.folder)
        try:
            full = drain_live.filled(ground, asked.events)
            found = [
                drain_live.measured(ground, asked.events, full),
                uplink.measured(ground, asked.events, asked.rounds, full, uplink.BY_HAND),
            ]
        except GatepostError as error:
            _say(f"could not be measured: {error}")
            return 2
    rows = [row for each in found for row in each.rows]
    print(f"{table(rows)}\n\nMeasured on {told}.")  # noqa: T201
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        facts = {"machine": told, "live": found[0].facts, "rate": found[1].facts}
        asked.json.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    return 0 if all(row.met is not False for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/drain.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=EVENTS, help="how many (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="on a disk, not in RAM")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
