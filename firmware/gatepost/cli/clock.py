"""`gatepost clock`: a clock that is behind is raised to what is surely past."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.ports import Clock

_EPILOG = """\
examples:
  gatepost clock show --config /etc/gatepost/station.toml
  sudo gatepost clock raise --config /etc/gatepost/station.toml

exit status: 0 the clock is not behind (any more), 1 it is, or the floor is not fully known
"""


@dataclass(frozen=True, slots=True)
class Floor:
    """What is surely past.

    Attributes:
        at_us: microseconds since 1970 UTC.
        trouble: why only this program's release is known, "" where all is.
    """

    at_us: int
    trouble: str = ""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "clock",
        help="the clock and its floor",
        description="A computer without a battery may wake in a year long past. What is surely "
        "past is a floor: the release of this program, or the newest moment at which the station "
        "knew the time. `raise` sets a clock that is behind to it, never back and never a clock "
        "that is synchronised; systemd does so at boot.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="show|raise", required=True)
    for name, told, run in (
        ("show", "say how the clock stands", show),
        ("raise", "set a clock that is behind to the floor; needs CAP_SYS_TIME", raise_),
    ):
        action = actions.add_parser(name, help=told, description=told)
        action.add_argument("--config", type=Path, required=True, metavar="FILE")
        action.add_argument("--json", action="store_true", help="one JSON object for machines")
        action.set_defaults(run=run)


def show(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """How the clock (None: the machine's) stands; 1 where it is behind."""
    from gatepost.clock import SystemClock

    floor = floor_of(args.config)
    clock = clock or SystemClock()
    behind_us = behind(clock, floor)
    told = f"behind the floor by {_span(behind_us)}" if behind_us else "not behind the floor"
    return _say(args, clock, floor, told, failed=bool(behind_us))


def raise_(
    args: argparse.Namespace,
    clock: Clock | None = None,
    set_us: Callable[[int], None] | None = None,
) -> int:
    """Raise it; 0 where nothing was to be done, 1 where it could not be."""
    from gatepost.clock import SystemClock

    floor = floor_of(args.config)
    clock = clock or SystemClock()
    try:
        by_us = lifted(clock, floor, set_us or _set)
    except PermissionError:
        told = "is behind and was not raised: that needs CAP_SYS_TIME (as root, or by systemd)"
        return _say(args, clock, floor, told, failed=True)
    except OSError as error:
        told = f"is behind and was not raised: {error.strerror}"
        return _say(args, clock, floor, told, failed=True)
    told = f"raised by {_span(by_us)}" if by_us else "not behind the floor: left as it is"
    return _say(args, clock, floor, told, failed=False, raised_us=by_us)


def behind(clock: Clock, floor: Floor) -> int:
    """By how many microseconds `clock` is behind; 0 where it is not, or is synchronised.

    What an NTP server says goes below a floor that was wrong: the station tells of it by an event.
    """
    return 0 if clock.bound_us() is not None else max(floor.at_us - clock.wall_us(), 0)


def lifted(clock: Clock, floor: Floor, set_us: Callable[[int], None]) -> int:
    """Set a clock that is behind to the floor; by how many microseconds. Raises OSError."""
    by_us = behind(clock, floor)
    if by_us:
        set_us(floor.at_us)
    return by_us


def floor_of(path: Path) -> Floor:
    """The floor of the station that is configured at `path`, as far as it can be known."""
    from gatepost.config import load
    from gatepost.errors import ConfigError, GatepostError
    from gatepost.spool import FILE, Look
    from gatepost.timekeeping import RELEASED_US

    try:
        spool = load(path).station.data / FILE
        if not spool.exists():
            return Floor(RELEASED_US)  # a station that never ran
        with Look(spool) as look:
            return Floor(max(look.recall("floor_us") or 0, RELEASED_US))
    except ConfigError as error:
        return Floor(RELEASED_US, error.problems[0])
    except (GatepostError, OSError) as error:
        return Floor(RELEASED_US, str(error))


def _set(wall_us: int) -> None:
    time.clock_settime_ns(time.CLOCK_REALTIME, wall_us * 1000)


def _say(
    args: argparse.Namespace,
    clock: Clock,
    floor: Floor,
    told: str,
    *,
    failed: bool,
    raised_us: int = 0,
) -> int:
    bound_us, wall_us = clock.bound_us(), clock.wall_us()
    if floor.trouble:
        print(f"gatepost: only the release's floor is known: {floor.trouble}", file=sys.stderr)
    if args.json:
        facts = {"wall_us": wall_us, "floor_us": floor.at_us, "bound_us": bound_us}
        print(json.dumps({**facts, "raised_us": raised_us, "ok": not failed, "told": told}))
    else:
        sure = "not synchronised" if bound_us is None else f"within {bound_us / 1000:.1f} ms"
        print(f"clock  {_day(wall_us)}  {sure}\nfloor  {_day(floor.at_us)}\n{told}")
    return 1 if failed or floor.trouble else 0


def _day(wall_us: int) -> str:
    return datetime.fromtimestamp(wall_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(by_us: int) -> str:
    days, rest = divmod(by_us // 1_000_000, 86_400)
    return f"{days} days and {rest} s" if days else f"{by_us / 1e6:.3f} s"
