"""Worker: scan -> gate -> spool -> cue. The verdict is cued only after the event is flushed."""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from gatepost.codes import recognise
from gatepost.errors import SpoolFull
from gatepost.model import Cue, CueKind, Direction, Draft, ScanRecord
from gatepost.sealing import understood
from gatepost.spool import Spool, suspecting
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from gatepost.conditions import Conditions
    from gatepost.gate import Gate
    from gatepost.model import Code, Decision, Scan
    from gatepost.ports import Clock
    from gatepost.sealing import Sealer

_LOG = logging.getLogger(__name__)
_WAIT_S = 0.25
_IDLE_S = 2.0
_LONG_WAL_EVENTS = 500
_DRAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Day:
    """Tells one day from the next: it changes at `reset`, local time."""

    reset: time

    def number(self, wall_us: int) -> int:
        """The ordinal of the day in which `wall_us` lies."""
        moment = datetime.fromtimestamp(wall_us / 1_000_000).astimezone()
        return (moment - timedelta(hours=self.reset.hour, minutes=self.reset.minute)).toordinal()


@dataclass(slots=True)
class Deciding:
    """What the worker needs. `sealer` None: the site chose plain text in so many words."""

    scans: queue.Queue[Scan]
    cue: Callable[[Cue], None]
    conditions: Conditions
    gate: Gate
    sealer: Sealer | None
    spool_path: Path
    clock: Clock
    boot_id: str
    day: Day

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: one flush of a slow card."""
        with suspecting(self.spool_path), Spool(self.spool_path) as spool:
            try:
                yield from self._turns(spool)
            finally:
                self._drain(spool)

    def _turns(self, spool: Spool) -> Generator[None, None, None]:
        untidy, busy_until = 0, 0.0
        while True:
            yield
            try:
                scan = self.scans.get(timeout=_WAIT_S)
            except queue.Empty:
                if untidy and self.clock.boottime() >= busy_until:
                    self._tidy(spool)
                    untidy = 0
                continue
            self.take(scan, spool)
            untidy += 1
            busy_until = self.clock.boottime() + _IDLE_S
            if untidy >= _LONG_WAL_EVENTS:  # a rush hour without a pause
                self._tidy(spool)
                untidy = 0

    def _tidy(self, spool: Spool) -> None:
        try:
            spool.tidy()
        except SpoolFull:  # the WAL has it all: nothing is lost, but the next one may be refused
            self.conditions.raise_("spool", "station full")

    def _drain(self, spool: Spool) -> None:
        """Stopping: what was already taken is still recorded, as far as time allows."""
        until = self.clock.boottime() + _DRAIN_S
        while self.clock.boottime() < until:
            try:
                self.take(self.scans.get_nowait(), spool)
            except queue.Empty:
                return

    def take(self, scan: Scan, spool: Spool) -> None:
        """Decide on one scan, keep it, then tell the visitor."""
        code = recognise(scan.text)
        decision = self.gate.decide(scan, code, self.day.number(self.clock.wall_us()))
        self.cue(Cue(CueKind.PENDING, reader=scan.reader, taken=scan.taken))
        when = stamp(self.clock, self.boot_id, scan.taken)
        told = understood(scan, code, spool.source, when)
        draft = Draft(self._record(scan, code, decision, told), when)
        try:
            kept = spool.append(draft)
        except SpoolFull as error:
            self.conditions.raise_("spool", "station full", why=str(error))
            self.cue(Cue(CueKind.TROUBLE, detail="station full", reader=scan.reader))
            _LOG.error("a scan was refused", exc_info=error)
            return
        self.cue(decision.cue)
        self.gate.remember(scan, code, decision)
        self.conditions.clear("spool")
        _LOG.info(
            "scan recorded",
            extra={
                "fields": {
                    "sequence": kept.sequence,
                    "reader": scan.reader,
                    "kind": code.kind.value,
                    "verdict": decision.verdict.value,
                    "reason": decision.reason.value,
                    "direction": decision.direction.value,
                }
            },
        )

    def _record(self, scan: Scan, code: Code, decision: Decision, told: bytes) -> ScanRecord:
        return ScanRecord(
            direction=decision.direction,
            reader=scan.reader,
            symbology=scan.symbology,
            kind=code.kind.value,
            trust=code.trust,
            verdict=decision.verdict,
            reason=decision.reason.value,
            sealed=self.sealer.seal(told) if self.sealer else "",
            plain="" if self.sealer else told.decode("utf-8"),
            direction_from="memory" if _inferred(scan, decision) else "",
        )


def _inferred(scan: Scan, decision: Decision) -> bool:
    """Whether the direction is the gate's guess: central servers see more, and may know better."""
    return scan.direction is Direction.AUTO and decision.direction is not Direction.NONE
