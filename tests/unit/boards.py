"""The shipped profiles, and profiles with something changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatepost.config import load_board
from gatepost.errors import ConfigError

HARDWARE = Path(__file__).parents[2] / "hardware"
PROFILES = sorted((HARDWARE / "boards").glob("*.toml"))
PI_4 = HARDWARE / "boards" / "pi-4.toml"


def changed(*changes: tuple[str, str], profile: Path = PI_4) -> str:
    """A profile with words replaced, each of which must stand in it."""
    text = profile.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def problems(folder: Path, text: str) -> list[str]:
    """What is told of a profile with this text, without its folder."""
    path = folder / "board.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    return [told.removeprefix(f"{folder}/") for told in caught.value.problems]


def line_of(text: str, start: str) -> int:
    """The number of the line that begins so."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(start))
