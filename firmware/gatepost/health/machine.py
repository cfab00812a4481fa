"""What the machine tells of itself: heat, supply, card, room, memory."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from gatepost.health.card import card
from gatepost.health.memory import memory
from gatepost.health.power import Power
from gatepost.spool import FILE

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the kernel's files are; a test has its own."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")


@dataclass(slots=True)
class Machine:
    """Reads a few dozen small files; starts a process only where no file tells of throttling."""

    data: Path
    roots: Roots = field(default_factory=Roots)
    power: Power = field(init=False)
    _room_known: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self.power = Power(self.roots.sys, self.roots.dev)

    def facts(self, now: float) -> dict[str, int | str]:
        """What is known at `now`, seconds since boot."""
        return {
            **self._room(),
            **card(self.data, self.roots.sys, self.roots.proc, now),
            **memory(self.roots.proc),
            **self.power.facts(now),
        }

    def _room(self) -> dict[str, int]:
        """A card that fails must not end the station by this."""
        try:
            disk = shutil.disk_usage(self.data)
            parts = [self.data / f"{FILE}{suffix}" for suffix in ("", "-wal", "-shm")]
            used = sum(each.stat().st_size for each in parts if each.exists())
        except OSError as error:
            if self._room_known:
                _LOG.warning("the card's room is not known", extra={"fields": {"why": str(error)}})
            self._room_known = False
            return {}
        self._room_known = True
        return {
            "disk_free_bytes": disk.free,
            "disk_total_bytes": disk.total,
            "spool_used_bytes": used,
        }
