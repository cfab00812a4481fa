"""Links: shown by mistake, never opened by a station."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from gatepost.model import Claims, Code, Kind

_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Link(Claims):
    """Where a link leads: its host alone."""

    host: str


def host(text: str) -> str:
    """The host of a web link in lower case, or "" when it is none."""
    if not text[:8].lower().startswith(_SCHEMES):
        return ""
    try:
        name = urlsplit(text).hostname
    except ValueError:
        return ""
    return (name or "").rstrip(".").lower()


def recognise(text: str) -> Code | None:
    """A link, or None when it is none."""
    name = host(text.strip())
    return Code(Kind.URL, claims=Link(name)) if name else None
