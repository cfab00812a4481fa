"""Python's own report of a fatal signal or of a hang: written without Python, read at next start.

faulthandler writes from the signal's handler, or from a thread in C that needs no GIL, into a
file that is open since the start. Its form: Python's documentation of faulthandler.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.crashes.files import content_of
from gatepost.crashes.stacks import call

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.crashes.records import Threads

_LOG = logging.getLogger(__name__)
FILE = "native"
_MOST_BYTES = 128 * 1024
_SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating-point exception": "SIGFPE",
    "Floating point exception": "SIGFPE",
}
_FATAL = re.compile(r"^Fatal Python error: (.{1,120})$", re.MULTILINE)
_TIMEOUT = re.compile(r"^Timeout \((\d{1,6}):(\d\d):(\d\d(?:\.\d+)?)\)", re.MULTILINE)
_THREAD = re.compile(r"^(Current thread|Thread) 0x[0-9a-f]+")
_FRAME = re.compile(r'^  File "([^"]*)", line (\d{1,9}|\?\?\?) in (.*)$')


@dataclass(frozen=True, slots=True)
class Native:
    """What a report says. `signal`: its name, or ""; `hung_s`: how long nothing came, or None."""

    signal: str
    hung_s: float | None
    error: str
    place: str
    threads: Threads


class Report:
    """The file, open for whatever may come. Without one (`folder` is bad) it goes to stderr."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` None: the file there is not to be written over; to stderr, too."""
        self._file = -1
        why: str | None = "the last one is not kept yet"
        if folder is not None:
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
                self._file = os.open(folder / FILE, flags, 0o600)
            except OSError as error:
                why = error.strerror
        if self._file < 0:
            _LOG.warning("a crash would be told in the log alone", extra={"fields": {"why": why}})
        with suppress(OSError, ValueError, RuntimeError):  # no stderr either
            faulthandler.enable(self._file if self._file >= 0 else 2, all_threads=True)

    def end_unless(self, seconds: float) -> None:
        """End the process in so many seconds, with the stacks of all threads and status 1,
        unless this is called again before. 0: not at all any more.

        It needs no GIL: it also ends a process of which a thread hangs in C code with the GIL.
        """  # noqa: D205 - one sentence
        if seconds <= 0:
            faulthandler.cancel_dump_traceback_later()
            return
        file = self._file if self._file >= 0 else 2
        with suppress(RuntimeError):  # no memory for a thread: the watchdog still watches
            faulthandler.dump_traceback_later(seconds, exit=True, file=file)


def former(folder: Path) -> Native | None:
    """The report of the run before, None where there is none."""
    try:
        text = content_of(folder / FILE, _MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    return parsed(text)


def parsed(text: str) -> Native | None:
    """What a report says; None: it is empty. Whatever stands there, nothing is raised."""
    if not text.strip("\0 \n"):
        return None
    fatal, timeout = _FATAL.search(text), _TIMEOUT.search(text)
    threads, current = _threads(text)
    hung_s = None
    if timeout is not None and fatal is None:
        hung_s = int(timeout[1]) * 3600 + int(timeout[2]) * 60 + float(timeout[3])
    error = fatal[1] if fatal else ""
    place = next(iter(current), "")
    return Native(_SIGNALS.get(error, ""), hung_s, error, place, threads)


def _threads(text: str) -> tuple[Threads, tuple[str, ...]]:
    found: list[tuple[str, list[str]]] = []
    current: list[str] = []
    for line in text.splitlines():
        if head := _THREAD.match(line):
            crashed = head[1] == "Current thread"
            found.append(("the one that crashed" if crashed else f"thread {len(found) + 1}", []))
            current = found[-1][1] if crashed else current
        elif found and (frame := _FRAME.match(line)):
            number = int(frame[2]) if frame[2].isdecimal() else 0
            found[-1][1].append(call(frame[1], number, frame[3][:80]))
        elif line.strip():
            continue
    threads = sorted(found, key=lambda each: each[1] is not current)  # the culprit first
    return tuple((name, tuple(calls)) for name, calls in threads), tuple(current)
