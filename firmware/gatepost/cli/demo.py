"""`gatepost demo`: a whole station on any computer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "demo",
        help="a whole station on this computer, no hardware",
        description="A broker, the real daemon on a configuration that is shown, recorded "
        "visitors, a virtual panel and a subscriber. Ends with a table; status 1 when a visitor "
        "is missing.",
        epilog="examples:\n  gatepost demo\n  gatepost demo --visitors 30 --seed 7 --headless\n"
        "  gatepost demo --keep demo-files      keep everything that was made, to look at it\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--visitors", type=int, default=8, metavar="N", help="default 8")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--headless", action="store_true", help="without the virtual panel")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the demo's files there")
    parser.add_argument("--port", type=int, default=0, help="of the broker; default: any free one")
    parser.add_argument("--json", action="store_true", help="the table as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when every visitor was read, recorded and delivered."""
    from gatepost.demo.show import Options, demo

    options = Options(args.visitors, args.seed, args.headless, args.keep, args.port, args.json)
    return demo(options)
