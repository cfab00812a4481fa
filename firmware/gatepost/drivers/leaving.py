"""When the whole process may be left for the sake of one device that only a new one would free."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.ports import Clock

APART_S = 600.0  # a device that needs it more often is broken: the station's other readers matter


class Departures:
    """Allows one in ten minutes, across processes: a broken device makes no loop of restarts.

    The time of the last is kept in `folder`, which must outlive the process and not the boot;
    without one (None), or where it cannot be written, a process must have lived that long.
    """

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._file = None if folder is None else folder / "left-for-a-device"
        self._clock = clock
        self._begun = clock.boottime()

    def leave(self) -> bool:
        """Whether to leave now; what is allowed counts as done."""
        now = self._clock.boottime()
        if self._file is None:
            return now - self._begun >= APART_S
        try:
            last = float(self._file.read_text("ascii"))
        except (OSError, ValueError):  # none yet, or no time
            last = float("-inf")
        if 0 <= now - last < APART_S:
            return False
        try:
            self._file.write_text(f"{now:.3f}\n", "ascii")
        except OSError:
            return now - self._begun >= APART_S
        return True
