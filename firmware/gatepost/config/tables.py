"""The tables of a document -> the sections of a Config; every problem remembered with its line."""

from __future__ import annotations

import json
import re
import types
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin, get_type_hints

from gatepost.config.schema import READER_TYPES, Config, ReaderConfig
from gatepost.config.values import faults, list_faults, meant, path_faults, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.config.lines import Lines, Where

_MOST_READERS = 8
_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Tables:
    """Reads the tables of one document.

    Attributes:
        problems: with the line of each, in the order in which they were found.
    """

    def __init__(self, path: Path, lines: Lines) -> None:
        self.problems: list[tuple[int, str]] = []
        self._path = path
        self._lines = lines

    def problem(self, where: Where, text: str) -> None:
        """Remember that something is wrong at `where`."""
        line = self._lines.of(where)
        self.problems.append((line, f"{self._path}:{line}: {_name(where)}: {text}"))

    def sections(self, document: dict[str, Any]) -> dict[str, Any]:
        """The values for Config's fields; None stands for what has problems."""
        self._unknown((), document, [item.name for item in fields(Config)])
        hints = get_type_hints(Config)
        sections: dict[str, Any] = {}
        for item in fields(Config):
            if item.name == "reader":
                sections["reader"] = self._readers(document.get("reader"))
            elif item.name in document:
                kind = _bare(hints[item.name])
                sections[item.name] = self._table((item.name,), kind, document[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                self.problem((item.name,), f"the table [{item.name}] is missing")
                sections[item.name] = None
        return sections

    def _readers(self, value: Any) -> tuple[ReaderConfig | None, ...]:
        if value is None or value == []:
            self.problem(("reader",), "at least one [[reader]] is needed")
        elif not isinstance(value, list):
            self.problem(("reader",), "is written [[reader]], with double brackets")
        elif len(value) > _MOST_READERS:
            too_many = ("reader", _MOST_READERS)
            self.problem(too_many, f"at most {_MOST_READERS} readers, here are {len(value)}")
        else:
            return tuple(self._reader(("reader", n), entry) for n, entry in enumerate(value))
        return ()

    def _reader(self, where: Where, entry: Any) -> ReaderConfig | None:
        if not isinstance(entry, dict):
            self.problem(where, "must be a table")
            return None
        kind = entry.get("type")
        if not isinstance(kind, str) or kind not in READER_TYPES:
            told = f"{shown(kind)}{meant(kind, READER_TYPES)}" if "type" in entry else "is missing"
            self.problem((*where, "type"), f"must be one of {', '.join(READER_TYPES)}; {told}")
            return None
        rest = {name: value for name, value in entry.items() if name != "type"}
        return cast("ReaderConfig | None", self._table(where, READER_TYPES[kind], rest))

    def _table(self, where: Where, kind: type, value: Any) -> Any:
        if not isinstance(value, dict):
            self.problem(where, f"must be a table: write [{where[0]}]")
            return None
        items = fields(kind)
        before = len(self.problems)
        self._unknown(where, value, [item.name for item in items])
        hints = get_type_hints(kind)
        values = {}
        for item in items:
            if item.name in value:
                here = (*where, item.name)
                values[item.name] = self._value(here, item, hints[item.name], value[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                self.problem((*where, item.name), f"is missing: {item.metadata['doc']}")
        return kind(**values) if len(self.problems) == before else None

    def _unknown(self, where: Where, value: dict[str, Any], known: list[str]) -> None:
        for name in value:
            if name not in known:
                self.problem((*where, name), f"there is no such key{meant(name, known)}")

    def _value(self, where: Where, item: Field[Any], hint: Any, value: Any) -> Any:
        if get_origin(hint) is tuple:
            good = self._told(where, list_faults(item.metadata, value))
            return tuple(value) if good else None
        kind = _bare(hint)
        if not self._told(where, faults(kind, item.metadata, value)):
            return None
        if kind is not Path:
            return kind(value)
        path = self._path.parent / value
        self._told(where, path_faults(item.metadata, path))
        return path

    def _told(self, where: Where, found: Iterable[str]) -> bool:
        """Remember the faults that were found; True when there are none."""
        before = len(self.problems)
        for fault in found:
            self.problem(where, fault)
        return len(self.problems) == before


def _bare(hint: Any) -> type:
    """The type of an optional hint: `Path | None` -> Path."""
    if get_origin(hint) in {Union, types.UnionType}:
        return cast("type", next(part for part in get_args(hint) if part is not type(None)))
    return cast("type", hint)


def _name(where: Where) -> str:
    """How people call it: reader[0].name; what is odd in a key is escaped and cut."""
    told = ""
    for part in where:
        if isinstance(part, int):
            told += f"[{part}]"
        else:
            told += f".{part if _BARE.fullmatch(part) else json.dumps(part[:60])}"
    return told.removeprefix(".")
