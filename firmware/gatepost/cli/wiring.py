"""`gatepost wiring`: how a board is wired, drawn from the profile that the firmware reads."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.boards import Board

_EPILOG = """\
examples:
  gatepost wiring --board hardware/boards/pi-4.toml --to pi-4.svg
  gatepost wiring --board hardware/boards/pi-4.toml --table
  gatepost wiring --config station.toml --to station.svg
                               as this station is: its pins, its relay's idle level
  gatepost wiring --write hardware
                               every profile in hardware/boards: wiring/*.svg and WIRING.md
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "wiring",
        help="how a board is wired, from its profile",
        description="Draw the wiring of a board (SVG, A4), or tell it as a table or as JSON.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    parser.add_argument("--board", type=Path, metavar="FILE", help="a board's profile (TOML)")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a station that is built on one"
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="where the SVG goes; else shown")
    what.add_argument("--table", action="store_true", help="a table of wires in Markdown")
    what.add_argument("--json", action="store_true", help="one JSON object for machines")
    what.add_argument("--write", type=Path, metavar="FOLDER", help="all of FOLDER/boards/*.toml")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw or tell; 0 when done."""
    from gatepost.boards.diagram import diagram
    from gatepost.boards.pages import table

    if args.write is not None:
        return _write(args.write)
    board, idle = _board(args)
    if args.json:
        print(json.dumps(_told(board, idle)))
    elif args.table:
        print(table(board, idle))
    elif args.to is None:
        print(diagram(board, idle), end="")
    else:
        _save(args.to, diagram(board, idle))
    return 0


def _board(args: argparse.Namespace) -> tuple[Board, str]:
    """The board, as the station has it, and its relay's idle level where that is known."""
    from gatepost.boards.board import fitted_as
    from gatepost.config import load, load_board
    from gatepost.errors import UsageError

    board = None if args.board is None else load_board(args.board)
    if args.config is None:
        if board is None:
            raise UsageError("--board FILE or --config FILE is needed: what is to be drawn")
        return board, ""
    config = load(args.config)
    if config.board is None:
        raise UsageError(f"{args.config} names no board: it needs [board] profile")
    if board is not None and board.model != config.board.model:
        raise UsageError(f"{args.config} is for a {config.board.model}, not for a {board.model}")
    idle = config.relay.idle if config.relay else ""
    return fitted_as(config.board, config), idle


def _told(board: Board, idle: str) -> dict[str, Any]:
    from dataclasses import asdict

    from gatepost.boards import budget, wires_of

    power = budget(board)
    return {
        "model": board.model,
        "title": board.title,
        "chip": board.chip,
        "wires": [asdict(wire) for wire in wires_of(board, idle)],
        "reserved": {str(pin): why for pin, why in sorted(board.reserved.items())},
        "power": {
            "supply_ma": board.supply.ma,
            "typical_ma": power.total.typical_ma,
            "peak_ma": power.total.peak_ma,
            "rows": [asdict(row) for row in power.rows],
        },
    }


def _write(folder: Path) -> int:
    from gatepost.boards.diagram import diagram
    from gatepost.boards.pages import page
    from gatepost.config import load_board
    from gatepost.errors import UsageError

    boards = [load_board(path) for path in sorted((folder / "boards").glob("*.toml"))]
    if not boards:
        raise UsageError(f"there is no profile in {folder / 'boards'}")
    for board in boards:
        _save(folder / "wiring" / f"{board.model}.svg", diagram(board))
    _save(folder / "WIRING.md", page(boards))
    return 0


def _save(path: Path, text: str) -> None:
    from gatepost.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    print(path)
