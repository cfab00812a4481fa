"""TOML text -> Config, or every problem at once, each with its line and a suggestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.config.documents import document_of, plain, text_of
from gatepost.config.lines import Lines
from gatepost.config.merging import merged
from gatepost.config.schema import SPOKEN, Config
from gatepost.config.tables import Tables
from gatepost.config.whole import contradictions
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 256 * 1024


def load(path: Path) -> Config:
    """Read the configuration at `path`. Raises ConfigError with every problem in it."""
    return parse(text_of(path, _MOST_BYTES), path)


def parse(text: str, path: Path) -> Config:
    """Parse a configuration; paths in it are relative to the folder of `path`.

    Parts that the profile of its `[board]` fits are filled in from there.
    Raises ConfigError with every problem in it, those of the profile first.
    """
    text = plain(text)
    whole = merged(document_of(text, path), path.parent)
    tables = Tables(path, Lines(text), whole.lent, whole.places)
    sections = tables.sections(whole.document, spoken=SPOKEN)
    for where, told in (*whole.found, *contradictions(sections), *whole.faults()):
        tables.problem(where, told)
    problems = [*whole.broken, *(whole.profile.problems() if whole.profile else ())]
    problems += [problem for _, problem in sorted(tables.problems)]
    if problems:
        raise ConfigError(problems)
    return Config(**sections | {"board": whole.board})
