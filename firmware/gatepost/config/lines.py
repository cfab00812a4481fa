"""Where each key of a TOML text stands: tomllib tells values, not lines.

A scan of the text for table headers and bare keys; enough for the tables that a gatepost
configuration has. A key that it does not find is reported with the line of its table.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


class Lines:
    """Line numbers, from 1, by (table, key); a table in an array is "reader[0]"."""

    def __init__(self, text: str) -> None:
        self._of: dict[tuple[str, str], int] = {}
        counts: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                table = header[2]
                if header[1] == "[[":
                    index = counts.get(table, 0)
                    counts[table] = index + 1
                    table = f"{table}[{index}]"
                self._of.setdefault((table, ""), number)
            elif found := _KEY.match(line):
                self._of.setdefault((table, found[1]), number)

    def of(self, table: str, name: str = "") -> int:
        """The line of a key, else of its table, else 1."""
        return self._of.get((table, name)) or self._of.get((table, "")) or 1
