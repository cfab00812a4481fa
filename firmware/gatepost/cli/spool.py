"""`gatepost spool`: what is kept on the card."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

_MOST_RANGES = 20


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "spool",
        help="what is kept on the card",
        description="Look at a spool, also beside a running station.",
        epilog="examples:\n  gatepost spool status --config station.toml\n"
        "  gatepost spool verify /var/lib/gatepost/spool.db --json\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, text in (
        ("status", "how many events are kept, and how many are not delivered"),
        ("verify", "check the file and the whole hash chain"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", type=Path, nargs="?", metavar="SPOOL", help="spool.db")
        action.add_argument("--config", type=Path, metavar="FILE", help="a station's configuration")
        action.add_argument("--json", action="store_true", help="one JSON object for machines")
        action.set_defaults(run=run, verify=name == "verify")


def run(args: argparse.Namespace) -> int:
    """Show the spool; 1 when it is damaged or cannot be opened."""
    from gatepost.spool import Spool

    path = _path(args)
    with Spool(path) as spool:
        head = spool.head()
        told: dict[str, Any] = {
            "spool": str(path),
            "source": spool.source,
            "site": spool.site,
            "epoch": spool.epoch,
            "newest": head.sequence,
            "hash": head.hash,
            "undelivered": spool.depth(),
            "undelivered_ranges": spool.undelivered()[:_MOST_RANGES],
            "bytes": path.stat().st_size,
        }
        if args.verify:
            told["verified"] = spool.verify()
    if args.json:
        print(json.dumps(told))
    else:
        _print(told)
    return 0


def _print(told: dict[str, Any]) -> None:
    """The same for people."""
    verified = told.pop("verified", None)
    for name, value in told.items():
        print(f"{name:>18}  {_ranges(value) if isinstance(value, list) else value}")
    if verified is not None:
        print(f"chain: good, {verified} event{'' if verified == 1 else 's'}")


def _ranges(ranges: list[tuple[int, int]]) -> str:
    words = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return ", ".join([*words, "..."] if len(words) == _MOST_RANGES else words) or "none"


def _path(args: argparse.Namespace) -> Path:
    """The spool that is meant. Raises UsageError, ConfigError, SpoolError."""
    from gatepost.config import load
    from gatepost.errors import SpoolError, UsageError
    from gatepost.spool import FILE

    if (args.file is None) == (args.config is None):
        raise UsageError("name either a SPOOL file or --config FILE")
    if args.config is not None:
        return load(args.config).station.data / FILE
    path = Path(args.file)
    if os.path.isdir(path):  # noqa: PTH112 - no error where the folder is not ours to read
        path /= FILE
    if os.path.lexists(path) and not os.path.isfile(path):  # noqa: PTH113 - the same
        raise SpoolError(f"{path}: is not a file")
    return path
