"""`gatepost reset`: back to what it was when it was provisioned; no event is lost."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.config import Config

_EPILOG = """\
examples:
  sudo gatepost reset --config /etc/gatepost/station.toml         asks, then: sudo systemctl
                                                                  restart gatepost, or reboot
  gatepost reset --config /etc/gatepost/station.toml --yes        without a question
  gatepost reset --config /etc/gatepost/station.toml --apply      what the unit does at a start

exit status: 0 asked for, done, or nothing was asked; 1 not done; 2 usage, or not confirmed
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "reset",
        help="factory reset; keys and undelivered events stay",
        description="Ask for a factory reset. It is done before the station's next start, and "
        "told to the centre as an audit event.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="do not ask")
    how.add_argument("--apply", action="store_true", help="do what was asked for, now")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask for a reset, or do it."""
    from gatepost.config import load
    from gatepost.errors import GatepostError

    config = load(args.config)
    try:
        return _apply(config) if args.apply else _ask(config, sure=args.yes)
    except GatepostError:
        raise
    except OSError as error:
        where = error.filename or config.station.data
        print(f"gatepost: {where}: {error.strerror}: not reset", file=sys.stderr)
        return 1


def _ask(config: Config, *, sure: bool) -> int:
    from gatepost.clock import SystemClock, boot_id
    from gatepost.resetting import GOES, STAYS, ask
    from gatepost.timekeeping import stamp

    print(f"factory reset of station {config.station.id} ({config.station.data})\n  goes:")
    print("\n".join(f"    {each}" for each in GOES))
    print("  stays:")
    print("\n".join(f"    {each}" for each in STAYS))
    if not (sure or _confirmed(config.station.id)):
        return 2
    path = ask(config.station.data, stamp(SystemClock(), boot_id()))
    print(f"asked for ({path}): it is done before the next start (systemctl restart gatepost)")
    return 0


def _confirmed(station: str) -> bool:
    if not sys.stdin.isatty():
        print("gatepost: nobody to ask: --yes if it is meant", file=sys.stderr)
        return False
    print(f"type the station's id to confirm ({station}): ", end="", flush=True)
    if sys.stdin.readline().strip() == station:
        return True
    print("gatepost: not confirmed: nothing is reset", file=sys.stderr)
    return False


def _apply(config: Config) -> int:
    from gatepost.resetting import apply, asked
    from gatepost.spool import locked

    if not asked(config.station.data):
        print("no reset is asked for")
        return 0
    with locked(config.station.data):  # no daemon runs
        print(f"reset: {apply(config)}")
    return 0
