"""Worker: what the station knows of itself, each minute, as one message for the uplink."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatepost.canonical import canonical
from gatepost.health.files import MOST
from gatepost.health.noting import PARTS, notes
from gatepost.model import Message
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from gatepost.conditions import Conditions
    from gatepost.health.machine import Machine
    from gatepost.health.rates import Rates
    from gatepost.mailbox import Mailbox
    from gatepost.ports import Clock

_LOG = logging.getLogger(__name__)
_EVERY_S = 60.0
_LOOK_S = 5.0
_TURN_S = 0.25
_DAY_S = 86_400.0
_SOON_US = 30 * 86_400 * 1_000_000


@dataclass(slots=True)
class Health:
    """What the worker needs.

    Attributes:
        counts: gives what readers, uplink and spool have to tell.
        machine: tells of the computer below.
        rates: of the readers' frames, by the name under which they are told.
        certificate_ends_us: when the station's certificate ends, microseconds since 1970 UTC.
        spool_most_bytes: what the spool may take; 0: not known.
        tidy: done each minute beside the report: gives memory back to the system.
    """

    topic: str
    notices: Mailbox[Message]
    conditions: Conditions
    counts: Callable[[], Mapping[str, int | str]]
    machine: Machine
    clock: Clock
    boot_id: str
    firmware: str
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    rates: Rates | None = None
    certificate_ends_us: int | None = None
    spool_most_bytes: int = 0
    tidy: Callable[[], object] = lambda: None
    _started: float | None = field(default=None, init=False)
    _warn_at: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: reading a few files."""
        self._started = self.clock.boottime()
        next_at = look_at = self._started + _TURN_S  # soon: a newcomer wants to see it
        while True:
            yield
            self.pause(_TURN_S)
            now = self.clock.boottime()
            if now >= look_at:
                look_at = now + _LOOK_S
                self._look(now)
            if now >= next_at:
                next_at = now + _EVERY_S
                self._tell()

    def report(self) -> dict[str, Any]:
        """What is known now; what cannot be known here is left out. From any thread.

        It is retained, so it says when it was made: an old one must not look like news.
        """
        with self._lock:  # what is remembered of the supply has one writer at a time
            return self._known()

    def _known(self) -> dict[str, Any]:
        now = stamp(self.clock, self.boot_id)
        told: dict[str, Any] = {
            "firmware": self.firmware,
            "boot_id": self.boot_id,
            "boot_us": now.boot_us,
            "wall_us": now.wall_us,
            "uptime_s": self._uptime_s(),
            "clock": "synchronised" if now.synchronised else "unsynchronised",
            "bound_us": now.bound_us,
            "conditions": self.conditions.all(),
        }
        if self.certificate_ends_us is not None:
            # 9999-12-31, for "never" (RFC 5280, 4.1.2.5), is beyond what the contract can say.
            told["certificate_ends_us"] = min(self.certificate_ends_us, MOST)
        if self.spool_most_bytes:
            told["spool_most_bytes"] = self.spool_most_bytes
        told |= self.machine.facts(self.clock.boottime())
        told |= self._noted()
        told |= self.rates.per_minute() if self.rates else {}
        return {**told, **self.counts()}

    def _look(self, now: float) -> None:
        """More often than it is told: a dip of the supply is short."""
        self.machine.power.watch()
        if self.rates is not None:
            self.rates.sample(now)

    def _tell(self) -> None:
        self._look_at_the_certificate()
        told = self.report()
        self._note(told)
        told = {key: value for key, value in told.items() if not key.startswith("note_")}
        told |= self._noted()
        self.notices.put(Message(self.topic, canonical(told), retain=True))
        self.tidy()

    def _noted(self) -> dict[str, str]:
        return {f"note_{part}": text for part, text in self.conditions.noted().items()}

    def _note(self, told: Mapping[str, Any]) -> None:
        found = notes(told, self.conditions.noted())
        for part in PARTS:
            if part in found:
                self.conditions.note(part, found[part].text, found[part].why)
            else:
                self.conditions.unnote(part)

    def _look_at_the_certificate(self) -> None:
        """Each day of its last month: without it nothing is delivered."""
        now = self.clock.boottime()
        if self.certificate_ends_us is None or now < self._warn_at:
            return
        left_us = self.certificate_ends_us - self.clock.wall_us()
        if left_us < _SOON_US:
            self._warn_at = now + _DAY_S
            days = left_us // 86_400_000_000
            told = "our certificate has ended" if left_us <= 0 else "our certificate ends soon"
            _LOG.warning(told, extra={"fields": {"days": days}})

    def _uptime_s(self) -> int:
        """Since the station's process started, not since the machine did: restarts show."""
        now = self.clock.boottime()
        return int(now - (now if self._started is None else self._started))
