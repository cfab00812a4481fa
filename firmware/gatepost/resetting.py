"""A factory reset: what the site and the centre made of a station goes, what it is stays.

Asked for by a file in the data folder, done before the daemon starts. A power cut at any moment
leaves it to be done again from the begin: each step may be repeated, and the request goes last.

Stays: station.toml, keys and certificate; the spool with each event, those carried for others,
and what was set aside; which commands were done, and below which version no rules or trust list
is taken (or a thief could reset a station and replay what was revoked).
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from gatepost import crashes, daybook, desired
from gatepost.daybook.card import flush_folder
from gatepost.daybook.layout import HEADER_BYTES
from gatepost.errors import SpoolError
from gatepost.governing import held_of
from gatepost.model import AuditRecord
from gatepost.spool import FILE, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gatepost.config import Config
    from gatepost.model import Record, Stamp

_LOG = logging.getLogger(__name__)
REQUEST = "factory-reset"
_DONE = "reset-done"
_FOLDERS = (crashes.FOLDER, "reports", "setup")
_DETAIL = 300
ACTION = "factory-reset"

GOES = (
    "rules and trust list that came from the centre",
    "the day's memory of who is inside",
    "crash records and commissioning reports",
)
STAYS = (
    "station.toml, keys and certificate",
    "every event that is not delivered yet, and those kept to be sent again",
    "the versions below which no rules or trust list is taken",
)


def ask(data: Path, now: Stamp) -> Path:
    """Ask for a reset before the next start. Returns the request's file. Raises OSError."""
    path = data / REQUEST
    _write(path, {"wall_us": now.wall_us, "by": "local"})
    return path


def asked(data: Path) -> bool:
    """Whether a reset is asked for. Raises OSError where that cannot be known."""
    try:
        (data / REQUEST).lstat()
    except FileNotFoundError:
        return False
    return True


def apply(config: Config, done: Callable[[str], None] = lambda _step: None) -> str:
    """Do it. Returns in words what was done. `done` hears of each step, for tests of cuts.

    Whoever calls keeps the daemon out. Raises OSError, NotKept, ConfigError: nothing is lost,
    and it may be done again.
    """
    data = config.station.data
    floors = _forget_desired(config)
    done("desired")
    _forget_day(data)
    done("day")
    for name in _FOLDERS:
        _remove(data / name)
        done(name)
    told = f"{floors}, the day's memory, crash records and reports taken away{_events(data)}"
    _write(data / _DONE, {"detail": told[:_DETAIL]})
    done("note")
    (data / REQUEST).unlink(missing_ok=True)
    flush_folder(data)
    done("request")
    return told


def _forget_desired(config: Config) -> str:
    held = held_of(config)
    if held is not None:
        floors = held.forget()
        words = [f"{kind.value} from {version}" for kind, version in floors.items() if version]
        return f"what the centre sent (taken again: {', '.join(words) or 'any'})"
    folder = config.station.data / desired.FOLDER
    for kind in desired.Desire:  # nobody's word, without an authority
        (folder / f"{kind.value}.jws").unlink(missing_ok=True)
    return "what the centre sent"


def _forget_day(data: Path) -> None:
    """The day's key is written over before the file goes: a card keeps what is unlinked."""
    for name in (daybook.FILE, f"{daybook.FILE}.new"):
        path = data / name
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.pwrite(handle, bytes(HEADER_BYTES), 0)
                os.fsync(handle)
            finally:
                os.close(handle)
            path.unlink()


def _remove(folder: Path) -> None:
    """A folder of files; no link is followed."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            _remove(each)
        else:
            each.unlink(missing_ok=True)
    folder.rmdir()


def _events(data: Path) -> str:
    try:
        with Look(data / FILE) as look:
            return f"; {look.depth()} undelivered events stay"
    except (SpoolError, OSError):
        return ""


def _write(path: Path, told: dict[str, object]) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # a link there would have root write to, and give away, anything
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        if os.geteuid() == 0:  # the station must be able to take it away
            owner = path.parent.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
        file.write(json.dumps(told).encode())
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    flush_folder(path.parent)


class Resets:
    """That a reset was done is an event of the next run. Raises nothing."""

    def __init__(self, data: Path) -> None:
        self._path = data / _DONE
        self._due = self._read()

    def due(self, _now: Stamp) -> Sequence[Record]:
        """What is to be recorded; call `kept` when it is."""
        return self._due

    def kept(self, _record: Record, _now: Stamp) -> None:
        """The event is on the card."""
        self._due = ()
        with suppress(OSError):  # then it is told again
            self._path.unlink(missing_ok=True)
            flush_folder(self._path.parent)

    def _read(self) -> tuple[Record, ...]:
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(4096))
            detail = str(told["detail"])[:_DETAIL]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _LOG.warning(
                "a reset's note is damaged", extra={"fields": {"why": type(error).__name__}}
            )
            detail = "what was done is not known: its note is damaged"
        return (AuditRecord(ACTION, "local", "done", detail),)
