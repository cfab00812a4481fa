"""The day's memory on the card: what a restart or a power cut must not make a gate forget.

One small file, mode 0600, for the gate's `Memory`: a header with the day's key, then a record an
entry, appended in one write each. An event is flushed, an entry is not: a cut may take the last
seconds of memory, which costs a wrong direction for few and never an event. `flush` is called
while nobody comes, and at a clean stop.

Whoever takes the card within the day has pseudonyms *and* key, and can try identities: all 10^10
citizen numbers in hours. So nothing outlives its day: when it is over, the key is written over
first, then the file is replaced. (A card that levels wear may keep an old copy of a block, which
no program reaches.) A file that cannot be used, damaged or of another version, is not set aside
for the same reason: it has a key in it. The next write takes its place.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gatepost.daybook.card import content_of, replaced, write
from gatepost.daybook.layout import (
    HEADER_BYTES,
    RECORD_BYTES,
    Damaged,
    header,
    read,
    record,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.gate import Entry, Memory

_LOG = logging.getLogger(__name__)
FILE = "day"
_SPARE = 4096  # records that may be out of date before the file is written anew
_AGAIN_US = 60_000_000
_AGED_US = 600_000_000
_CANNOT = "cannot be kept"


class Daybook:
    """Keeps a memory in one folder; for one thread. Its methods raise nothing: the gate goes on.

    Attributes:
        trouble: "" while the card has all of it, else a short text for the technician.
    """

    def __init__(self, folder: Path) -> None:
        self.trouble = ""
        self._path = folder / FILE
        self._file = -1
        self._head = b""  # of the file that is open
        self._whose: tuple[bytes, int | None, str] | None = None
        self._end = 0
        self._flushed = True
        self._again_us = 0
        self._told_us = 0  # until when the file knows how long the memory lived

    def read(self) -> Memory | None:
        """What the card has, or None. It may be of a day that is over: Gate.turn finds out.

        What is damaged is left out, and the log says so.
        """
        try:
            memory, left_out = read(content_of(self._path))
        except FileNotFoundError:
            return None
        except (OSError, Damaged) as error:
            _LOG.warning("day's memory is lost", extra={"fields": {"why": str(error)}})
            return None
        if left_out:
            _LOG.warning("day's memory is damaged", extra={"fields": {"left out": left_out}})
        return memory

    def keep(self, memory: Memory, entry: Entry | None) -> None:
        """Add what Gate.remember returned. Where day or boot are new, the whole file is."""
        if self.trouble:
            return
        with self._careful(memory):
            if self._whose != _whose(memory):
                self._write(memory)
            elif entry is not None:
                self._append(memory, entry)

    def flush(self, memory: Memory) -> None:
        """Make it last; costs nothing where it does. Call it once at the start, too.

        After trouble the card is tried again, once a minute. Where nobody comes, it is noted
        every ten minutes that the memory got older: boots without time must add up to a day.
        """
        if self.trouble and memory.seen_us < self._again_us:
            return
        with self._careful(memory):
            records = (self._end - HEADER_BYTES) // RECORD_BYTES
            outdated = records > 2 * len(memory.passages) + _SPARE
            if outdated or self._whose != _whose(memory):
                self._write(memory)
                return
            remembers = memory.passages or memory.inside
            if remembers and memory.seen_us - self._told_us >= _AGED_US:
                self._append(memory, memory.older())
            if not self._flushed:
                os.fdatasync(self._file)
                self._flushed = True

    def close(self) -> None:
        """Close the file; `flush` before."""
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
        self._file, self._whose = -1, None

    def _write(self, memory: Memory) -> None:
        self.close()
        content = whole(memory)
        self._file = replaced(self._path, content)
        self._head, self._end, self._whose = header(memory), len(content), _whose(memory)
        self._flushed, self._told_us = True, memory.seen_us

    def _append(self, memory: Memory, entry: Entry) -> None:
        data = record(entry, self._head)
        write(self._file, data, self._end)
        self._end += len(data)
        self._flushed, self._told_us = False, memory.seen_us

    @contextmanager
    def _careful(self, memory: Memory) -> Iterator[None]:
        """An error of the card costs the memory after the next restart, and nothing now."""
        try:
            yield
        except OSError as error:
            if not self.trouble:
                _LOG.warning("day's memory cannot be kept", exc_info=error)
            self.close()
            self.trouble, self._again_us = _CANNOT, memory.seen_us + _AGAIN_US
            return
        if self.trouble:
            _LOG.info("day's memory is kept again")
            self.trouble = ""


def _whose(memory: Memory) -> tuple[bytes, int | None, str]:
    """What makes another file of it."""
    return memory.key, memory.day, memory.boot_id
