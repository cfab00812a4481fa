"""`gatepost stopped`: what systemd runs after every end of the daemon (ExecStopPost).

The relay first: a daemon that was killed in the middle of a request left it asking. Then what is
known of the end is written down. Little is imported: the door waits for it. What the daemon noted
at its start rests before anything else (`first`), then what the configuration says: the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatepost.config import Config

NAME = "stopped"
_EPILOG = """\
example, as a line of a unit:
  ExecStopPost=/opt/gatepost/current/bin/gatepost stopped --config /etc/gatepost/station.toml

exit status: 0 all rests, 1 an output could not be put to rest, 2 the configuration cannot be read
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        NAME,
        help="after the daemon's end: outputs to rest, the end noted (for systemd)",
        description="Drive every output to its resting level, the relay first; then note how the "
        "daemon ended, from SERVICE_RESULT, EXIT_CODE and EXIT_STATUS (systemd.exec(5)).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--outputs", action="store_true", help="only the outputs: it was not the daemon that ended"
    )
    parser.set_defaults(run=run)


def first(rest: Callable[[], None] | None = None) -> None:
    """What the daemon noted to rest, before the configuration is read, or the command line is."""
    from gatepost.drivers.idle import rest_noted

    try:
        (rest or rest_noted)()
    except OSError as error:  # it is tried again by the configuration, and judged by that
        print(f"gatepost: the outputs are not at rest yet: {error}", file=sys.stderr)


def run(
    args: argparse.Namespace,
    rest: Callable[[Config], None] | None = None,
    note: Callable[[Path, Mapping[str, str]], object] | None = None,
) -> int:
    """Outputs to rest, then the note, also where they are not; None: as on a station."""
    from gatepost.config import load

    config = load(args.config)
    rested = _rested(config, rest)
    if not args.outputs:
        from gatepost.crashes import stopped

        (note or stopped)(config.station.data, os.environ)
    return 0 if rested else 1


def _rested(config: Config, rest: Callable[[Config], None] | None) -> bool:
    from gatepost.drivers import idle

    try:
        (rest or idle.rest)(config)
    except OSError as error:  # a DeviceError is one
        print(f"gatepost: the outputs are not at rest: {error}", file=sys.stderr)
        return False
    return True
