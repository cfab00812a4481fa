"""One table of a schema as a section of its reference, in Markdown."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from inspect import cleandoc
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true/false", Path: "path"}


def sheet(title: str, kind: Any) -> Iterator[str]:
    """The lines for the table whose keys are the fields of `kind`, a dataclass of entries."""
    hints = get_type_hints(kind)
    yield f"## `{title}`\n\n{cleandoc(kind.__doc__)}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for item in fields(kind):
        cells = (f"`{item.name}`", _value(item, hints[item.name]), _default(item))
        yield f"| {' | '.join(cells)} | {item.metadata['doc']} |"
    yield ""


def _value(item: Field[Any], hint: Any) -> str:
    rules = item.metadata
    listed = get_origin(hint) is tuple
    if rules["choices"]:
        told = ", ".join(f"`{choice}`" for choice in rules["choices"] if choice != "")
        return f"list of {told}" if listed else told
    if listed:
        return f"list of texts, at most {rules['most']}"
    kind = next(part for part in (*get_args(hint), hint) if part is not NoneType)
    word = _WORDS.get(kind, "text")
    if rules["least"] is not None and rules["most"] is not None:
        return f"{word}, {rules['least']} to {rules['most']}"
    return f"{word}, at least {rules['least']}" if rules["least"] is not None else word


def _default(item: Field[Any]) -> str:
    if item.default is MISSING:
        return "*needed*"
    if item.default is None or item.default == "":
        return ""
    if isinstance(item.default, tuple):
        return ", ".join(f"`{each}`" for each in item.default)
    return f"`{str(item.default).lower() if isinstance(item.default, bool) else item.default}`"
