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
    """

    name: str
    ok: bool
    told: str
    advice: str = ""

    def line(self) -> str:
        """For people."""
        advice = f": {self.advice}" if self.advice else ""
        return f"{'ok' if self.ok else 'TROUBLE'} {self.name}: {self.told}{advice}"


Check: TypeAlias = "Callable[[Config], Iterator[Finding]]"
