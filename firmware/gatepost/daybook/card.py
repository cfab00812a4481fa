"""The daybook's file: opened, replaced in one step, its key written over. All raise OSError."""

from __future__ import annotations

import os
from contextlib import contextmanager
from errno import ENOSPC
from stat import S_ISREG
from typing import TYPE_CHECKING

from gatepost.daybook.layout import HEADER_BYTES, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_BYTES = 32 * 1024 * 1024
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


def content_of(path: Path) -> bytes:
    """What stands in the file; of one that is far too long, its beginning.

    A pipe in its place would hold us up for ever; it is no file, and nothing stands in it.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | _OPEN), "rb") as file:
        return file.read(_MOST_BYTES) if S_ISREG(os.fstat(file.fileno()).st_mode) else b""


def replaced(path: Path, content: bytes) -> int:
    """A new file in place of the one at `path`, on the card. Returns it, open for writing.

    A cut leaves the old one or the new one. The old one's key is written over: before, where it
    is not the new one's; else after, as the old file is still needed until then.
    """
    fresh = path.with_name(f"{path.name}.new")
    with _there(path) as old, _there(fresh) as left:
        _forget(left)
        if old >= 0 and key_of(os.pread(old, HEADER_BYTES, 0)) != key_of(content):
            _forget(old)
        file = _written(fresh, content)
        try:
            fresh.rename(path)
            flush_folder(path.parent)
            _forget(old)
        except OSError:
            os.close(file)
            raise
    return file


def write(file: int, data: bytes, place: int) -> None:
    """All of `data` at `place`, in one write."""
    if os.pwrite(file, data, place) != len(data):
        raise OSError(ENOSPC, "written in part")


def flush_folder(folder: Path) -> None:
    """Make names in it last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(path: Path, content: bytes) -> int:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
    try:
        write(file, content, 0)
        os.fsync(file)
    except OSError:
        os.close(file)
        raise
    return file


@contextmanager
def _there(path: Path) -> Iterator[int]:
    """The file at `path`, open, or -1."""
    try:
        file = os.open(path, os.O_RDWR | _OPEN)
    except FileNotFoundError:
        yield -1
        return
    try:
        yield file
    finally:
        os.close(file)


def _forget(file: int) -> None:
    """Write over the header, and with it the key, without which the records tell nothing."""
    if file >= 0:
        os.pwrite(file, bytes(HEADER_BYTES), 0)
        os.fsync(file)
