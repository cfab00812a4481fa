"""The technician at the terminal: asked whether a device did what it should."""

from __future__ import annotations

import sys

from gatepost.errors import UsageError
from gatepost.selftest.parts import Again

_ANSWERS = {"y": True, "yes": True, "c": True, "n": False, "no": False, "k": False}


class Terminal:
    """Asks on standard output, reads from standard input. Vietnamese c(ó)/k(hông) are taken too."""

    def tell(self, text: str) -> None:
        """Say something."""
        print(f"{'':>8}  {text}", flush=True)

    def sees(self, question: str) -> bool | None:
        """Raises Again; UsageError when nobody answers any more."""
        while True:
            print(f"       ?  {question} [y]es [n]o [a]gain [s]kip: ", end="", flush=True)
            line = sys.stdin.readline()
            if not line:
                raise UsageError("nobody answers: --technician wants a terminal")
            word = line.strip().lower()
            if word in _ANSWERS:
                return _ANSWERS[word]
            if word in {"s", "skip"}:
                return None
            if word in {"a", "again"}:
                raise Again
