"""Names of people, as far as a screen may show them."""

from __future__ import annotations

import unicodedata

_MOST_PARTS = 5
_MOST_CHARACTERS = 200


def clean(name: str) -> str:
    """A name in normal form (NFC: a letter and its marks are one), single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def initials(name: str) -> str:
    """The initials: NGUYEN VAN A gives N.V.A.; only letters, so nothing else comes through."""
    parts = unicodedata.normalize("NFC", name[:_MOST_CHARACTERS]).split()[:_MOST_PARTS]
    return "".join(f"{part[0].upper()}." for part in parts if part[0].isalpha())
