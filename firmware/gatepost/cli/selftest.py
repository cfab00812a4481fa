"""`gatepost selftest`: what is wrong with this station, and what to do about it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "selftest",
        help="what is wrong with this station, and what to do",
        description="Look at keys, card, spool, clock and the way to the broker, also beside a "
        "running station. Exit status: 0 all is well, 1 something is not, 2 the configuration "
        "cannot be read.",
        epilog="examples:\n  gatepost selftest --config station.toml\n"
        "  gatepost selftest --config station.toml --json\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look; each finding is shown as it is made."""
    from gatepost.config import load
    from gatepost.selftest import selftest

    config = load(args.config)
    found = []
    for each in selftest(config):
        found.append(each)
        if not args.json:
            advice = f"\n{'':24}-> {each.advice}" if each.advice else ""
            print(f"{'ok' if each.ok else 'TROUBLE':>8}  {each.name:<12}  {each.told}{advice}")
    ok = all(each.ok for each in found)
    if args.json:
        findings = [
            {"name": each.name, "ok": each.ok, "told": each.told, "advice": each.advice}
            for each in found
        ]
        print(json.dumps({"station": config.station.id, "ok": ok, "findings": findings}))
    return 0 if ok else 1
