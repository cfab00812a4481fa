"""TOML text -> Config, or every problem at once, each with its line and a suggestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.config.documents import document_of, plain, text_of
from gatepost.config.lines import Lines
from gatepost.config.schema import Config
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

    Raises ConfigError with every problem in it.
    """
    text = plain(text)
    document = document_of(text, path)
    tables = Tables(path, Lines(text))
    sections = tables.sections(document)
    for where, told in contradictions(sections):
        tables.problem(where, told)
    if tables.problems:
        raise ConfigError([problem for _, problem in sorted(tables.problems)])
    return Config(**sections)
