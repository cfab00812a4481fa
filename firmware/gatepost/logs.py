"""The log: one line an event, for people or as JSON; never a visitor's data.

A message is a few fixed words; what varies stands in `extra={"fields": {...}}`. Values are
made printable here, whatever they came from, so that nothing can forge a line.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from gatepost.errors import told

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 300


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        words = [f"{when}Z", record.levelname.lower(), plain(record.getMessage())]
        words += [f"{name}={_word(value)}" for name, value in _fields(record).items()]
        return " ".join(words)


def _word(value: object) -> str:
    """A value in the text form: in quotes where it would not end at the next blank."""
    shown = plain(value)
    return json.dumps(shown, ensure_ascii=False) if any(c in shown for c in ' ="') else shown


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix("gatepost."),
            "message": plain(record.getMessage()),
        }
        values = _fields(record).items()
        line |= {key: val if isinstance(val, (int, float)) else plain(val) for key, val in values}
        return json.dumps(line, ensure_ascii=False)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    given = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[0] is not None:
        given["error"] = told(record.exc_info[1])
    return given


def plain(value: object) -> str:
    """A value as one printable line: what is not printable is escaped, what is long is cut."""
    text = value if isinstance(value, str) else str(value)
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def set_up(form: str, level: str, stream: IO[str] | None = None) -> None:
    """Log to `stream` (standard error) as "text" or "json" from `level` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries speak up only when something is wrong
    logging.getLogger("gatepost").setLevel(level.upper())


class _Last(logging.Handler):
    """Our own lines alone: a library's may quote anything."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self.setFormatter(_Text())
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] == "gatepost":
            self._write(self.format(record))


def keep_last(write: Callable[[str], None]) -> None:
    """Also give each of our own lines, as text, to `write`, which must neither wait nor raise."""
    logging.getLogger().addHandler(_Last(write))
