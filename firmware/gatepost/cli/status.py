"""`gatepost status`: how the running station is."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.config import Config

_EVERY_S = 2.0
_CLEAR = "\x1b[H\x1b[2J"
_EXAMPLES = """\
examples:
  gatepost status --config /etc/gatepost/station.toml
  gatepost status --config /etc/gatepost/station.toml --watch     every 2 s, until Ctrl-C
  gatepost status --config /etc/gatepost/station.toml --json      one line for machines

It asks the running station over a local socket; it says nothing of any visitor.

exit status: 0 it is well; 1 a part is in trouble or noted; 2 no station answers; 130 interrupted
"""
_NOBODY = """\
gatepost: no running station answers: {why}
  start it:       systemctl start gatepost        or: gatepost run --config {config}
  see why not:    systemctl status gatepost       and: journalctl -u gatepost -n 50"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "status",
        help="how the running station is",
        description="How the running station is: readers, signals, delivery, the card, the "
        "machine, and whatever is in trouble.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for machines")
    parser.add_argument("--watch", action="store_true", help="again every 2 s, until Ctrl-C")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it once, or again and again; see the exit status above."""
    from gatepost.config import load

    config = load(args.config)
    while True:
        status = _once(config, args)
        if not args.watch:
            return status
        sys.stdout.flush()
        time.sleep(_EVERY_S)


def _once(config: Config, args: argparse.Namespace) -> int:
    from gatepost.cli.status_page import page
    from gatepost.errors import DeviceAbsent, DeviceError
    from gatepost.status import ask_status

    if args.watch and not args.json and sys.stdout.isatty():
        print(_CLEAR, end="")
    try:
        told = ask_status(config)
    except DeviceAbsent as error:
        print(_NOBODY.format(why=error, config=args.config), file=sys.stderr)
        return 2
    except DeviceError as error:
        print(f"gatepost: the station may not be asked: {error}", file=sys.stderr)
        print("  ask as root, or as a member of its group: sudo gatepost status", file=sys.stderr)
        return 2
    print(json.dumps(told) if args.json else page(told), flush=True)
    return 1 if told.get("conditions") or told.get("notes") else 0
