"""From a text to what it is. Pure; no kind raises on any input.

A kind is one file with `recognise(text) -> Code | None` and its typed claims, and a line here;
the first that knows the text wins. Each tells within a few characters that a text is not its
own, and is not asked where a character that it needs is not there: the order costs little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.codes import (
    bhyt,
    cccd,
    dcc,
    mdoc,
    nzcp,
    pc_covid,
    pretix,
    shc,
    signed_pass,
    site,
    unknown,
    url,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.model import Code

# The most particular first: a site code may be a URL too, and an insurance card with its fields
# in other places could pass for a PC-Covid code. Before each, what none of its texts is without.
_KINDS: tuple[tuple[str, Callable[[str], Code | None]], ...] = (
    ("|", bhyt.recognise),
    ("|", cccd.recognise),
    ("|", pc_covid.recognise),
    ("", dcc.recognise),
    (":", signed_pass.recognise),
    (":", shc.recognise),
    (":", nzcp.recognise),
    (":", mdoc.recognise),
    (":", site.recognise),
    (":", url.recognise),
    ("", pretix.recognise),
)
_LONGEST = 7089  # digits in the largest QR symbol, ISO/IEC 18004


def recognise(text: str) -> Code:
    """What a text is; Kind.UNKNOWN where no kind knows it.

    What readers put around it falls away: white space, and the mark of UTF-8.
    """
    if len(text) <= _LONGEST:
        bare = text.strip().strip("\ufeff")
        for mark, kind in _KINDS:
            code = kind(bare) if mark in bare else None
            if code is not None:
                return code
    return unknown.recognise(text)


__all__ = ["recognise"]
