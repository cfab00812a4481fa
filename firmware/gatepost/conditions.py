"""What is wrong with the station right now: said by the workers, shown and reported.

A condition is trouble: the screen says so. A note is for technicians alone: it is reported, and a
visitor does not see it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)


class Conditions:
    """Parts that fail or are noted, each with a short text. Any thread may say so of one."""

    def __init__(self, cue: Callable[[Cue], None]) -> None:
        """`cue` is called with "station in trouble" or "ready" whenever something changes."""
        self._cue = cue
        self._lock = threading.Lock()
        self._parts: dict[str, str] = {}
        self._notes: dict[str, str] = {}

    def raise_(self, part: str, text: str, why: str = "") -> None:
        """`part` fails.

        Args:
            part: what the technician knows it by.
            text: how, in a word or two: it stands on the screen.
            why: the whole reason, for the log; no visitor's data.
        """
        with self._lock:
            if self._parts.get(part) == text:
                return
            self._parts[part] = text
            self._cue(Cue(CueKind.TROUBLE, detail=f"{part}: {text}"))
        _LOG.warning("trouble", extra={"fields": {"part": part, "what": text, "why": why}})

    def clear(self, part: str) -> None:
        """`part` works (again)."""
        with self._lock:
            if self._parts.pop(part, None) is None:
                return
            rest = next(iter(self._parts.items()), None)
            if rest is None:
                self._cue(Cue(CueKind.READY))
            else:
                self._cue(Cue(CueKind.TROUBLE, detail=f"{rest[0]}: {rest[1]}"))
        _LOG.info("trouble over", extra={"fields": {"part": part}})

    def all(self) -> dict[str, str]:
        """Every part that fails now, with its text."""
        with self._lock:
            return dict(self._parts)

    def note(self, part: str, text: str, why: str = "") -> None:
        """`part` needs a technician, and keeps no visitor out. Logged when the text changes.

        Args:
            part: what the technician knows it by, printable ASCII.
            text: how, in a word or two that stay the same while nothing changes.
            why: the whole reason, for the log; no visitor's data.
        """
        with self._lock:
            if self._notes.get(part) == text:
                return
            self._notes[part] = text
        _LOG.warning("noted", extra={"fields": {"part": part, "what": text, "why": why}})

    def unnote(self, part: str) -> None:
        """There is nothing to be noted of `part` (any more)."""
        with self._lock:
            if self._notes.pop(part, None) is None:
                return
        _LOG.info("note over", extra={"fields": {"part": part}})

    def told(self, part: str, problem: str) -> None:
        """Note that a device which keeps no visitor out fails, and why; "": it works again."""
        if problem:
            self.note(part, "fails", problem)
        else:
            self.unnote(part)

    def noted(self) -> dict[str, str]:
        """Every part that is noted now, with its text."""
        with self._lock:
            return dict(self._notes)
