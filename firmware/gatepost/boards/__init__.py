"""Boards: which Raspberry Pi a station is, what is fitted to which pin, how it is wired and fed."""

from gatepost.boards.board import Board, Part, Supply
from gatepost.boards.checks import FITTED, PIN_KEYS, claims, faults
from gatepost.boards.header import HEADER, PHYSICAL
from gatepost.boards.models import INTERFACES, MODELS, Model, machine
from gatepost.boards.notes import notes
from gatepost.boards.power import Row, budget
from gatepost.boards.wires import Wire, wires_of

__all__ = [
    "FITTED",
    "HEADER",
    "INTERFACES",
    "MODELS",
    "PHYSICAL",
    "PIN_KEYS",
    "Board",
    "Model",
    "Part",
    "Row",
    "Supply",
    "Wire",
    "budget",
    "claims",
    "faults",
    "machine",
    "notes",
    "wires_of",
]
