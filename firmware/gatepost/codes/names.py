"""Names of people, as far as a screen may show them."""

from __future__ import annotations

import unicodedata

_MOST_PARTS = 5


def initials(name: str) -> str:
    """The initials: NGUYEN VAN A gives N.V.A.; only letters, so nothing else comes through."""
    parts = unicodedata.normalize("NFC", name).split()[:_MOST_PARTS]
    return "".join(f"{part[0].upper()}." for part in parts if part[0].isalpha())
