"""Links: shown by mistake, never opened by a station."""

from __future__ import annotations

from urllib.parse import urlsplit

from gatepost.model import Code, Kind


def host(text: str) -> str:
    """The host of a web link in lower case, or "" when it is none."""
    try:
        parts = urlsplit(text)
        name = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not name:
        return ""
    return name.rstrip(".").lower()


def recognise(text: str) -> Code | None:
    """A link, or None when it is none."""
    return Code(Kind.URL) if host(text.strip()) else None
