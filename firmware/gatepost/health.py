"""Worker: what the station knows of itself, each minute, as one message for the uplink."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost.canonical import canonical
from gatepost.model import Message
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


@dataclass(slots=True)
class Health:
    """What the worker needs. `counts` gives the running totals of readers and uplink."""

    topic: str
    notices: Mailbox[Message]
    conditions: Conditions
    counts: Callable[[], Mapping[str, int]]
    data: Path
    clock: Clock
    boot_id: str
    firmware: str
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    _started: float | None = field(default=None, init=False)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: reading a few files."""
        self._started = self.clock.boottime()
        next_at = self._started + _TURN_S  # the first soon: a newcomer wants to see it
        while True:
            yield
            self.pause(_TURN_S)
            if self.clock.boottime() >= next_at:
                next_at = self.clock.boottime() + _EVERY_S
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
        return {**told, **_machine(self.data), **self.counts()}

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
