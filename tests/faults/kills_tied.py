"""Processes that end with the one that started them, also where that is ended by a time limit.

An orphaned daemon would go on by itself, on the pseudo-terminal that the next test is given.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SETPRIV = shutil.which("setpriv")  # of util-linux; it becomes the command: the pid is the same


def tied(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start `command`, what it says appended to `log`; killed when the calling thread ends."""
    first = [_SETPRIV, "--pdeathsig", "KILL"] if _SETPRIV else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*first, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
