"""`gatepost spool`: what is kept on the card, and how it leaves a dead station."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost.cli import spool_moving

if TYPE_CHECKING:
    from gatepost.spool import Carried, Look

_MOST_RANGES = 20
_EXAMPLES = """\
examples:
  gatepost spool status --config station.toml
  gatepost spool verify /gatepost/data/spool.db --json
  gatepost spool export --config station.toml --to /media/stick      what is not delivered
  gatepost spool export /mnt/card --certificate station.pem --key station.key \\
      --to /media/stick                                              of a dead station's card
  gatepost spool import /media/stick/*.gatepost --config station.toml

All work beside a running station, and change nothing of a spool. What is imported is delivered
within a second under the name of the station that recorded it.

exit status: 0 done; 1 it is damaged, not believed, or there is no room; 2 usage
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "spool",
        help="what is kept on the card",
        description="Look at a spool, carry its events to another station.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, text in (
        ("status", "how many events are kept, and how many are not delivered"),
        ("verify", "check the file, the whole hash chain, and what is carried beside it"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        add_place(action)
        action.set_defaults(run=run, verify=name == "verify")
    spool_moving.add_actions(actions, add_place)


def add_place(action: argparse.ArgumentParser) -> None:
    """Which spool is meant."""
    action.add_argument(
        "file", type=Path, nargs="?", metavar="SPOOL", help="spool.db, or its folder"
    )
    action.add_argument("--config", type=Path, metavar="FILE", help="a station's configuration")
    action.add_argument("--json", action="store_true", help="one JSON object for machines")


def run(args: argparse.Namespace) -> int:
    """Show the spool; 1 when it is damaged or cannot be opened, or something carried is."""
    from gatepost.spool import Carried, Look

    path = spool_path(args)
    carried = Carried(path.parent)
    with Look(path) as look:
        told = _told(look, path) | _beside(path, carried, args)
        if args.verify:
            told["verified"] = look.verify()
    wrong = _prove(carried) if args.verify else {}
    if args.verify:
        told["carried_wrong"] = wrong
    if args.json:
        print(json.dumps(told))
    else:
        _print(told)
    return 1 if wrong else 0


def _told(look: Look, path: Path) -> dict[str, Any]:
    head, (held, oldest) = look.head(), look.held()
    return {
        "spool": str(path),
        "schema": look.version,
        "source": look.source,
        "site": look.site,
        "epoch": look.epoch,
        "newest": head.sequence,
        "hash": head.hash,
        "held": held,
        "oldest": oldest,
        "undelivered": look.depth(),
        "unsent": look.unsent(),
        "undelivered_ranges": look.undelivered()[:_MOST_RANGES],
        "bytes": path.stat().st_size,
        "used_bytes": look.used(),
    }


def _beside(path: Path, carried: Carried, args: argparse.Namespace) -> dict[str, Any]:
    """Room, limits, what is carried, what was set aside."""
    from gatepost.config import load
    from gatepost.spool import room, set_aside_before, volatile

    told: dict[str, Any] = {"free_bytes": room(path.parent), "volatile": volatile(path.parent)}
    if args.config is not None:
        spool = load(args.config).spool
        told["most_bytes"], told["spare_bytes"] = spool.most_mib << 20, spool.spare_mib << 20
        told["keep_days"] = spool.keep_days
    told["carried"] = [
        {
            "file": each.path.name,
            "source": each.header.source,
            "epoch": each.header.epoch,
            "events": each.header.count,
            "undelivered": carried.left(each),
        }
        for each in carried.bundles
    ]
    told["damaged"] = [each.name for each in set_aside_before(path)]
    return told


def _prove(carried: Carried) -> dict[str, str]:
    """What of the carried bundles does not hold, by file."""
    from gatepost.errors import ContractError
    from gatepost.spool import prove

    wrong = dict.fromkeys(carried.problems, "is no whole bundle")
    for bundle in carried.bundles:
        try:
            with spool_moving.progress(bundle.path.name, bundle.header.count) as tell:
                prove(bundle.path, tell)
        except (ContractError, OSError) as error:
            wrong[bundle.path.name] = str(error)
    return wrong


def _print(told: dict[str, Any]) -> None:
    """The same for people."""
    verified, wrong = told.pop("verified", None), told.pop("carried_wrong", {})
    for name, value in told.items():
        print(f"{name:>18}  {_plain(name, value)}")
    if verified is not None:
        print(f"chain: good, {verified} event{'' if verified == 1 else 's'}")
    for name, why in wrong.items():
        print(f"carried: {name}: {why}")


def _plain(name: str, value: Any) -> str:
    if name == "carried":
        lines = [f"{e['file']}: {e['undelivered']} of {e['events']} not delivered" for e in value]
        return f"\n{'':>20}".join(lines) or "none"
    if name == "damaged":
        return ", ".join(value) or "none"
    if isinstance(value, list):
        return _ranges(value)
    return "no" if value == "" else str(value)


def _ranges(ranges: list[tuple[int, int]]) -> str:
    words = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return ", ".join([*words, "..."] if len(words) == _MOST_RANGES else words) or "none"


def spool_path(args: argparse.Namespace) -> Path:
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
