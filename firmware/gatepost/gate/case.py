"""One scan before the gate: everything that a rule may look at, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.model import NOBODY, SIGNED, Direction, Trust

if TYPE_CHECKING:
    from datetime import datetime

    from gatepost.gate.memory import Passage
    from gatepost.model import Checked, Code, Scan, Stamp
    from gatepost.rules import Rules


@dataclass(frozen=True, slots=True)
class Case:
    """A scan, what it is, what is believed of it, and what the gate knows.

    Attributes:
        moment: local time; None where nobody knows it.
        last: how this person passed last today; None: not seen, or cannot be told.
        inside: how many are inside.
        site: the place; "": not known.
    """

    rules: Rules
    scan: Scan
    code: Code
    checked: Checked
    stamp: Stamp
    moment: datetime | None
    last: Passage | None
    inside: int
    site: str

    @property
    def unverified(self) -> bool:
        """Whether it is of a signed kind, and its signature was not found good."""
        return unverified(self.code, self.checked)

    @property
    def was_inside(self) -> bool:
        """Whether this person is inside, as far as the gate knows."""
        return self.last is not None and self.last.way is Direction.IN

    @property
    def direction(self) -> Direction:
        """Which way this person goes: by the reader, else by the rules, else by the memory."""
        if self.scan.direction is not Direction.AUTO:
            return self.scan.direction
        if self.rules.only_way:
            return self.rules.only_way
        if not decides(self.code, self.checked):
            return Direction.NONE
        return Direction.OUT if self.was_inside else Direction.IN

    @property
    def time_missing(self) -> bool:
        """Whether something here would have been looked up by the time, had anybody known it."""
        by_time = self.rules.hours.spans or (
            self.code.proof and self.rules.of(self.code.kind).max_age_days
        )
        return not self.checked.time_known or (self.moment is None and bool(by_time))

    @property
    def allowed(self) -> bool:
        """Whether this person is on the list of those who are let in."""
        return decides(self.code, self.checked) and self.rules.allow.has(
            self.code.basis, self.code.identity
        )

    @property
    def denied(self) -> bool:
        """Whether this person is on the list of those who are not."""
        return decides(self.code, self.checked) and self.rules.deny.has(
            self.code.basis, self.code.identity
        )


def decides(code: Code, checked: Checked) -> bool:
    """Whether the identity is certain enough to be the ground of a decision, or remembered."""
    told = bool(code.identity) and not code.weak and code.kind not in NOBODY
    return told and not unverified(code, checked)


def unverified(code: Code, checked: Checked) -> bool:
    """Whether a code is of a signed kind, and its signature was not found good."""
    return code.kind in SIGNED and checked.trust is not Trust.VERIFIED
