"""Below which version nothing is taken, also after what was held was forgotten. A file a kind."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 32


def floor(path: Path) -> int:
    """The least version that may be taken; 0: any."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1).decode("ascii").strip()
        return int(text) if text.isdecimal() and len(text) <= 16 else 0
    return 0


def raise_floor(path: Path, version: int) -> None:
    """Put it down, flushed, never lower than it is. Raises OSError.

    The caller flushes the folder, before it removes what the floor stands for.
    """
    if version <= floor(path):
        return
    fresh = path.with_name(f"{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
        file.write(f"{version}\n".encode())
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
