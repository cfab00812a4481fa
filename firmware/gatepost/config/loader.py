"""TOML text -> Config, or every problem at once, each with its line and a suggestion."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from gatepost.config.lines import Lines, too_much
from gatepost.config.schema import Config
from gatepost.config.tables import Tables
from gatepost.config.whole import contradictions
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 256 * 1024
_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")


def load(path: Path) -> Config:
    """Read the configuration at `path`. Raises ConfigError with every problem in it."""
    try:
        with path.open("rb") as file:
            coded = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError([f"{path}: there is no such file"]) from error
    except IsADirectoryError as error:
        raise ConfigError([f"{path}: is a folder, not a file"]) from error
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise ConfigError([f"{path}: cannot be read: {told}"]) from error
    if len(coded) > _MOST_BYTES:
        raise ConfigError([f"{path}: is larger than {_MOST_BYTES // 1024} KiB"])
    try:
        return parse(coded.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        line = coded.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}:{line}: is not UTF-8: {error.reason}"]) from error


def parse(text: str, path: Path) -> Config:
    """Parse a configuration; paths in it are relative to the folder of `path`.

    Raises ConfigError with every problem in it.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")  # as some editors write it
    document = _document(text, path)
    tables = Tables(path, Lines(text))
    sections = tables.sections(document)
    for where, told in contradictions(sections):
        tables.problem(where, told)
    if tables.problems:
        raise ConfigError([problem for _, problem in sorted(tables.problems)])
    return Config(**sections)


def _document(text: str, path: Path) -> dict[str, Any]:
    """What tomllib makes of the text. Raises ConfigError."""
    if found := too_much(text):
        raise ConfigError([f"{path}:{found[0]}: {found[1]}"])
    try:
        return tomllib.loads(text)
    except ValueError as error:  # not only its own TOMLDecodeError
        told = str(error)
        at = _AT_LINE.search(told)
        line = at[1] if at else text.rstrip("\n").count("\n") + 1
        raise ConfigError([f"{path}:{line}: not TOML: {_AT_LINE.sub('', told)}"]) from error
