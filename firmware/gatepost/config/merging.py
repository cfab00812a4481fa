"""A station's file over its board's profile: key by key, each problem told where the key stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatepost.boards import FITTED, faults
from gatepost.config.documents import text_of
from gatepost.config.profiles import MOST_BYTES, Reading, absent
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.boards import Board
    from gatepost.config.lines import Where
    from gatepost.config.tables import Tables

PROFILE: Where = ("board", "profile")


@dataclass(slots=True)
class Merged:
    """A document with the profile's tables as defaults.

    Attributes:
        document: the station's, filled up.
        board: what it is built on, without what is not fitted; None without a whole profile.
        lent: the keys that came from the profile, and where their problems are told.
        places: tables that stand in the profile alone, and what stands for them in the file.
        found: problems with the choice of the profile's parts.
        broken: problems of a profile that is no TOML.
        profile: what was read of it.
    """

    document: dict[str, Any]
    board: Board | None = None
    lent: dict[Where, Tables] = field(default_factory=dict)
    places: dict[str, Where] = field(default_factory=dict)
    found: list[tuple[Where, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    profile: Reading | None = None

    def faults(self) -> Iterator[tuple[Where, str]]:
        """Pins of the whole that the board has not, or has for something else."""
        if self.board is not None:
            yield from faults(self.board.model, self.board.uses, self.document)


def merged(document: dict[str, Any], folder: Path) -> Merged:
    """`document` with what its `[board] profile`, relative to `folder`, gives."""
    whole = Merged(document)
    table = document.get("board")
    name = table.get("profile") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(name, str):
        return whole
    path = folder / name
    try:
        if not path.is_file():  # told as any path that is not there
            return whole
        whole.profile = Reading(path, text_of(path, MOST_BYTES))
    except ConfigError as error:
        whole.broken = error.problems
    except (OSError, ValueError):  # a name that is none
        return whole
    if whole.profile is not None:
        _fill(whole, whole.profile, _names(table.get("without")))
    return whole


def _names(without: Any) -> tuple[str, ...]:
    if not isinstance(without, list):
        return ()
    return tuple(each for each in without if isinstance(each, str) and each in FITTED)


def _fill(whole: Merged, profile: Reading, without: tuple[str, ...]) -> None:
    own = whole.document
    whole.document = dict(own)
    for name in without:
        if name in own:
            told = f"names {name!r}, but this file has [{name}]: keep one of them"
            whole.found.append((("board", "without"), told))
    if profile.board is not None:
        whole.board = profile.board.without(without)
        told_absent = absent(without, profile.board)
        whole.found += [(("board", "without"), told) for told in told_absent]
    for name, given in profile.given.items():
        mine = own.get(name, {})
        if name in without or not isinstance(mine, dict):
            continue
        whole.document[name] = given | mine
        whole.lent |= {(name, key): profile.tables for key in given if key not in mine}
        if name not in own:
            whole.places[name] = PROFILE
