"""One station of a fleet: all that delivers is real, only who decides is simulated.

Real: the spool on the card, the uplink, the broker's driver, the signer, and what obeys the
centre. It has no camera: events are appended by themselves, through a spool object of their
own, as the deciding worker does.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet_obeying import Obeying

from gatepost.clock import SystemClock, boot_id
from gatepost.drivers.broker import PahoBroker
from gatepost.drivers.tls import tls_context
from gatepost.errors import BrokerError, GatepostError
from gatepost.mailbox import Mailbox
from gatepost.model import Direction, Draft, ScanRecord, Trust, Verdict
from gatepost.signing import Signer
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.uplink import Backoff, Uplink
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleet_keys import Pair

    from gatepost.model import Message
    from gatepost.ports import Exchange

SITE = "fleet"
CAP_S = 60.0  # of the product's backoff
_PATIENCE_S = 0.5
_WINDOW = 20


@dataclass(frozen=True, slots=True)
class Where:
    """What all stations of a fleet share.

    Attributes:
        tls: False: in the clear.
        base_s: half of the first bound of the backoff, seconds.
    """

    folder: Path
    port: int
    ca: Path
    tls: bool
    base_s: float
    confirm: str = "central"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to connect; times of time.monotonic, which all processes share.

    Attributes:
        failures: how many attempts failed in a row before it, or 1 for a lost session.
        since: when the last of these, or the session, ended.
    """

    begun: float
    ended: float
    fine: bool
    failures: int
    since: float
    base_s: float = 1.0

    @property
    def bound_s(self) -> float:
        """The most that full jitter may wait before this attempt."""
        return min(CAP_S, self.base_s * 2.0**self.failures)


@dataclass(slots=True)
class Signals:
    """What the fleet is told. `jitter` False: every station waits the whole of the bound."""

    go: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    jitter: bool = True

    def draw(self, low: float, high: float) -> float:
        return random.uniform(low, high) if self.jitter else high


class _Watched(PahoBroker):
    """The real driver, which remembers when it connected.

    It waits longer for what comes in when there is nothing to send: a thousand stations on two
    cores must not turn ten times a second each.
    """

    def __init__(self, name: str, where: Where, own: Pair, topics: Sequence[str]) -> None:
        context = tls_context(where.ca, own.certificate, own.key) if where.tls else None
        super().__init__(
            host="127.0.0.1",
            port=where.port,
            client_id=name,
            keepalive_s=60,
            window=_WINDOW,
            protocol="5",
            tls=context,
            topics=topics,
            answer_s=30.0,
        )
        self.attempts: list[Attempt] = []
        self._base_s = where.base_s
        self._failures = 0
        self._since = time.monotonic()

    def connect(self, will: Message) -> None:
        begun, fine = time.monotonic(), False
        try:
            super().connect(will)
            fine = True
        finally:
            now = time.monotonic()
            made = Attempt(begun, now, fine, self._failures, self._since, self._base_s)
            self.attempts.append(made)
            self._failures = 0 if fine else self._failures + 1
            self._since = now

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        try:
            return super().exchange(batch, wait_s if batch else max(wait_s, _PATIENCE_S))
        except BrokerError:
            self._failures, self._since = 1, time.monotonic()
            raise


class FleetStation:
    """A station named `name`; `run` in a thread of its own until `signals.stop`.

    `events` are appended within `span_s` seconds from `signals.go` on.
    """

    def __init__(self, name: str, where: Where, own: Pair, signals: Signals) -> None:
        self.name, self._signals = name, signals
        self.clock, self.boot = SystemClock(), boot_id()
        folder = where.folder / name
        self.path = prepare(folder, name, SITE, stamp(self.clock, self.boot), allow_volatile=True)
        topics = Topics(SITE, name)
        self.obeying = Obeying(where, folder, topics, self.clock)
        self.broker = _Watched(name, where, own, self.obeying.topics)
        self.uplink = Uplink(
            spool_path=self.path,
            broker=self.broker,
            topics=topics,
            signer=Signer(own.certificate, own.key),
            clock=self.clock,
            boot_id=self.boot,
            firmware="fleet",
            notices=Mailbox(),
            window=_WINDOW,
            backoff=Backoff(base_s=where.base_s, draw=signals.draw),
            **self.obeying.of_uplink,
        )
        self.failed = ""
        self.recorded = 0
        self.told: dict[str, int | str] = {}

    @property
    def connected(self) -> bool:
        return self.uplink.facts.connected

    @property
    def unsent(self) -> int:
        """Events that the broker has not acknowledged, as of a second ago."""
        facts = self.uplink.facts
        return facts.pending - facts.unconfirmed

    def run(self, events: int, span_s: float) -> None:
        """Deliver until told to stop."""
        try:
            with Spool(self.path) as desk:
                self._deliver(desk, events, span_s)
                head = desk.head()
                self.told = {"source": self.name, "epoch": head.epoch, "sequence": head.sequence}
            with Spool(self.path) as spool:
                self.told["depth"] = spool.depth()
        except GatepostError as error:
            self.failed = f"{type(error).__name__}: {error}"

    def _deliver(self, desk: Spool, events: int, span_s: float) -> None:
        worker = self.uplink.run()
        due: list[float] = []
        try:
            while not self._signals.stop.is_set():
                next(worker)
                self.obeying.take()
                for record in self.obeying.records():
                    desk.append(Draft(record, stamp(self.clock, self.boot)))
                if self._signals.go.is_set():
                    due = due or self._visits(events, span_s)
                    self._record(desk, due)
        finally:
            worker.close()

    @staticmethod
    def _visits(events: int, span_s: float) -> list[float]:
        """When visitors come, at random moments, earliest first."""
        now = time.monotonic()
        return sorted(now + random.uniform(0.0, span_s) for _ in range(events))

    def _record(self, desk: Spool, due: list[float]) -> None:
        while self.recorded < len(due) and due[self.recorded] <= time.monotonic():
            when = stamp(self.clock, self.boot)
            desk.append(Draft(_visit(self.name, self.recorded, when.boot_us, self.boot), when))
            self.recorded += 1


def _visit(name: str, number: int, boot_us: int, boot: str) -> ScanRecord:
    """A scan as a site without sealing has it."""
    plain = {
        "data": "eA",
        "kind": "unknown",
        "basis": "none",
        "identity": "",
        "weak": "no",
        "claims": {},
        "source": name,
        "boot_id": boot,
        "boot_us": boot_us,
        "pad": "0" * (200 + number % 50),
    }
    return ScanRecord(
        direction=Direction.IN,
        reader="door",
        symbology="qr",
        kind="unknown",
        trust=Trust.UNSIGNED,
        verdict=Verdict.ACCEPTED,
        reason="recorded",
        plain=json.dumps(plain),
    )
