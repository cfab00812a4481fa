"""A fleet against one mosquitto that is killed and started again: how it comes back, all proved.

    python tests/bench/fleet.py                       1,000 stations, 10 events each: 4 minutes
    python tests/bench/fleet.py --stations 100        a look
    python tests/bench/fleet.py --plain               in the clear, without TLS
    python tests/bench/fleet.py --json out/fleet.json every number too

Each station is the real spool on the disk, the real uplink, driver, signer and commands worker,
with a certificate of its own; only who decides is simulated. The broker is killed (kill -9) under
load, and once more without jitter, to see what that would do. What it lost although it had
acknowledged it, `gatepost-central watch` asks for again; that proves that all is there.

Exit status: 0 the promise held, 1 it did not, 2 it cannot be run here (what lacks is told).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from report import machine

from gatepost.demo.broker import MOSQUITTO
from gatepost.errors import GatepostError

sys.path.insert(0, str(Path(__file__).parent.parent / "faults"))

from fleet_run import Plan, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet_run import Found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args(arguments)
    if MOSQUITTO is None:
        _say("cannot be run: install mosquitto")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    plan = Plan(asked.stations, asked.events, asked.span, asked.down, tls=not asked.plain)
    with tempfile.TemporaryDirectory("-gatepost-fleet", dir=asked.folder) as folder:
        told = machine(Path(folder))
        try:
            found = run(Path(folder), plan, _say)
        except GatepostError as error:
            _say(f"could not be measured: {error}")
            return 2
    print(_text(plan, found, told))  # noqa: T201
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(_facts(plan, found, told), indent=1) + "\n", "utf-8")
    return 1 if found.wrong() else 0


def _text(plan: Plan, found: Found, told: str) -> str:
    wrong = found.wrong()
    again = found.first["kinds"].get("response", 0) + found.last["kinds"].get("response", 0)
    kept = f"{found.recorded} events recorded, {found.kept} at the centre, each once"
    return "\n".join(
        [
            f"{plan.stations} stations, {'mutual TLS' if plan.tls else 'no TLS'}, one mosquitto",
            f"with jitter: {found.jitter.text()}",
            found.jitter.histogram(),
            f"without jitter, for comparison: {found.without.text()}",
            found.without.histogram(),
            f"{kept}; {found.duplicates} duplicates, {again} answers to requests to send again",
            f"proved complete: {found.last['complete']} of {plan.stations} stations",
            ", ".join(f"{what}: {took:.1f} s" for what, took in found.took_s.items()),
            "WRONG: " + "; ".join(wrong) if wrong else "the promise held",
            f"Measured on {told}.",
        ]
    )


def _facts(plan: Plan, found: Found, told: str) -> dict[str, object]:
    return {
        "machine": told,
        "stations": plan.stations,
        "events": plan.events,
        "tls": plan.tls,
        "down_s": plan.down_s,
        "jitter": found.jitter.facts(),
        "without_jitter": found.without.facts(),
        "recorded": found.recorded,
        "kept": found.kept,
        "duplicates": found.duplicates,
        "first_watch": found.first,
        "last_watch": found.last,
        "took_s": found.took_s,
        "wrong": found.wrong(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/fleet.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option("--stations", type=int, default=1000, help="how many (%(default)s)")
    option("--events", type=int, default=10, help="of each station (%(default)s)")
    option("--span", type=float, default=30.0, help="they come within so long (%(default)s s)")
    option("--down", type=float, default=8.0, help="how long the broker is away (%(default)s s)")
    option("--plain", action="store_true", help="in the clear, without TLS")
    option("--json", type=Path, metavar="FILE", help="write every number there too")
    option("--folder", type=Path, metavar="DIR", help="where files go (about 300 MB), on a disk")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
