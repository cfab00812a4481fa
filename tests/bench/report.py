"""What a bench found, as a row of the README's table and as JSON; and on which machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_TITLES = ("", "aim", "measured", "beside it, in the same run")


@dataclass(frozen=True)
class Row:
    """One line of the table; `met` None: nothing was aimed at."""

    what: str
    aim: str
    measured: str
    beside: str
    met: bool | None = None

    def cells(self) -> tuple[str, str, str, str]:
        missed = " (missed)" if self.met is False else ""
        return self.what, self.aim, self.measured + missed, self.beside


@dataclass(frozen=True)
class Result:
    """Rows for people, facts (every number behind them) for machines."""

    rows: Sequence[Row]
    facts: dict[str, Any] = field(default_factory=dict)


def table(rows: Sequence[Row]) -> str:
    """The rows as one Markdown table, its columns aligned."""
    lines = [_TITLES, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_TITLES))]
    rule = tuple("-" * width for width in widths)
    padded = (
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (lines[0], rule, *lines[1:])
    )
    return "\n".join(f"| {line} |" for line in padded)


def machine(folder: Path) -> str:
    """The machine in one sentence, with what else it was doing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {_mosquitto()}, files on {file_system(folder)}; "
        f"load when it began {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    told = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return str(told.get("Model") or told.get("model name") or platform.machine())


def _mosquitto() -> str:
    program = broker_program()
    told = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    return told.stdout.partition("\n")[0].replace("version ", "") or "mosquitto"


def broker_program() -> str:
    """Where mosquitto is; it is not on everybody's PATH in Debian."""
    return (
        shutil.which("mosquitto")
        or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        or "mosquitto"
    )


def file_system(folder: Path) -> str:
    """The type of the file system that holds `folder`: "ext4", "tmpfs" ..."""
    mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines())
    whole = folder.resolve()
    holding = [(where, kind) for where, kind in mounts if whole.is_relative_to(where)]
    return max(holding, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and from where to where the values go."""
    middle, least, most = (f"{each:,.{digits}f}" for each in (median(values), *ends(values)))
    return f"{middle} ({least} to {most})"


def ends(values: Sequence[float]) -> tuple[float, float]:
    """The least and the most."""
    return min(values), max(values)
