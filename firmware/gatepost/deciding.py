"""Worker: scan -> gate -> spool -> cue. The verdict is cued only after the event is flushed.

It owns what it decides by: the rules, the trust list and the day's memory. New ones come as
orders into its inbox and are applied between two scans.
"""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from gatepost.codes import recognise
from gatepost.errors import SpoolError, SpoolFull
from gatepost.model import Cue, CueKind, Direction, Draft, ScanRecord
from gatepost.sealing import newest, understood
from gatepost.spool import Flushes, Limits, Spool, suspecting
from gatepost.timekeeping import stamp
from gatepost.trust import check

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from gatepost.conditions import Conditions
    from gatepost.daybook import Daybook
    from gatepost.desired import Desired, Order
    from gatepost.gate import Gate
    from gatepost.model import Code, Decision, Record, Scan, Stamp, Trust
    from gatepost.ports import Clock
    from gatepost.sealing import Sealer
    from gatepost.timekeeping import TimeWatch
    from gatepost.trust import TrustList

_LOG = logging.getLogger(__name__)
_WAIT_S = 0.25
_IDLE_S = 2.0
_WORTH_EVENTS = 64
_LONG_WAL_EVENTS = 500
_DRAIN_S = 1.0
_TIME_S = 1.0
_TOLD_S = 60.0


class Told(Protocol):
    """What has something to be recorded that no visitor and no centre caused: a crash before."""

    def due(self, now: Stamp) -> Sequence[Record]:
        """What is to be recorded at `now`; the same again until `kept` is called for it."""

    def kept(self, record: Record, now: Stamp) -> None:
        """`record` is on the card."""


