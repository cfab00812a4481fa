"""The last lines of the log, in memory that outlives the process.

A small file in the runtime folder (RAM), mapped: a line costs one copy and no system call, and
what was written is there after any death of the process. Not after the power's: for that each
line would have to go to the card, which wears. Without a runtime folder, or where it is full,
the lines are kept in the process alone.
"""

from __future__ import annotations

import mmap
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from gatepost.crashes.files import content_of
from gatepost.runtime import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "last-log"
BYTES = 32 * 1024
_HEAD = 8  # how many bytes were written in all, little endian
_MOST_LINE = 1000


class Ring:
    """Lines, the oldest written over. Any thread may write."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._end = 0
        # Its own thread may come in again: what clean-up has to say while a line is written.
        self._lock = threading.RLock()

    def write(self, line: str) -> None:
        """Add a line."""
        data = line.encode("utf-8", "replace")[:_MOST_LINE] + b"\n"
        with self._lock:
            place = self._end % (BYTES - _HEAD)
            self._end += len(data)
            first = data[: BYTES - _HEAD - place]
            self._memory[_HEAD + place : _HEAD + place + len(first)] = first
            rest = data[len(first) :]
            self._memory[_HEAD : _HEAD + len(rest)] = rest
            self._memory[:_HEAD] = self._end.to_bytes(_HEAD, "little")

    def lines(self) -> tuple[str, ...]:
        """What it holds. Waits for nobody: a thread may be stuck that holds the lock."""
        return lines_of(self._memory[:])


def lines_of(content: bytes) -> tuple[str, ...]:
    """The lines in a ring's memory, whatever stands there: the oldest may be cut, and goes."""
    if len(content) != BYTES:
        return ()
    end = int.from_bytes(content[:_HEAD], "little")
    body, size = content[_HEAD:], BYTES - _HEAD
    place = end % size
    text = body[:end] if end <= size else body[place:] + body[:place]
    lines = text.decode("utf-8", "replace").replace("\0", "").split("\n")
    if end > size:
        lines = lines[1:]
    return tuple("".join(c if c.isprintable() else "?" for c in line) for line in lines if line)


def place_in(environ: Mapping[str, str]) -> Path | None:
    """Where the ring lies; None without a service's folder."""
    folder = runtime_folder(environ)
    return folder / FILE if folder else None


def former(place: Path | None) -> tuple[str, ...]:
    """The lines of the run before."""
    if place is not None:
        with suppress(OSError):
            return lines_of(content_of(place, BYTES + 1))
    return ()


def fresh(place: Path | None) -> Ring:
    """A new ring, at `place` where that can be."""
    if place is not None:
        with suppress(OSError):
            return Ring(_mapped(place))
    return Ring(mmap.mmap(-1, BYTES))


def _mapped(place: Path) -> mmap.mmap:
    place.unlink(missing_ok=True)
    handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # Taken now: on a full tmpfs a page that is missing would be SIGBUS at some later line.
        os.posix_fallocate(handle, 0, BYTES)
        return mmap.mmap(handle, BYTES)
    except OSError:
        place.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
