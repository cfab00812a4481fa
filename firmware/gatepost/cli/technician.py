"""The technician at the terminal: asked whether a device did what it should."""

from __future__ import annotations

import sys
import unicodedata

from gatepost.errors import UsageError
from gatepost.selftest.parts import Again

_YES = {"y", "yes", "c", "có", "co"}
_NO = {"n", "no", "k", "không", "khong"}


class Terminal:
    """Asks on standard output, reads from standard input. Vietnamese c(ó)/k(hông) are taken too."""

    def tell(self, text: str) -> None:
        """Say something."""
        print(f"{'':>8}  {text}", flush=True)

    def sees(self, question: str) -> bool | None:
        """Raises Again; UsageError when nobody answers any more."""
        while True:
            print(f"       ?  {question} [y]es [n]o [a]gain [s]kip: ", end="", flush=True)
            word = _word()
            if word in _YES or word in _NO:
                return word in _YES
            if word in {"s", "skip"}:
                return None
            if word in {"a", "again"}:
                raise Again


def _word() -> str:
    """What was typed. Raises UsageError at the end of it."""
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError:  # a terminal of another encoding: asked anew
        return ""
    if not line:
        raise UsageError("nobody answers: --technician wants a terminal")
    return unicodedata.normalize("NFC", line.strip().lower())
