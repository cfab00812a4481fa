"""The power budget: what everything that is fitted draws of the 5 V supply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.boards.board import Board

MARGIN = 0.2
"""The share of the supply that must be left at the peak: supplies age, cables drop volts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One consumer; mA at 5 V."""

    what: str
    typical_ma: float
    peak_ma: float


@dataclass(frozen=True, slots=True)
class Budget:
    """All of them, and what is left: `margin` is the share of the supply at the peak."""

    rows: tuple[Row, ...]
    total: Row
    margin: float


def budget(board: Board) -> Budget:
    """The power budget of a board."""
    supply = board.supply
    rows = (
        Row(board.title, supply.board_typical_ma, supply.board_peak_ma),
        *(Row(part.what, part.typical_ma, part.peak_ma) for part in board.parts.values()),
    )
    typical = sum(row.typical_ma for row in rows)
    peak = sum(row.peak_ma for row in rows)
    return Budget(rows, Row("together", typical, peak), 1 - peak / supply.ma)
