"""From a text to what it is. Pure; no kind raises on any input.

A kind is one file with `recognise(text) -> Code | None`; the first that knows the text wins.
"""

from __future__ import annotations

from gatepost.codes import cccd, dcc, pc_covid, site, url
from gatepost.model import Code, Kind

# The most particular first: a site code is a URL too.
_KINDS = (pc_covid.recognise, cccd.recognise, dcc.recognise, site.recognise, url.recognise)
_LONGEST = 7089  # digits in the largest QR symbol, ISO/IEC 18004


def recognise(text: str) -> Code:
    """What a text is; Kind.UNKNOWN where no kind knows it."""
    if 0 < len(text) <= _LONGEST:
        for kind in _KINDS:
            code = kind(text)
            if code is not None:
                return code
    return Code(Kind.UNKNOWN)


__all__ = ["recognise"]
