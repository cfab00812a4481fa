"""The reference of rules files, written from the schema itself, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.config.sheets import sheet
from gatepost.rules.schema import AllowTable, DenyTable, GateTable, KindTable

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = """\
# Rules of a gate

A TOML file of its own, named by `rules` in `[gate]`, or sent by the centre, signed, which takes
its place. Every table and key may be left out: a gate without rules takes PC-Covid codes, citizen
cards and insurance cards, and records who comes in and goes out. Rules that contradict each other
are refused as a whole, each with its line, and those held stay.
"""
_ORDER_HEAD = """\
## In which order they decide

The first that applies is the reason; the station looks no further.

| looked at | reasons |
|---|---|
"""
_EXAMPLE = """\
## Example of rules

An office that takes vaccine passports and its own passes too.

```toml
[gate]
accept = ["pc-covid", "cccd", "bhyt", "dcc", "pass"]
open = ["mon-fri 07:00-17:30", "sat 08:00-12:00"]
capacity = 200
anti_passback = "warn"

[[kind]]
name = "dcc"
max_age_days = 365
issuers = ["VN", "DE"]

[deny]
salt = "b7Jx0mDk2VtQw9ZrLh4s"
subjects = ["pass:3q2-7wAAAAAAAAAAAAAAAA"]
```
"""
EXAMPLE = _EXAMPLE.split("```toml\n")[1].split("```", maxsplit=1)[0]
_TABLES = {
    "[gate] in rules": GateTable,
    "[[kind]] in rules": KindTable,
    "[deny] in rules": DenyTable,
    "[allow] in rules": AllowTable,
}


def reference(order: Iterable[tuple[str, Iterable[str]]] = ()) -> str:
    """The page; `order`: what is looked at and the reasons, as gate.ORDER has them."""
    rows = "".join(f"| {what} | {_listed(reasons)} |\n" for what, reasons in order)
    tables = (line for title, kind in _TABLES.items() for line in sheet(title, kind))
    return "\n".join([_HEAD, *tables, f"{_ORDER_HEAD}{rows}", _EXAMPLE])


def _listed(reasons: Iterable[str]) -> str:
    return ", ".join(f"`{reason}`" for reason in reasons)
