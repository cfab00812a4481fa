"""Codes of places: what hangs at a door for visitors to scan, and must never count as a visitor.

The national platforms' payloads are not public: any URL of their domains is a site code.
"""

from __future__ import annotations

from gatepost.codes.url import host
from gatepost.model import Code, Kind

_DOMAINS = ("tokhaiyte.vn", "pccovid.gov.vn")
_PREFIXES = ("NZCOVIDTRACER:", "UKC19TRACING:", "GATEPOST-SITE:")


def recognise(text: str) -> Code | None:
    """A site code, or None when it is none."""
    text = text.strip()
    if text.upper().startswith(_PREFIXES):
        return Code(Kind.SITE)
    name = host(text)
    if any(name == domain or name.endswith("." + domain) for domain in _DOMAINS):
        return Code(Kind.SITE)
    return None
