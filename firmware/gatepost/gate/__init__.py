"""The gate's decision: a scan, what it is, whether it is believed, and the day so far. No I/O.

The order in which the rules are looked at: gatepost.gate.order. What is remembered, and for how
long: gatepost.gate.memory. A weak identity (starred, partial, missing, or of a signed kind that
was not verified) is recorded and counted, and never the ground for a decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.gate.case import Case, decides
from gatepost.gate.memory import UNNAMED, Entry, Memory, Passage, day_of, local
from gatepost.gate.order import ORDER, reason_for
from gatepost.model import Cue, CueKind, Decision, Direction, Reason, Verdict

if TYPE_CHECKING:
    from datetime import tzinfo

    from gatepost.model import Checked, Code, Scan, Stamp
    from gatepost.rules import Rules

__all__ = ["ORDER", "Entry", "Gate", "Memory", "Passage"]


class Gate:
    """Decides by its rules, and remembers who went which way today.

    Attributes:
        rules: may be replaced between two scans; what is remembered stays (unless the new
            day_reset says that it is another day).
        memory: the day's; `daybook` keeps it.
    """

    def __init__(
        self,
        rules: Rules,
        site: str = "",
        memory: Memory | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        """`site`: the place it stands in; `zone`: of its clock, else the machine's."""
        self.rules = rules
        self.memory = memory or Memory()
        self._site = site
        self._zone = zone

    def turn(self, stamp: Stamp) -> None:
        """Time passes: a day that is over is forgotten. Also called where nobody comes."""
        moment = local(stamp, self._zone)
        self.memory.turn(stamp, None if moment is None else day_of(moment, self.rules.day_reset))

    def decide(self, scan: Scan, code: Code, checked: Checked, stamp: Stamp) -> Decision:
        """What becomes of `scan`, which was taken at `stamp`. Nothing is learned of it yet."""
        self.turn(stamp)
        case = self._case(scan, code, checked, stamp)
        reason = reason_for(case)
        if reason is Reason.SEEN_ALREADY and case.last is not None:
            return _decision(scan, reason, case.last.shown, code.initials)
        if reason.verdict is Verdict.ACCEPTED:
            return _decision(scan, reason, case.direction, code.initials)
        return _decision(scan, reason)

    def remember(
        self, scan: Scan, code: Code, checked: Checked, decision: Decision
    ) -> Entry | None:
        """Learn from a decision; call it once its event is kept, for only then it counts.

        Returns what the daybook must keep, or None.
        """
        if decision.verdict is not Verdict.ACCEPTED:
            return None
        known = decides(code, checked)
        if not known and decision.direction is Direction.NONE:
            return None
        whom = self.memory.pseudonym(code) if known else UNNAMED
        return self.memory.learn(whom, decision.direction, scan.taken)

    def _case(self, scan: Scan, code: Code, checked: Checked, stamp: Stamp) -> Case:
        known = decides(code, checked)
        return Case(
            rules=self.rules,
            scan=scan,
            code=code,
            checked=checked,
            stamp=stamp,
            moment=local(stamp, self._zone),
            last=self.memory.passages.get(self.memory.pseudonym(code)) if known else None,
            inside=self.memory.inside,
            site=self._site,
        )


def _decision(
    scan: Scan, reason: Reason, direction: Direction = Direction.NONE, initials: str = ""
) -> Decision:
    told = CueKind(reason.verdict) if reason is not Reason.POSTER_SHOWN else CueKind.POSTER
    cue = Cue(
        told,
        direction=direction,
        initials=initials,
        reader=scan.reader,
        taken=scan.taken,
        reason=reason,
    )
    return Decision(reason.verdict, reason, direction, cue)
