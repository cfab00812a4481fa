"""Where each key of a TOML text stands: tomllib tells values, not lines.

A scan for statements (`[table]`, `[[table]]`, `key = value`); what stands within a value, as the
keys of an inline table do, has the line where the value begins.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Where: TypeAlias = tuple[str | int, ...]  # ("reader", 0, "name")

_PART = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_NAME = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_STATEMENT = re.compile(rf"[ \t]*(?:(\[\[?)[ \t]*({_NAME})[ \t]*\]|({_NAME})[ \t]*=)")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"""|[^"'\#\[\]{}\n]+""",
    re.DOTALL,
)
_DIGITS = re.compile(r"[0-9][0-9_]{4000}")  # Python itself refuses 4,300
_MOST_DEPTH = 32
_DEEPER = {"[": 1, "{": 1, "]": -1, "}": -1}


class Lines:
    """Line numbers, from 1, of a TOML text that tomllib takes; lines end with a newline."""

    def __init__(self, text: str) -> None:
        self._of: dict[Where, int] = {}
        self._arrays: dict[Where, int] = {}
        table: Where = ()
        for number, brackets, parts in _statements(text):
            if brackets:
                table = self._path((), parts[:-1])
                table = self._entry(table, parts[-1], array=brackets == "[[")
                self._note(table, number)
            else:
                self._note(self._path(table, parts), number)

    def of(self, where: Where) -> int:
        """The line of a key, else of the innermost table around it that is there, else 1."""
        for length in range(len(where), 0, -1):
            if line := self._of.get(where[:length]):
                return line
        return 1

    def _note(self, where: Where, number: int) -> None:
        for length in range(1, min(len(where), _MOST_DEPTH) + 1):
            self._of.setdefault(where[:length], number)

    def _path(self, table: Where, parts: list[str]) -> Where:
        for part in parts[:_MOST_DEPTH]:
            table = self._entry(table, part, array=False)
        return table

    def _entry(self, table: Where, part: str, *, array: bool) -> Where:
        """The path of `part` in `table`: of an array of tables, its last or a new one."""
        where: Where = (*table, part)
        if array:
            self._arrays[where] = self._arrays.get(where, -1) + 1
        return (*where, self._arrays[where]) if where in self._arrays else where


def too_much(text: str) -> tuple[int, str] | None:
    """The line of what tomllib stumbles over, and what it is: deep nesting, huge numbers.

    For a name of n parts it takes room for n * n / 2 of them: gigabytes for a small file.
    """
    depth, line, dots = 0, 1, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        depth = max(0, depth + _DEEPER.get(word, 0))
        if depth > _MOST_DEPTH:
            return line, f"brackets within brackets, more than {_MOST_DEPTH} deep"
        if word[0] not in "\"'#" and _DIGITS.search(word):
            return line, "a number of more than 4000 digits"
        dots = _dots(word, dots)
        if dots > _MOST_DEPTH:
            return line, f"a name of more than {_MOST_DEPTH} parts"
        line += word.count("\n")
    return None


def _dots(word: str, before: int) -> int:
    """How many dots the name has in which `word` ends, or that is far too long in it."""
    if word[0] in "\"'":
        return before
    if word[0] in "#\n" or word in _DEEPER:
        return 0
    counts = [piece.count(".") for piece in re.split("[=,]", word)]
    counts[0] += before
    return next((each for each in counts if each > _MOST_DEPTH), counts[-1])


def _statements(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line, brackets ("[", "[[", or "" for a key) and the name's parts of each statement."""
    place, line = 0, 1
    while place < len(text):
        found = _STATEMENT.match(text, place)
        if found:
            yield line, found[1] or "", [_plain(part) for part in re.findall(_PART, found[0])]
        end = _end(text, found.end() if found else place)
        line += text.count("\n", place, end)
        place = end


def _end(text: str, place: int) -> int:
    """Where a statement ends: after the first newline that is in no string and no bracket."""
    depth = 0
    for token in _TOKEN.finditer(text, place):
        depth += _DEEPER.get(token[0], 0)
        if token[0] == "\n" and depth <= 0:
            return token.end()
    return len(text)


def _plain(part: str) -> str:
    """A part of a name without its quotes and escapes, as tomllib itself understands it."""
    if part[0] not in "\"'":
        return part
    (name,) = tomllib.loads(f"{part} = 0")
    return name
