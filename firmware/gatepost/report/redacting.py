"""Takes out of a text what may name a visitor, a network or a device. Pure.

The house rule is that no log has any of it; this is for the day on which the rule was broken.
It would rather take too much.
"""

from __future__ import annotations

import re
from typing import Any

MOST_LINE = 1000
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN[^-]*-----.*?(-----END[^-]*-----|\Z)", re.DOTALL), "[key]"),
    (re.compile(r"(?i)\b(?:HC1:|NZCP:/|shc:/|eyJ)[^\s\"']*"), "[code]"),
    (re.compile(r"\S*\|[^\n]*"), "[code]"),  # PC-Covid, citizen cards and insurance cards
    (re.compile(r"'[^'\n]*'"), "'[quoted]'"),  # what an error quotes
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[address]"),
    (re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}[:-]){5,7}[0-9A-Fa-f]{2}(?![\w:-])"), "[mac]"),
    (
        re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?:%\w+)?(?![\w:])"),
        "[ip6]",
    ),
    (
        re.compile(r"(?i)\b(serial(?:[ _-]?(?:number|no))?|e?ssid|psk|password|passphrase|token)"
                   r"\b\"?\s*[:=]\s*(?:\"[^\"]*\"|\S+)"),
        r"\1: [left out]",
    ),
    (re.compile(r"(?<![\w/])/(home|media|run/media|Users)/[^/\s\"']+"), r"/\1/[user]"),
    (re.compile(r"[A-Za-z0-9+_-]{40,}=*"), "[long]"),  # keys, hashes, tokens
    (re.compile(r"\*{3,}\S*"), "[number]"),
    (re.compile(r"(?<!\d)\+?\d{2,4}(?:[ -]\d{2,4}){2,}(?!\d)(?![T:])(?<!-\d\d)"), "[number]"),
    (re.compile(r"\d{9,}"), "[number]"),  # citizens' and telephone numbers
    (re.compile(r"(?<!\d)\d{1,2}/\d{1,2}/\d{4}(?!\d)"), "[date]"),
    (re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?![T\d])"), "[date]"),
)  # fmt: skip
_CLOCK = re.compile(r"(?<![0-9A-Za-z:])\d\d:\d\d:\d\d(?![0-9A-Za-z:])")
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)+")


def redacted(text: str, *, names: bool = True) -> str:
    """The text, of a line or more, without it. `names`: also what looks like a person's name."""
    clocks: list[str] = []

    def keep(found: re.Match[str]) -> str:
        clocks.append(found[0])  # a time of day looks like the end of an IPv6 address
        return f"\0{len(clocks) - 1}\0"

    text = _CLOCK.sub(keep, text.replace("\0", ""))
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    if names:
        text = _WORDS.sub(_without_names, text)
    for number, clock in enumerate(clocks):
        text = text.replace(f"\0{number}\0", clock)
    return text


def _without_names(found: re.Match[str]) -> str:
    """Two words or more that begin with capitals: a name, in any language that has them."""
    told: list[str] = []
    run: list[str] = []
    for word in [*found[0].split(" "), ""]:
        if word[:1].isupper():
            run.append(word)
            continue
        told += ["[name]"] if len(run) > 1 else run
        run = []
        told.append(word)
    return " ".join(told[:-1])


def scrubbed(value: Any, *, names: bool = True) -> Any:
    """The same for a JSON value: each text in it, keys too; numbers stay."""
    if isinstance(value, str):
        return redacted(value[:MOST_LINE], names=names)
    if isinstance(value, dict):
        return {
            redacted(str(key), names=names): scrubbed(each, names=names)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [scrubbed(each, names=names) for each in value]
    return value if isinstance(value, (int, float, type(None))) else type(value).__name__
