"""Worker: what the station knows of itself, each minute, as one message for the uplink."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gatepost.canonical import canonical
from gatepost.model import Message
from gatepost.spool import FILE
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from gatepost.conditions import Conditions
    from gatepost.mailbox import Mailbox
    from gatepost.ports import Clock

_LOG = logging.getLogger(__name__)
_EVERY_S = 60.0
_TURN_S = 0.25
_TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
_MEMORY = Path("/proc/self/statm")
_DAY_S = 86_400.0
_SOON_US = 30 * 86_400 * 1_000_000
_MOST_WHY = 300
_MOST = 2**53 - 1  # no number of the wire contract is larger


class Delivery(Protocol):
    """What the uplink knows of its sessions with the broker since the start.

    Attributes:
        connected: there is one now; else `problem` and `why`: for which there is none.
        sessions, lost: how many began, and how many ended by themselves.
        last_problem, last_why, last_at_us: of the last that was not reached or was lost, and
            when (wall clock, microseconds); "" and 0: none yet.
    """

    connected: bool
    problem: str
    why: str
    sessions: int
    lost: int
    last_problem: str
    last_why: str
    last_at_us: int


def delivery(facts: Delivery) -> dict[str, int | str]:
    """For a report. What is over is told too: two stations with one id take turns in this."""
    told: dict[str, int | str] = {"broker_sessions": facts.sessions, "broker_lost": facts.lost}
    if not facts.connected:
        told["broker_why"] = facts.why[:_MOST_WHY]
        if facts.problem:  # else it was not tried yet
            told["broker_problem"] = facts.problem
    if facts.last_problem:
        told |= {
            "broker_last_problem": facts.last_problem,
            "broker_last_why": facts.last_why[:_MOST_WHY],
            "broker_last_at_us": facts.last_at_us,
        }
    return told


@dataclass(slots=True)
class Health:
    """What the worker needs.

    Attributes:
        counts: gives what readers, uplink and spool have to tell.
        certificate_ends_us: when the station's certificate ends, microseconds since 1970 UTC.
        spool_most_bytes: what the spool may take; 0: not known.
    """

    topic: str
    notices: Mailbox[Message]
    conditions: Conditions
    counts: Callable[[], Mapping[str, int | str]]
    data: Path
    clock: Clock
    boot_id: str
    firmware: str
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    certificate_ends_us: int | None = None
    spool_most_bytes: int = 0
    _started: float | None = field(default=None, init=False)
    _warn_at: float = field(default=0.0, init=False)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: reading a few files."""
        self._started = self.clock.boottime()
        next_at = self._started + _TURN_S  # the first soon: a newcomer wants to see it
        while True:
            yield
            self.pause(_TURN_S)
            if self.clock.boottime() >= next_at:
                next_at = self.clock.boottime() + _EVERY_S
                self._look_at_the_certificate()
                self.notices.put(Message(self.topic, canonical(self.report()), retain=True))

    def report(self) -> dict[str, Any]:
        """What is known now; what cannot be known here is left out.

        It is retained, so it says when it was made: an old one must not look like news.
        """
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
            told["certificate_ends_us"] = min(self.certificate_ends_us, _MOST)
        if self.spool_most_bytes:
            told["spool_most_bytes"] = self.spool_most_bytes
        return {**told, **_machine(self.data), **self.counts()}

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


def _machine(data: Path) -> dict[str, int]:
    """Room, memory and temperature; a card that fails must not end the station by this."""
    told: dict[str, int] = {}
    try:
        disk = shutil.disk_usage(data)
        told |= {"disk_free_bytes": disk.free, "disk_total_bytes": disk.total}
        parts = [data / f"{FILE}{suffix}" for suffix in ("", "-wal", "-shm")]
        told["spool_used_bytes"] = sum(each.stat().st_size for each in parts if each.exists())
    except OSError as error:
        _LOG.warning("the card's room is not known", extra={"fields": {"why": str(error)}})
    for name, value in (
        ("memory_rss_bytes", _resident_bytes()),
        ("temperature_mc", _number_in(_TEMPERATURE)),
    ):
        if value is not None:
            told[name] = value
    return told


def _resident_bytes() -> int | None:
    try:
        pages = int(_MEMORY.read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _number_in(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
