"""`gatepost check-config`: the very checks that the station makes, without the station."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.config import Config
    from gatepost.governing import Governed


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "check-config",
        help="check a configuration file",
        description="Check a configuration file and the keys and certificates that it names. "
        "Every problem is told at once, with its line; the keys once the file itself is good.",
        epilog="examples:\n  gatepost check-config station.toml\n"
        "  gatepost check-config station.toml --json\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check; 0 when it is good, 2 when it has problems."""
    from gatepost.config import load
    from gatepost.errors import ConfigError
    from gatepost.governing import governed, own_rules
    from gatepost.keys import keys_of

    try:
        config = load(args.file)
        keys_of(config)
        own_rules(config)  # also where the centre's hold, for as long as they do
        holds = governed(config)
    except ConfigError as error:
        if not args.json:
            raise
        print(json.dumps({"file": str(args.file), "ok": False, "problems": error.problems}))
        return 2
    print((_as_json if args.json else _as_text)(args.file, config, holds))
    return 0


def _as_json(file: Path, config: Config, holds: Governed) -> str:
    from gatepost.config.schema import READER_TYPES

    readers = [
        {"name": each.name, "type": kind, "direction": each.direction}
        for each in config.reader
        for kind, known in READER_TYPES.items()
        if isinstance(each, known)
    ]
    told = {
        "file": str(file),
        "ok": True,
        "problems": [],
        "station": config.station.id,
        "site": config.station.site,
        "readers": readers,
        "board": _board(config),
        "sealed": config.central.sealing_key is not None,
        "accept": sorted(holds.rules.accept),
        "rules": _rules(config, holds),
        "trust_version": holds.versions()[1],
    }
    return json.dumps(told)


def _as_text(file: Path, config: Config, holds: Governed) -> str:
    readers = ", ".join(f"{each.name} ({each.direction})" for each in config.reader)
    told = f"{file}: good: station {config.station.id} at {config.station.site}; {readers}"
    told += f"\nrules: {_rules(config, holds)}; accepts {', '.join(sorted(holds.rules.accept))}"
    board = _board(config)
    if board is not None:
        told += f"\nboard: {board['title']} ({board['profile']}); fitted: "
        told += ", ".join(board["fitted"]) or "nothing"
        told += "".join(f"\nnote: {note}" for note in board["notes"])
    if config.central.sealing_key is not None:
        return told
    return (
        f"{told}\nvisitors' data is NOT sealed: everyone who can read the broker, its logs or this "
        "station's card can read who came and when: names, numbers, birth dates, whole codes"
    )


def _board(config: Config) -> dict[str, Any] | None:
    """What the station is built on, and what of it is strange but no error."""
    from gatepost.boards import FITTED, machine, notes

    board = config.board
    if board is None:
        return None
    return {
        "model": board.model,
        "title": board.title,
        "profile": str(board.source),
        "fitted": [name for name in FITTED if getattr(config, name) is not None],
        "notes": list(notes(config, machine())),
    }


def _rules(config: Config, holds: Governed) -> str:
    """Where the rules come from."""
    version, _ = holds.versions()
    if version:
        return f"version {version} of the centre"
    return "built in" if config.gate.rules is None else str(config.gate.rules)
