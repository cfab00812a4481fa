"""A gate and its daybook, through restarts and boots, against a model of ten lines."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gatepost.daybook import Daybook
from gatepost.gate import Gate
from gatepost.model import Basis, Checked, Code, Direction, Kind, Reason, Scan, Stamp, Trust
from gatepost.rules import DEFAULT, AntiPassback

IN, OUT, NONE, AUTO = Direction.IN, Direction.OUT, Direction.NONE, Direction.AUTO
NOON_US = 1_795_435_200_000_000
SPAN_S = 30_000  # of a test: within one day
REPEAT_S, CAPACITY = 10, 2
READERS = st.sampled_from((IN, OUT, NONE, AUTO))
UNSIGNED = Checked(Trust.UNSIGNED)


class Model:
    """What a gate should do: anyone's last way, how and when seen last, and how many inside."""

    def __init__(self) -> None:
        self.way: dict[str, Direction] = {}
        self.seen: dict[str, tuple[Direction, int, float]] = {}
        self.inside = 0

    def show(self, who: str, reader: Direction, boot: int, at: float, policy: str) -> Reason:
        was_in = self.way.get(who) is IN
        way = reader if reader is not AUTO else NONE if who == "weak" else OUT if was_in else IN
        shown, when, then = self.seen.get(who, (NONE, -1, 0.0))
        if when == boot and at - then < REPEAT_S and reader in {AUTO, shown}:
            return Reason.SEEN_ALREADY
        if policy == "refuse" and was_in and way is IN:
            return Reason.INSIDE_ALREADY
        if way is IN and not was_in and self.inside >= CAPACITY:
            return Reason.PLACE_FULL
        if way is not NONE and (who == "weak" or way is not self.way.get(who)):
            self.inside = max(0, self.inside + (1 if way is IN else -1))
        if who != "weak":
            self.way[who] = way if way is not NONE else self.way.get(who, NONE)
            self.seen[who] = (way, boot, at)
        twice = {"record": Reason.RECORDED_INSIDE_ALREADY, "warn": Reason.WARNED_INSIDE_ALREADY}
        return twice[policy] if was_in and way is IN else Reason.RECORDED


class GateMachine(RuleBasedStateMachine):
    """Anybody comes by any reader; the process or the machine starts again at any time."""

    @initialize(policy=st.sampled_from(AntiPassback))
    def begin(self, policy: AntiPassback) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.rules = replace(DEFAULT, repeat_s=REPEAT_S, capacity=CAPACITY, anti_passback=policy)
        self.model, self.boot, self.booted, self.now = Model(), 0, 0, 100
        self.knows_time = True
        self.restart()

    @rule(who=st.sampled_from(("a", "b", "c", "weak")), reader=READERS)
    def show(self, who: str, reader: Direction) -> None:
        code = Code(Kind.CCCD, who, Basis.CITIZEN, weak=who == "weak")
        at = float(self.now - self.booted)
        scan = Scan(b"x", "x", "qr", "door", reader, at)
        decision = self.gate.decide(scan, code, UNSIGNED, self.stamp())
        wanted = self.model.show(who, reader, self.boot, at, self.rules.anti_passback)
        assert decision.reason is wanted
        entry = self.gate.remember(scan, code, UNSIGNED, decision)
        self.book.keep(self.gate.memory, entry)

    @rule(seconds=st.integers(0, 2 * REPEAT_S))
    def wait(self, seconds: int) -> None:
        self.now = min(self.now + seconds, SPAN_S)

    @rule()
    def nobody_comes(self) -> None:
        self.gate.turn(self.stamp())
        self.book.flush(self.gate.memory)

    @rule()
    def restart(self) -> None:
        if hasattr(self, "book"):
            self.book.close()  # as the end of a process does; nothing is flushed
        self.book = Daybook(Path(self.folder.name))
        self.gate = Gate(self.rules, "here", self.book.read(), UTC)

    @rule(knows_time=st.booleans())
    def reboot(self, *, knows_time: bool) -> None:
        self.boot, self.booted, self.knows_time = self.boot + 1, self.now, knows_time
        self.restart()

    @rule(policy=st.sampled_from(AntiPassback))
    def other_rules(self, policy: AntiPassback) -> None:
        self.rules = self.gate.rules = replace(self.rules, anti_passback=policy)

    @invariant()
    def counts_and_has_no_trouble(self) -> None:
        assert self.gate.memory.inside == self.model.inside
        assert self.book.trouble == ""

    def stamp(self) -> Stamp:
        boot_us = (self.now - self.booted) * 1_000_000
        wall_us = NOON_US + self.now * 1_000_000 if self.knows_time else boot_us
        return Stamp(f"{self.boot:032x}", boot_us, wall_us, self.knows_time, 0)

    def teardown(self) -> None:
        if hasattr(self, "book"):
            self.book.close()
            self.folder.cleanup()


GateMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestGate = GateMachine.TestCase
