"""`gatepost check-config`: the very checks that the station makes, without the station."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "check-config",
        help="check a configuration file",
        description="Check a configuration file and the keys and certificates that it names. "
        "Every problem is told at once, with its line.",
        epilog="examples:\n  gatepost check-config station.toml\n"
        "  gatepost check-config station.toml --json\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check; 0 when it is good, 2 when it has problems."""
    from gatepost.build import keys_of
    from gatepost.config import load
    from gatepost.errors import ConfigError

    try:
        config = load(args.file)
        keys_of(config)
    except ConfigError as error:
        if not args.json:
            raise
        print(json.dumps({"file": str(args.file), "ok": False, "problems": error.problems}))
        return 2
    if args.json:
        print(json.dumps({"file": str(args.file), "ok": True, "problems": []}))
        return 0
    readers = ", ".join(f"{each.name} ({each.direction})" for each in config.reader)
    print(f"{args.file}: good: station {config.station.id} at {config.station.site}; {readers}")
    if config.central.sealing_key is None:
        print("visitors' data is NOT sealed: everyone who can read the broker can read who came")
    return 0
