"""The marker of a run: written at its start, taken away at its clean end.

One that is found at the next start is an unclean stop. What systemd said of it (the note that
ExecStopPost= leaves) refines it; systemd.exec(5), "$SERVICE_RESULT".
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gatepost.crashes.files import content_of, remove, replace_with
from gatepost.crashes.records import FOLDER, Damaged, stamp_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatepost.crashes.native import Native
    from gatepost.model import Stamp

_LOG = logging.getLogger(__name__)
FILE = "running"
_NOTE = "stopped"
_MOST_BYTES = 4096
_WORD = re.compile(r"[A-Za-z0-9+_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Marker:
    """A run that began. `invocation`: systemd's id of it, or ""."""

    boot_id: str
    pid: int
    version: str
    began: Stamp
    invocation: str = ""

    def write(self, folder: Path) -> None:
        """Put it down, flushed. Raises OSError."""
        replace_with(folder / FILE, json.dumps(asdict(self)).encode())


@dataclass(frozen=True, slots=True)
class Left:
    """What the run before has left: its marker (None: damaged), and what systemd said of it."""

    marker: Marker | None
    result: str = ""
    code: str = ""
    status: str = ""

    @property
    def clean(self) -> bool:
        """Whether it was asked to end, and ended so: the marker alone is left."""
        return self.result == "success"


def left(folder: Path) -> Left | None:
    """What is there of the run before; None: it ended cleanly, or there was none."""
    try:
        content = content_of(folder / FILE, _MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        _LOG.warning("how it ended is not known", extra={"fields": {"why": error.strerror}})
        return None
    marker = _marker(content)
    note = _note(folder)
    ours = marker is None or note.get("invocation") == marker.invocation
    if not ours:
        note = {}
    return Left(marker, *(note.get(name, "") for name in ("result", "code", "status")))


def clear(folder: Path) -> None:
    """The run has ended, and is accounted for. Raises OSError."""
    (folder / _NOTE).unlink(missing_ok=True)
    remove(folder / FILE)


def stopped(data: Path, environ: Mapping[str, str]) -> None:
    """For ExecStopPost=: leave a note of what systemd says of the end. Raises nothing.

    `environ`: SERVICE_RESULT, EXIT_CODE and EXIT_STATUS, as systemd gives them.
    """
    folder = data / FOLDER
    names = {
        "result": "SERVICE_RESULT",
        "code": "EXIT_CODE",
        "status": "EXIT_STATUS",
        "invocation": "INVOCATION_ID",
    }
    note = {key: environ.get(name, "")[:40] for key, name in names.items()}
    try:
        if (folder / FILE).exists():  # else it ended by itself, and said why
            replace_with(folder / _NOTE, json.dumps(note).encode())
    except OSError as error:
        _LOG.warning("the stop is not noted", extra={"fields": {"why": error.strerror}})


def reason(found: Left, native: Native | None, boot_id: str) -> str:
    """Why the run before ended, in words that are the same for the same trouble."""
    if native is not None:
        return _of_native(native, found)
    if found.marker is None:
        return "unclean stop: its marker is damaged"
    if found.result and (told := _of_systemd(found)):
        return told
    if found.marker.boot_id != boot_id:
        return "power cut or reset"
    return "killed: by SIGKILL, or out of memory"


def _of_native(native: Native, found: Left) -> str:
    place = f" at {native.place}" if native.place else ""
    if native.hung_s is not None:  # the supervisor's turn, or the whole of its stopping
        return f"hung: the main thread came to nothing within {native.hung_s:g} s"
    if found.result == "watchdog":
        return "watchdog: no sign of life, ended by systemd"
    if native.signal:
        return f"signal {native.signal}{place}"
    return f"fatal error{place}"  # its text may quote anything


def _of_systemd(found: Left) -> str:
    signal = f"SIG{found.status}"
    told = {
        "watchdog": "watchdog: no sign of life, ended by systemd",
        "oom-kill": "oom-kill: out of memory, or over its limit",
        "timeout": "timeout: did not start or stop in time, ended by systemd",
        "signal": f"signal {signal}",
        "core-dump": f"signal {signal}",
        "exit-code": f"ended with status {found.status} and no word",
        "resources": "systemd had not the means to run it",
        "protocol": "ended before it was ready",
    }
    return told.get(found.result, f"unclean stop: {found.result}")


def _marker(content: bytes) -> Marker | None:
    try:
        told = json.loads(content.decode("utf-8"))
        marker = Marker(**told | {"began": stamp_of(told["began"])})
    except (ValueError, TypeError, KeyError, RecursionError, Damaged):
        _LOG.warning("the marker of the last run is damaged")
        return None
    texts = (marker.boot_id, marker.version, marker.invocation)
    return marker if all(type(each) is str for each in texts) else None


def _note(folder: Path) -> dict[str, str]:
    try:
        told: Any = json.loads(content_of(folder / _NOTE, _MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {
        str(key): value
        for key, value in told.items()
        if isinstance(value, str) and (not value or _WORD.fullmatch(value))
    }


def invocation() -> str:
    """The id that systemd gave this run, "" without systemd."""
    return os.environ.get("INVOCATION_ID", "")[:40]
