"""A TOML file -> its text -> its document; what is wrong with either is told with its line."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from gatepost.config.lines import too_much
from gatepost.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")
_KIB = 1024


def text_of(path: Path, most_bytes: int) -> str:
    """What stands in the file. Raises ConfigError: not there, too large, not UTF-8."""
    try:
        with path.open("rb") as file:
            coded = file.read(most_bytes + 1)
    except FileNotFoundError as error:
        raise ConfigError([f"{path}: there is no such file"]) from error
    except IsADirectoryError as error:
        raise ConfigError([f"{path}: is a folder, not a file"]) from error
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise ConfigError([f"{path}: cannot be read: {told}"]) from error
    if len(coded) > most_bytes:
        raise ConfigError([f"{path}: is larger than {most_bytes // _KIB} KiB"])
    try:
        return coded.decode("utf-8")
    except UnicodeDecodeError as error:
        line = coded.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}:{line}: is not UTF-8: {error.reason}"]) from error


def plain(text: str) -> str:
    """The text without what some editors add: a byte order mark, carriage returns."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def document_of(text: str, path: Path) -> dict[str, Any]:
    """What tomllib makes of a plain text. Raises ConfigError."""
    if found := too_much(text):
        raise ConfigError([f"{path}:{found[0]}: {found[1]}"])
    try:
        return tomllib.loads(text)
    except ValueError as error:  # not only its own TOMLDecodeError
        told = str(error)
        at = _AT_LINE.search(told)
        line = at[1] if at else text.rstrip("\n").count("\n") + 1
        raise ConfigError([f"{path}:{line}: not TOML: {_AT_LINE.sub('', told)}"]) from error
