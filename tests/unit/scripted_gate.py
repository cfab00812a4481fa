"""What a gate is shown in tests: scans, codes, what was checked of them, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from gatepost.gate import Entry, Gate, Memory
from gatepost.model import (
    SIGNED,
    Basis,
    Checked,
    Code,
    Decision,
    Direction,
    Kind,
    Proof,
    Scan,
    Stamp,
    Trust,
)
from gatepost.rules import EVERYTHING, Rules

BOOT = "b" * 32
DAY_S = 86_400
NOON = 20_780 * DAY_S + 12 * 3600  # 2026-11-23, a Monday, UTC


def scan(taken: float = 0.0, direction: Direction = Direction.AUTO) -> Scan:
    return Scan(b"x", "x", "qr", "door", direction, taken)


def stamp(
    taken: float = 0.0, wall_s: float = NOON, boot: str = BOOT, bound_us: int | None = 0
) -> Stamp:
    """`wall_s`: the wall clock at boot; `bound_us` None: the station does not know the time."""
    return Stamp(
        boot,
        round(taken * 1_000_000),
        round((wall_s + taken) * 1_000_000),
        synchronised=bound_us is not None,
        bound_us=bound_us or 0,
    )


def person(name: str = "a", kind: Kind = Kind.CCCD, **more: Any) -> Code:
    return Code(kind, identity=name, basis=Basis.CITIZEN, initials="N. V. A.", **more)


def proof(**more: Any) -> Proof:
    return Proof("ES256", b"kid", "VN", b"message", b"signature", **more)


def checked(code: Code, **more: Any) -> Checked:
    trust = Trust.VERIFIED if code.kind in SIGNED else Trust.UNSIGNED
    return Checked(**{"trust": trust, **more})


@dataclass
class Visits:
    """Shows codes to a gate whose events are all kept."""

    rules: Rules = EVERYTHING
    memory: Memory | None = None
    zone: tzinfo = UTC
    gate: Gate = field(init=False)
    entry: Entry | None = None

    def __post_init__(self) -> None:
        self.gate = Gate(self.rules, "ward-7", self.memory, self.zone)

    def show(
        self,
        code: Code,
        taken: float = 0.0,
        direction: Direction = Direction.AUTO,
        *,
        at: Stamp | None = None,
        seen: Checked | None = None,
        kept: bool = True,
    ) -> Decision:
        seen = seen or checked(code)
        shown = scan(taken, direction)
        decision = self.gate.decide(shown, code, seen, at or stamp(taken))
        if kept:
            self.entry = self.gate.remember(shown, code, seen, decision)
        return decision
