"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatepost.config import Config


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: of the part, for programs too.
        told: how it is.
        advice: what to do, "" where nothing is to be done.
        skipped: nobody looked; neither well nor in trouble.
    """

    name: str
    ok: bool
    told: str
    advice: str = ""
    skipped: bool = False

    @property
    def state(self) -> str:
        """In a word: ok, skipped or TROUBLE."""
        if self.skipped:
            return "skipped"
        return "ok" if self.ok else "TROUBLE"

    def line(self) -> str:
        """For people."""
        advice = f": {self.advice}" if self.advice else ""
        return f"{self.state} {self.name}: {self.told}{advice}"

    def told_to_machines(self) -> dict[str, str | bool]:
        """For JSON."""
        told: dict[str, str | bool] = {
            "name": self.name,
            "ok": self.ok,
            "told": self.told,
            "advice": self.advice,
        }
        return {**told, "skipped": True} if self.skipped else told


Check: TypeAlias = "Callable[[Config], Iterator[Finding]]"
