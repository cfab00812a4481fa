"""Small files that a power cut leaves whole: the former one, or the new one. Raises OSError."""

from __future__ import annotations

import os
from contextlib import suppress
from stat import S_ISREG
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_with(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it, put it in its place, flush the folder."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def remove(path: Path) -> None:
    """Remove it, if it is there, so that it stays removed."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in it last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def content_of(path: Path, most: int) -> bytes:
    """The first `most` bytes of a file; of anything else (a pipe would hold us up) nothing."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(most) if S_ISREG(os.fstat(handle).st_mode) else b""
