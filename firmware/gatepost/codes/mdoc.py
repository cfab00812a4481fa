"""Mobile driving licence, `mdoc:` + base64url of a DeviceEngagement (ISO/IEC 18013-5).

It names nobody: a session over Bluetooth would follow, which a gate does not open. Recognised
alone, so that the visitor can be told.
"""

from __future__ import annotations

import re

from gatepost.model import Code, Kind, Layer

_PREFIX = "mdoc:"
_CODED = re.compile(r"(?://)?[A-Za-z0-9_-]+=*")


def recognise(text: str) -> Code | None:
    """A mobile licence's offer, or None when it is none."""
    if text[: len(_PREFIX)].lower() != _PREFIX:
        return None
    whole = _CODED.fullmatch(text[len(_PREFIX) :].strip())
    return Code(Kind.MDOC, flaw=None if whole else Layer.ENCODING)
