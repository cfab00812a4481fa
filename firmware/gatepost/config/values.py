"""One value of a configuration against the rules of its key: what is wrong with it."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import stat
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_WORDS = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path in quotes",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN = 60  # characters of a wrong value
_SHOWN_BITS = 64
_Found = TypeVar("_Found")


def faults(kind: type, rules: Mapping[str, Any], value: Any) -> Iterator[str]:
    """What is wrong with a value that should be of `kind`; nothing when it is good."""
    if not _fits(kind, value):
        yield f"must be {_WORDS[kind]}, is {_quoted(rules, value)}"
    elif isinstance(value, str):
        yield from _text_faults(rules, value)
    else:
        yield from _number_faults(rules, value)


def list_faults(rules: Mapping[str, Any], value: Any) -> Iterator[str]:
    """What is wrong with a value that should be a list of different texts: the first ten."""
    least = 1 if rules["choices"] else rules["least"] or 0
    most = len(rules["choices"]) or rules["most"]
    if not isinstance(value, list) or not all(type(entry) is str for entry in value):
        yield f"must be a list of texts, is {_quoted(rules, value)}"
    elif not least <= len(value) <= most:
        yield f"must have {least} to {most} entries, has {len(value)}"
    else:
        yield from first_of(_entry_faults(rules, value))


def first_of(found: Iterable[_Found], most: int = 10) -> Iterator[_Found]:
    """The first of many problems of one key: nobody reads a hundred thousand lines."""
    return islice(found, most)


def _entry_faults(rules: Mapping[str, Any], value: list[str]) -> Iterator[str]:
    for entry, times in Counter(value).items():
        yield from _text_faults(rules, entry)
        if times > 1:
            yield f"{_quoted(rules, entry)} stands there twice"


def path_faults(rules: Mapping[str, Any], path: Path) -> Iterator[str]:
    """What is wrong with what stands at a path, where the key's `place` wants anything of it."""
    place = rules["place"]
    try:
        mode = os.stat(path).st_mode if place else 0  # noqa: PTH116 - tells why it cannot
    except FileNotFoundError:
        if place != "folder":  # that one is made at the first start
            yield f"there is no {path}: {rules['doc']}"
        return
    except (OSError, ValueError) as error:
        yield f"{path} cannot be used: {getattr(error, 'strerror', None) or error}"
        return
    if place == "file" and stat.S_ISDIR(mode):
        yield f"{path} is a folder, not a file: {rules['doc']}"
    if place == "folder" and not stat.S_ISDIR(mode):
        yield f"{path} is not a folder: {rules['doc']}"


def shown(value: Any) -> str:
    """A wrong value as a problem shows it: short, in one line, whatever it is."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}..."
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _SHOWN_BITS else "a number with many digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else "a date or a time"


def _quoted(rules: Mapping[str, Any], value: Any) -> str:
    """The same, and what it is not where what stands there is nobody's business."""
    if not rules["private"] or isinstance(value, (list, dict)):
        return shown(value)
    return "a text (not shown)" if isinstance(value, str) else "something else (not shown)"


def meant(name: Any, known: Iterable[Any]) -> str:
    """The suggestion for a word that is not among the known ones, or ""."""
    if not isinstance(name, str):
        return ""
    texts = [each for each in known if isinstance(each, str) and each]
    close = difflib.get_close_matches(name[:_SHOWN], texts, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _fits(kind: type, value: Any) -> bool:
    wanted = {Path: (str,), float: (float, int)}.get(kind, (kind,))
    return type(value) in wanted  # exactly: true is no number


def _text_faults(rules: Mapping[str, Any], value: str) -> Iterator[str]:
    choices, pattern = rules["choices"], rules["pattern"]
    if choices:
        yield from _choice_faults(rules, value)
    elif _CONTROL.search(value):
        yield f"must be without control characters, is {_quoted(rules, value)}"
    elif pattern and not re.fullmatch(pattern, value, re.ASCII):
        yield f"{_quoted(rules, value)} does not fit {pattern}"
    elif not value:
        yield "must not be empty"


def _number_faults(rules: Mapping[str, Any], value: float) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"must be a number, is {shown(value)}"
        return
    if rules["choices"]:
        yield from _choice_faults(rules, value)
    if rules["least"] is not None and value < rules["least"]:
        yield f"must be at least {rules['least']}, is {shown(value)}"
    if rules["most"] is not None and value > rules["most"]:
        yield f"must be at most {rules['most']}, is {shown(value)}"


def _choice_faults(rules: Mapping[str, Any], value: Any) -> Iterator[str]:
    choices = rules["choices"]
    if isinstance(value, str) and value in rules["refused"]:
        yield f"{shown(value)} is not offered: {rules['refused'][value]}"
    elif value not in choices:
        listed = ", ".join(json.dumps(choice) for choice in choices if choice != "")
        yield f"must be one of {listed}; is {shown(value)}{meant(value, choices)}"
