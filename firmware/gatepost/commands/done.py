"""Which commands were done, so that none is done twice, also after a restart.

A small file, replaced as a whole and flushed before the deed: whoever sends a command again gets
the same answer again, and a broker that keeps one cannot make a station restart for ever.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.desired import When

_LOG = logging.getLogger(__name__)
FILE = "commands.json"
_MOST = 500
_MOST_BYTES = 1024 * 1024
_KEPT = timedelta(hours=1)  # after it expired; by then the floor of time is past it, too


@dataclass(frozen=True, slots=True)
class Deed:
    """One command that was done. `expires_s`: seconds since 1970 UTC; `mark`: of what it said."""

    signer: str
    id: str
    mark: str
    expires_s: int
    outcome: str
    detail: str


class Done:
    """The deeds of one station. Use it from one thread; `path` None: in memory alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._deeds = {(each.signer, each.id): each for each in _read(path)}

    def find(self, signer: str, identity: str) -> Deed | None:
        """What was done by that id for that signer."""
        return self._deeds.get((signer, identity))

    def add(self, deed: Deed, when: When) -> bool:
        """Remember a deed, flushed. False: there is no room, and it must not be done.

        What expired is forgotten, where the time is known. Raises OSError.
        """
        if not when.behind:
            past = (when.at - _KEPT).timestamp()
            self._deeds = {key: each for key, each in self._deeds.items() if each.expires_s > past}
        if len(self._deeds) >= _MOST:
            return False
        deeds = self._deeds | {(deed.signer, deed.id): deed}
        if self._path is not None:
            _write(self._path, list(deeds.values()))
        self._deeds = deeds
        return True

    def amend(self, deed: Deed) -> None:
        """What came of it. Raises OSError; then what was said before holds."""
        self._deeds[deed.signer, deed.id] = deed
        if self._path is not None:
            _write(self._path, list(self._deeds.values()))


def expiry_s(at: datetime) -> int:
    """A time as seconds since 1970 UTC."""
    return int(at.astimezone(UTC).timestamp())


def _read(path: Path | None) -> list[Deed]:
    """What the file says; of one that is damaged, nothing: it is told, and begun anew."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            listed = json.loads(file.read(_MOST_BYTES))
        return [_deed(each) for each in listed]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, RecursionError) as error:
        fields = {"file": path.name, "why": str(error)[:200]}
        _LOG.error("which commands were done is not known any more", extra={"fields": fields})
        return []


def _deed(told: Any) -> Deed:
    """Raises TypeError, ValueError."""
    deed = Deed(**told)
    texts = (deed.signer, deed.id, deed.mark, deed.outcome, deed.detail)
    if not all(type(each) is str for each in texts) or type(deed.expires_s) is not int:
        raise ValueError("a deed of other types")
    return deed


def _write(path: Path, deeds: list[Deed]) -> None:
    """Whole or not at all. Raises OSError."""
    part = path.with_name(f"{path.name}.new")
    part.unlink(missing_ok=True)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps([asdict(each) for each in deeds]).encode("ascii"))
            file.flush()
            os.fsync(handle)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
