"""Worker: what the station knows of itself, each minute, as one message for the uplink."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost.canonical import canonical
from gatepost.model import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from gatepost.conditions import Conditions
    from gatepost.mailbox import Mailbox
    from gatepost.ports import Clock

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

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: reading a few files."""
        next_at = self.clock.boottime() + _TURN_S  # the first soon: a newcomer wants to see it
        while True:
            yield
            self.pause(_TURN_S)
            if self.clock.boottime() >= next_at:
                next_at = self.clock.boottime() + _EVERY_S
                self.notices.put(Message(self.topic, canonical(self.report()), retain=True))

    def report(self) -> dict[str, Any]:
        """What is known now; what cannot be known here is left out."""
        bound = self.clock.bound_us()
        disk = shutil.disk_usage(self.data)
        told: dict[str, Any] = {
            "firmware": self.firmware,
            "boot_id": self.boot_id,
            "uptime_s": int(self.clock.boottime()),
            "clock": "unsynchronised" if bound is None else "synchronised",
            "bound_us": bound or 0,
            "disk_free_bytes": disk.free,
            "disk_total_bytes": disk.total,
            "memory_rss_bytes": _resident_bytes(),
            "conditions": self.conditions.all(),
        }
        temperature = _number_in(_TEMPERATURE)
        if temperature is not None:
            told["temperature_mc"] = temperature
        return {**told, **self.counts()}


def _resident_bytes() -> int:
    return int(_MEMORY.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _number_in(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