@dataclass(slots=True)
class Deciding:
    """What the worker needs.

    Attributes:
        sealer: to the configured key; what the trust list names goes before it. None: the site
            chose plain text in so many words.
        orders: from the centre, to be applied between two scans.
        versions: of the rules and the trust list that are applied; 0: what is built in.
        limits: of the spool: how long delivered events stay, and how much room they take.
        times: finds what must be recorded of the time; None: nobody looks.
        told: what else has something to be recorded; asked at the start, then each minute.
        flushes: how long the card took for each scan.
    """

    scans: queue.Queue[Scan]
    cue: Callable[[Cue], None]
    conditions: Conditions
    gate: Gate
    daybook: Daybook
    trusted: TrustList
    sealer: Sealer | None
    spool_path: Path
    clock: Clock
    boot_id: str
    orders: queue.Queue[Order] = field(default_factory=queue.Queue)
    versions: tuple[int, int] = (0, 0)
    limits: Limits = Limits.NONE
    times: TimeWatch | None = None
    told: Sequence[Told] = ()
    flushes: Flushes = field(default_factory=Flushes)
    _time_at: float = 0.0
    _told_at: float = 0.0
    _sealing: Sealer | None = field(init=False)

    def __post_init__(self) -> None:
        self._sealing = self._newest()

    def _newest(self) -> Sealer | None:
        """The trust list's newest central key; without one there, the configured key."""
        return self.sealer and newest(self.trusted.central, self.sealer)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: one flush of a slow card."""
        with suspecting(self.spool_path), Spool(self.spool_path, self.limits) as spool:
            if self.times is not None:
                self.times.recall(spool.recall)
            self._tidy_memory()
            try:
                yield from self._turns(spool)
            finally:
                self._drain(spool)
                self._tidy_memory()
                self.daybook.close()

    def _turns(self, spool: Spool) -> Generator[None, None, None]:
        untidy, busy_until = 0, 0.0
        while True:
            yield
            yield from self._obey(spool)
            self._note_time(spool)
            yield from self._note_told(spool)
            try:
                scan = self.scans.get(timeout=_WAIT_S)
            except queue.Empty:
                if self.clock.boottime() >= busy_until:
                    self._tidy_memory()
                    untidy = self._tidy(spool, untidy)
                continue
            self.take(scan, spool)
            untidy += 1
            busy_until = self.clock.boottime() + _IDLE_S
            if untidy >= _LONG_WAL_EVENTS:  # a rush hour without a pause
                untidy = self._tidy(spool, untidy)

    def _tidy(self, spool: Spool, untidy: int) -> int:
        """While nobody stands there: let go what is delivered and old, move the WAL's content.

        The latter after some events only: it writes each page once more. Returns how many
        events still lie in the WAL alone.
        """
        try:
            gone = spool.purge(stamp(self.clock, self.boot_id))
            spool.persist()
            if untidy < _WORTH_EVENTS and not gone:
                return untidy
            spool.tidy()
        except SpoolFull:  # the WAL has it all: nothing is lost, but the next one may be refused
            self.conditions.raise_("spool", "station full")
        return 0

    def _tidy_memory(self) -> None:
        """A day that is over is forgotten, also where nobody comes; the rest is flushed."""
        self.gate.turn(stamp(self.clock, self.boot_id))
        self.daybook.flush(self.gate.memory)
        if self.daybook.trouble:
            self.conditions.raise_("memory", self.daybook.trouble)
        else:
            self.conditions.clear("memory")

    def _obey(self, spool: Spool) -> Generator[None, None, None]:
        """What the centre desires holds from the next scan on; what came of it is an event.

        Each is a flush, so each is a heartbeat.
        """
        while True:
            try:
                order = self.orders.get_nowait()
            except queue.Empty:
                return
            if order.desired is not None:
                self._apply(order.desired)
            kept = self._keep(order.audit, spool)
            if order.then is not None:
                order.then(kept)
            yield

    def _keep(self, record: Record, spool: Spool) -> bool:
        """Record what is no scan; False where there is no room."""
        try:
            spool.append(Draft(record, stamp(self.clock, self.boot_id)))
        except SpoolFull as error:
            self.conditions.raise_("spool", "station full", why=str(error))
            return False
        self.conditions.clear("spool")
        return True

    def _note_time(self, spool: Spool) -> None:
        """That time came is an event: it corrects what was recorded before it did."""
        if self.times is None or self.clock.boottime() < self._time_at:
            return
        self._time_at = self.clock.boottime() + _TIME_S
        now = stamp(self.clock, self.boot_id)
        for record in self.times.due(now):
            if not self._keep(record, spool):
                return
            self.times.kept(record, now)
            _LOG.info("time", extra={"fields": {"event": type(record).__name__}})
        self.times.remember(spool.remember)

    def _note_told(self, spool: Spool) -> Generator[None, None, None]:
        """What is told of this station itself. Each is a flush, so each is a heartbeat."""
        if not self.told or self.clock.boottime() < self._told_at:
            return
        self._told_at = self.clock.boottime() + _TOLD_S
        for each in self.told:
            now = stamp(self.clock, self.boot_id)
            for record in each.due(now):
                if not self._keep(record, spool):
                    return
                each.kept(record, now)
                _LOG.info("told", extra={"fields": {"event": type(record).__name__}})
                yield

    def _apply(self, desired: Desired) -> None:
        of_rules, of_trust = self.versions
        if desired.rules is not None:
            self.gate.rules, of_rules = desired.rules, desired.version
        if desired.trust is not None:
            of_trust = desired.version
            self.trusted = desired.trust
            self._sealing = self._newest()
        self.versions = of_rules, of_trust

    def _drain(self, spool: Spool) -> None:
        """Stopping: what was already taken is still recorded, as far as time allows."""
        until = self.clock.boottime() + _DRAIN_S
        while self.clock.boottime() < until:
            try:
                self.take(self.scans.get_nowait(), spool)
            except queue.Empty:
                break
        for _ in self._obey(spool):
            if self.clock.boottime() >= until:
                return

    def take(self, scan: Scan, spool: Spool) -> None:
        """Decide on one scan, keep it, then tell the visitor.

        Raises SpoolError where the card fails: the visitor is told, and the station starts anew.
        """
        when = stamp(self.clock, self.boot_id, scan.taken)
        code = recognise(scan.text)
        if scan.lossy:  # it may be somebody else's: recorded, never the ground for a decision
            code = replace(code, weak=True)
        checked = check(code, self.trusted, when)
        decision = self.gate.decide(scan, code, checked, when)
        self.cue(Cue(CueKind.PENDING, reader=scan.reader, taken=scan.taken))
        told = understood(scan, code, spool.source, when)
        draft = Draft(self._record(scan, code, checked.trust, decision, told), when)
        begun = self.clock.boottime()
        try:
            kept = spool.append(draft)
        except SpoolError as error:
            self._refuse(scan, error)
            if isinstance(error, SpoolFull):
                return
            raise
        self.flushes.took(self.clock.boottime() - begun)
        self.cue(decision.cue)
        entry = self.gate.remember(scan, code, checked, decision)
        self.daybook.keep(self.gate.memory, entry)
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

    def _refuse(self, scan: Scan, why: SpoolError) -> None:
        told = "station full" if isinstance(why, SpoolFull) else "card fails"
        self.conditions.raise_("spool", told, why=str(why))
        self.cue(Cue(CueKind.TROUBLE, detail=told, reader=scan.reader, taken=scan.taken))
        _LOG.error("a scan was refused", exc_info=why)

    def _record(
        self, scan: Scan, code: Code, trust: Trust, decision: Decision, told: bytes
    ) -> ScanRecord:
        return ScanRecord(
            direction=decision.direction,
            reader=scan.reader,
            symbology=scan.symbology,
            kind=code.kind.value,
            trust=trust,
            verdict=decision.verdict,
            reason=decision.reason.value,
            sealed=self._sealing.seal(told) if self._sealing else "",
            plain="" if self._sealing else told.decode("utf-8"),
            direction_from="memory" if self._inferred(scan, decision) else "",
            lossy="yes" if scan.lossy else "",
        )

    def _inferred(self, scan: Scan, decision: Decision) -> bool:
        """Whether the direction is the gate's guess: a centre sees more, and may know better."""
        guessed = scan.direction is Direction.AUTO and self.gate.rules.only_way is None
        return guessed and decision.direction is not Direction.NONE
