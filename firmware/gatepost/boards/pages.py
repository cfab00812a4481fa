"""The page with every board's diagram, table of wires and power budget, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.boards.power import budget
from gatepost.boards.wires import wires_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatepost.boards.board import Board
    from gatepost.boards.wires import Wire

_HEAD = """\
# Wiring

Each diagram and table is written from a profile in [boards](boards), which the firmware reads too:
`make wiring` writes them anew. `gatepost wiring --board FILE --config station.toml` draws a
station as it is configured: without what is not fitted, with the idle level of its relay. `BCM` is
the number in a configuration, `pin` the number on the header: 1 is at the board's corner, odd ones
run along the inner row.

Colours are those in the diagrams; any others do, but the same at each station. 0.25 mm² serves all
but the light and the supply (0.5 mm² or more).
"""
_HEADS = ("part", "signal", "BCM", "pin", "wire", "via")
_TAIL = """\
The figures are those of datasheets and of published measurements (each profile says whose), not
measured here: put a meter into the supply of the first station that you build.
"""


def page(boards: Iterable[Board]) -> str:
    """The whole page; the diagrams are expected at wiring/MODEL.svg beside it."""
    return "\n".join([_HEAD, *(line for board in boards for line in _board(board)), _TAIL])


def table(board: Board, idle: str = "") -> str:
    """The table of wires."""
    return "\n".join(_rows(_HEADS, (cells(wire) for wire in wires_of(board, idle))))


def cells(wire: Wire) -> tuple[str, ...]:
    """A wire as the cells of the table."""
    bcm = "" if wire.bcm is None else str(wire.bcm)
    physical = "" if wire.physical is None else str(wire.physical)
    return (wire.part, wire.signal, bcm, physical, wire.colour, wire.via)


def power(board: Board) -> str:
    """The table of what everything draws."""
    told = budget(board)
    rows = [
        (row.what, f"{row.typical_ma:g}", f"{row.peak_ma:g}") for row in (*told.rows, told.total)
    ]
    heads = ("at 5 V", "typical, mA", "peak, mA")
    return "\n".join(_rows(heads, rows))


def _board(board: Board) -> Iterator[str]:
    supply, told = board.supply, budget(board)
    yield f"## {board.title}\n"
    yield f"Profile: [boards/{board.model}.toml](boards/{board.model}.toml)\n"
    yield f"![Wiring of the {board.title}](wiring/{board.model}.svg)\n"
    yield table(board)
    yield ""
    yield power(board)
    spare = f"{told.margin:.0%} to spare at peak"
    yield f"\nThe supply: {supply.what}, into {supply.connector}: {spare}.\n"


def _rows(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
