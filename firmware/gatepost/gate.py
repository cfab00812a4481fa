"""The gate's decision: a scan, what it is, and what the gate remembers of the day. No I/O.

In this order: a poster is answered with "show your own code"; a link and an unknown text are
not understood; a kind that this gate does not accept is refused; the same person again within
the repeat window is "seen already" (recorded, and the memory is left as it is); all others are
accepted and their direction is told.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from gatepost.model import (
    Code,
    Cue,
    CueKind,
    Decision,
    Direction,
    Kind,
    Reason,
    Scan,
    Verdict,
)

_NOT_A_VISITOR = {
    Kind.SITE: (Verdict.REFUSED, Reason.POSTER_SHOWN, CueKind.POSTER),
    Kind.URL: (Verdict.NOT_UNDERSTOOD, Reason.LINK_SHOWN, CueKind.NOT_UNDERSTOOD),
    Kind.UNKNOWN: (Verdict.NOT_UNDERSTOOD, Reason.KIND_UNKNOWN, CueKind.NOT_UNDERSTOOD),
}
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What this gate accepts, and for how long the same person is "seen already" (seconds)."""

    accept: frozenset[str]
    repeat_s: float


@dataclass(frozen=True, slots=True)
class _Passage:
    direction: Direction
    at: float


class Gate:
    """Decides, and remembers who went which way today.

    People are remembered by pseudonyms under a random key that lives a day and leaves with it.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._day = -1
        self._key = b""
        self._passages: dict[bytes, _Passage] = {}

    def decide(self, scan: Scan, code: Code, day: int) -> Decision:
        """What becomes of `scan`; `day` is any number that changes when the day is reset."""
        if day != self._day:
            self._day, self._key, self._passages = day, secrets.token_bytes(32), {}
        if code.kind in _NOT_A_VISITOR:
            verdict, reason, cue = _NOT_A_VISITOR[code.kind]
            return _decision(scan, verdict, reason, cue)
        if code.kind.value not in self._rules.accept:
            return _decision(scan, Verdict.REFUSED, Reason.KIND_NOT_ACCEPTED, CueKind.REFUSED)
        return self._pass(scan, code)

    def _pass(self, scan: Scan, code: Code) -> Decision:
        """An accepted kind of code. A weak identity is recorded and never decides anything."""
        if code.weak or not code.identity:
            known = Direction.NONE if scan.direction is Direction.AUTO else scan.direction
            return _accepted(scan, code, known)
        last = self._passages.get(self._pseudonym(code))
        direction = _direction(scan, last)
        if last is not None and self._repeats(scan, last):
            return _decision(
                scan, Verdict.REPEATED, Reason.SEEN_ALREADY, CueKind.REPEATED, code, last.direction
            )
        return _accepted(scan, code, direction)

    def remember(self, scan: Scan, code: Code, decision: Decision) -> None:
        """Learn from a decision; call it once its event is kept, for only then it counts."""
        if decision.verdict is not Verdict.ACCEPTED or code.weak or not code.identity:
            return
        self._remember(self._pseudonym(code), _Passage(decision.direction, scan.taken))

    def _pseudonym(self, code: Code) -> bytes:
        return hmac.digest(self._key, f"{code.basis}|{code.identity}".encode(), "sha256")[:16]

    def _repeats(self, scan: Scan, last: _Passage) -> bool:
        same_way = scan.direction in {Direction.AUTO, last.direction}
        return same_way and scan.taken - last.at < self._rules.repeat_s

    def _remember(self, whom: bytes, passage: _Passage) -> None:
        self._passages.pop(whom, None)  # the newest last: the oldest leave when it is too many
        self._passages[whom] = passage
        if len(self._passages) > _MOST_REMEMBERED:
            del self._passages[next(iter(self._passages))]


def _direction(scan: Scan, last: _Passage | None) -> Direction:
    if scan.direction is not Direction.AUTO:
        return scan.direction
    return Direction.OUT if last is not None and last.direction is Direction.IN else Direction.IN


def _accepted(scan: Scan, code: Code, direction: Direction) -> Decision:
    return _decision(scan, Verdict.ACCEPTED, Reason.RECORDED, CueKind.ACCEPTED, code, direction)


def _decision(
    scan: Scan,
    verdict: Verdict,
    reason: Reason,
    kind: CueKind,
    code: Code | None = None,
    direction: Direction = Direction.NONE,
) -> Decision:
    cue = Cue(
        kind,
        direction=direction,
        initials=code.initials if code else "",
        reader=scan.reader,
        taken=scan.taken,
    )
    return Decision(verdict, reason, direction, cue)
