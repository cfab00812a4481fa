"""EU Digital COVID Certificate, the format of Vietnam's vaccine passport too: `HC1:` + Base45.

Recognised by its form. It is signed; as long as the station holds no issuer's key, its trust
is "unknown-key" and nothing in it is believed.
"""

from __future__ import annotations

import re

from gatepost.model import Code, Kind, Trust

_FORM = re.compile(r"HC1:[0-9A-Z $%*+\-./:]{20,}")  # the Base45 alphabet, RFC 9285


def recognise(text: str) -> Code | None:
    """A vaccine passport, or None when it is none."""
    if not _FORM.fullmatch(text.strip("\r\n\t")):
        return None
    return Code(Kind.DCC, trust=Trust.UNKNOWN_KEY)
