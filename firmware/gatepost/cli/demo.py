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
        "is missing. With --fault a fault is staged in the middle, and everybody is delivered once "
        "all the same: broker (killed after it acknowledged), power (the plug is pulled), network "
        "(cut, then silent), disk (slow, then full, then freed).",
        epilog="examples:\n  gatepost demo\n  gatepost demo --visitors 30 --seed 7 --headless\n"
        "  gatepost demo --keep demo-files      keep everything that was made, to look at it\n"
        "  gatepost demo --fault broker         kill the broker after its acknowledgements\n"
        "  gatepost demo --fault power          pull the plug (needs FUSE; Debian: fuse3)\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--visitors",
        type=_visitors,
        default=17,
        metavar="N",
        help="1 to 500; default 17: one of every kind",
    )
    parser.add_argument("--seed", type=_seed, default=1, metavar="N", help="default 1")
    parser.add_argument("--headless", action="store_true", help="without the virtual panel")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="a new or empty folder to keep the files"
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="of the broker, to look on; default: 1883 or free"
    )
    parser.add_argument("--json", action="store_true", help="the table as one JSON object")
    parser.add_argument(
        "--fault", choices=("broker", "power", "network", "disk"), help="stage a fault"
    )
    parser.set_defaults(run=run, extra="demo")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when every visitor was read, recorded and delivered."""
    from gatepost.demo.show import Options, demo

    options = Options(
        args.visitors, args.seed, args.headless, args.keep, args.port, args.json, args.fault or ""
    )
    return demo(options)


def _number(text: str) -> int:
    """A whole number in plain digits; -1 for anything else, which no range takes."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1


def _visitors(text: str) -> int:
    number = _number(text)
    if not 1 <= number <= 500:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 500")
    return number


def _seed(text: str) -> int:
    number = _number(text)
    if number < 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number from 0 on, of 19 digits at most"
        )
    return number


def _port(text: str) -> int:
    number = _number(text)
    if number != 0 and not 1024 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 0 (any) nor 1024 to 65535")
    return number
