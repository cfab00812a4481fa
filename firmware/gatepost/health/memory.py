"""Memory, load, and how long work had to wait for it.

proc(5); Documentation/accounting/psi.rst. Unlike a share in use, a wait says that it hurts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatepost.health.files import MOST, text, thousandths, whole

if TYPE_CHECKING:
    from pathlib import Path

_WAITS = (("memory", "memory"), ("io", "card"), ("cpu", "cpu"))
_ROWS = (
    ("self/status", "VmRSS", "memory_rss_bytes"),
    ("self/status", "VmHWM", "memory_peak_bytes"),
    ("self/status", "VmSwap", "memory_swapped_bytes"),
    ("meminfo", "MemAvailable", "memory_available_bytes"),
    ("meminfo", "MemTotal", "memory_total_bytes"),
)


def memory(proc: Path) -> dict[str, int]:
    """The program's memory and the machine's, its load, and its waits; `proc` is /proc."""
    texts = {file: text(proc / file) or "" for file, _, _ in _ROWS}
    told = {}
    for file, row, name in _ROWS:
        found = re.search(rf"^{row}:\s+(\d+) kB$", texts[file], re.MULTILINE)
        kib = whole(found[1]) if found else None
        if kib is not None and kib <= MOST // 1024:
            told[name] = kib * 1024
    load = thousandths((text(proc / "loadavg") or "").split(" ")[0])
    if load is not None:
        told["load_milli"] = load
    return told | _waits(proc)


def _waits(proc: Path) -> dict[str, int]:
    """Thousandths of the last minute in which something waited; where the kernel counts it."""
    told = {}
    for file, name in _WAITS:
        found = re.search(
            r"^some .*\bavg60=([\d.]+)", text(proc / "pressure" / file) or "", re.MULTILINE
        )
        share = thousandths(found[1]) if found else None  # of a percent
        if share is not None and share <= 100_000:
            told[f"{name}_waits_permille"] = share // 100
    return told
