"""The tables of a document -> dataclasses of entries; every problem remembered with its line."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping  # noqa: TC003 - a dataclass names it
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin, get_type_hints

from gatepost.config.schema import READER_TYPES, Config
from gatepost.config.values import faults, list_faults, meant, path_faults, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.config.lines import Lines, Where

_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True, slots=True)
class Array:
    """An array of tables, such as [[reader]].

    Attributes:
        kinds: what each of them is; or what it is by its key `type`.
        least, most: how many there may be.
    """

    kinds: type | Mapping[str, type]
    least: int
    most: int


_READERS: Mapping[str, Array] = {"reader": Array(READER_TYPES, least=1, most=8)}
_NOT_LENT = "; no profile of a board says it for the site"


class Tables:
    """Reads the tables of one document.

    Args:
        path, lines: the file, and where what stands in it.
        lent: keys that stand in another file, and who tells their problems.
        places: tables that stand in another file, and what of this one stands for them.

    Attributes:
        problems: with the line of each, in the order in which they were found.
    """

    def __init__(
        self,
        path: Path,
        lines: Lines,
        lent: Mapping[Where, Tables] | None = None,
        places: Mapping[str, Where] | None = None,
    ) -> None:
        self.problems: list[tuple[int, str]] = []
        self._path = path
        self._lines = lines
        self._lent = lent or {}
        self._places = places or {}

    def problem(self, where: Where, text: str) -> None:
        """Remember that something is wrong at `where`."""
        if lender := self._lent.get(where[:2]):
            lender.problem(where, text)
            return
        line = self._lines.of(self._places.get(str(where[0]), where))
        self.problems.append((line, f"{self._path}:{line}: {_name(where)}: {text}"))

    def sections(
        self,
        document: dict[str, Any],
        root: type = Config,
        arrays: Mapping[str, Array] = _READERS,
        *,
        spoken: Mapping[str, type] | None = None,
        at: Where = (),
    ) -> dict[str, Any]:
        """The values for the fields of `root`; None stands for what has problems.

        Args:
            document: as tomllib gives it.
            root: a dataclass with a field for each table, of the type of that table.
            arrays: those of its fields that are arrays of tables.
            spoken: those whose table is read as this, for it says what the field will be.
            at: the table in which these stand.
        """
        self._unknown(at, document, [item.name for item in fields(root)])
        hints = get_type_hints(root) | dict(spoken or {})
        sections: dict[str, Any] = {}
        for item in fields(root):
            if item.name in arrays:
                value = document.get(item.name)
                sections[item.name] = self._array((item.name,), arrays[item.name], value)
            elif item.name in document:
                kind = _bare(hints[item.name])
                sections[item.name] = self._table((*at, item.name), kind, document[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                self.problem((*at, item.name), f"the table [{item.name}] is missing")
                sections[item.name] = None
        return sections

    def _array(self, where: Where, array: Array, value: Any) -> tuple[Any, ...]:
        name, most = where[0], array.most
        if value is None or value == []:
            if array.least:
                self.problem(where, f"at least one [[{name}]] is needed")
        elif not isinstance(value, list):
            self.problem(where, f"is written [[{name}]], with double brackets")
        elif len(value) > most:
            self.problem((*where, most), f"at most {most} {name}s, here are {len(value)}")
        else:
            return tuple(self._entry((*where, n), array, entry) for n, entry in enumerate(value))
        return ()

    def _entry(self, where: Where, array: Array, entry: Any) -> Any:
        if not isinstance(entry, dict):
            self.problem(where, "must be a table")
            return None
        if isinstance(array.kinds, type):
            return self._table(where, array.kinds, entry)
        kind = entry.get("type")
        if not isinstance(kind, str) or kind not in array.kinds:
            told = f"{shown(kind)}{meant(kind, array.kinds)}" if "type" in entry else "is missing"
            self.problem((*where, "type"), f"must be one of {', '.join(array.kinds)}; {told}")
            return None
        rest = {name: value for name, value in entry.items() if name != "type"}
        return self._table(where, array.kinds[kind], rest)

    def _table(self, where: Where, kind: type, value: Any) -> Any:
        if not isinstance(value, dict):
            self.problem(where, f"must be a table: write [{_name(where)}]")
            return None
        items = fields(kind)
        before = self._count()
        self._unknown(where, value, [item.name for item in items])
        hints = get_type_hints(kind)
        lent = _NOT_LENT if where[0] in self._places else ""
        values = {}
        for item in items:
            if item.name in value:
                here = (*where, item.name)
                values[item.name] = self._value(here, item, hints[item.name], value[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                self.problem((*where, item.name), f"is missing: {item.metadata['doc']}{lent}")
        return kind(**values) if self._count() == before else None

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
        before = self._count()
        for fault in found:
            self.problem(where, fault)
        return self._count() == before

    def _count(self) -> int:
        """How many problems there are, wherever they are told."""
        lenders = set(self._lent.values())
        return len(self.problems) + sum(len(each.problems) for each in lenders)


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
