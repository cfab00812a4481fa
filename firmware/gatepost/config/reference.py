"""The reference of the configuration, written from the schema itself.

python -m gatepost.config.reference > firmware/CONFIGURATION.md
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from gatepost.config.schema import READER_TYPES, Config

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true/false", Path: "path"}
_HEAD = """\
# Configuration of a station

One TOML file. Paths are relative to it. `gatepost check-config FILE` tells every problem at once,
with its line. Hardware that is not fitted has no table. This page is written from the schema:
`python -m gatepost.config.reference`.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_HEAD, *_tables()])


def _tables() -> Iterator[str]:
    hints = get_type_hints(Config)
    for item in fields(Config):
        if item.name == "reader":
            yield from _readers()
            continue
        kind = next(
            part
            for part in (*get_args(hints[item.name]), hints[item.name])
            if part is not NoneType and is_dataclass(part)
        )
        yield from _table(f"[{item.name}]", kind)


def _readers() -> Iterator[str]:
    for name, kind in READER_TYPES.items():
        yield from _table(f'[[reader]] with type = "{name}"', kind)


def _table(title: str, kind: Any) -> Iterator[str]:
    hints = get_type_hints(kind)
    yield f"## `{title}`\n\n{kind.__doc__}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for item in fields(kind):
        cells = (f"`{item.name}`", _value(item, hints[item.name]), _default(item))
        yield f"| {' | '.join(cells)} | {item.metadata['doc']} |"
    yield ""


def _value(item: Field[Any], hint: Any) -> str:
    rules = item.metadata
    if rules["choices"]:
        listed = ", ".join(f"`{choice}`" for choice in rules["choices"] if choice != "")
        return f"list of {listed}" if get_origin(hint) is tuple else listed
    kind = next(part for part in (*get_args(hint), hint) if part is not NoneType)
    word = _WORDS.get(kind, "text")
    if rules["least"] is not None and rules["most"] is not None:
        return f"{word}, {rules['least']:g} to {rules['most']:g}"
    return f"{word}, at least {rules['least']:g}" if rules["least"] is not None else word


def _default(item: Field[Any]) -> str:
    if item.default is MISSING:
        return "*needed*"
    if item.default is None or item.default == "":
        return ""
    if isinstance(item.default, tuple):
        return ", ".join(f"`{each}`" for each in item.default)
    return f"`{str(item.default).lower() if isinstance(item.default, bool) else item.default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
