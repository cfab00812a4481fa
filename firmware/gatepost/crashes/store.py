"""The folder of crashes: at most so many, the same ones together, each told once."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatepost.crashes.files import content_of, remove, replace_with
from gatepost.crashes.records import MOST_BYTES, Crash, bounded, read, written
from gatepost.model import FaultRecord

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.model import Stamp

_LOG = logging.getLogger(__name__)
MOST = 24
MOST_EVENTS_A_DAY = 24
_DAY_US = 86_400_000_000
_SENT = "sent"
_NAME = re.compile(r"[0-9]{1,20}\.json")
_MOST_DETAIL = 400
PART = "station"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A crash of which an event has to tell. `name`: its file's; `count`: what is told then."""

    name: str
    count: int
    record: FaultRecord


class Store:
    """The crashes of one station. Any thread may use it. Raises nothing: a card that fails is
    no reason to crash; `trouble` says so, and what could not be written is kept in memory.
    """  # noqa: D205 - one sentence

    def __init__(self, folder: Path, *, keep: bool = True) -> None:
        """`keep` False: to look at alone; nothing on the card is changed."""
        self.trouble = ""
        self._keep = keep
        self._folder = folder
        self._lock = threading.Lock()
        self._crashes = self._read()
        self._sent = self._sent_on_a_day()
        if keep:
            self._tidy()

    def all(self) -> list[Crash]:
        """What is kept, the oldest first."""
        with self._lock:
            return list(self._crashes.values())

    def add(self, crash: Crash) -> None:
        """Keep a crash: with one of the same reason, within a day, as one."""
        crash = bounded(crash)
        with self._lock:
            for name, known in reversed(self._crashes.items()):
                if _same(known, crash):
                    self._write(name, known.again(crash))
                    return
            last = max((int(name) for name in self._crashes), default=0)
            self._write(f"{last + 1:06}", crash)
            self._tidy()

    def waiting(self, now: Stamp) -> list[Waiting]:
        """What an event has to tell of. Of a loop of crashes the 1st, 10th, 100th, ... at once,
        and the rest when the day is over; of all together at most 24 events a day.
        """  # noqa: D205 - one sentence
        with self._lock:
            day, sent = self._sent
            room = MOST_EVENTS_A_DAY - (sent if day == now.wall_us // _DAY_US else 0)
            due = [(name, each) for name, each in self._crashes.items() if _due(each, now)]
        return [Waiting(name, each.count, _event(each)) for name, each in due[: max(room, 0)]]

    def told(self, waiting: Waiting, now: Stamp) -> None:
        """An event tells of it, and is on the card."""
        with self._lock:
            day, sent = self._sent
            today = now.wall_us // _DAY_US
            self._sent = (today, sent + 1 if day == today else 1)
            crash = self._crashes.get(waiting.name)
            if crash is not None:
                self._write(waiting.name, replace(crash, told=waiting.count))
            with suppress(OSError):  # then a few more are told
                replace_with(self._folder / _SENT, json.dumps(self._sent).encode())

    def _write(self, name: str, crash: Crash) -> None:
        self._crashes[name] = crash
        try:
            replace_with(self._path(name), written(crash))
            self.trouble = ""
        except OSError as error:
            self._fail(error)

    def _tidy(self) -> None:
        """The oldest go: of those that were told first."""
        while len(self._crashes) > MOST:
            told = (name for name, each in self._crashes.items() if each.told)
            name = next(told, next(iter(self._crashes)))
            del self._crashes[name]
            with suppress(OSError):
                remove(self._path(name))

    def _read(self) -> dict[str, Crash]:
        found: dict[str, Crash] = {}
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - glob() finds nothing where it may not
            paths = sorted(self._folder / each for each in names if _NAME.fullmatch(each))
        except FileNotFoundError:
            return found
        except OSError as error:
            self._fail(error)
            return found
        for path in paths:
            try:
                found[f"{int(path.stem):06}"] = read(content_of(path, 2 * MOST_BYTES))
            except (OSError, ValueError) as error:
                _LOG.warning("a crash's record is damaged", extra={"fields": {"file": path.name}})
                if self._keep and not isinstance(error, OSError):  # now or later, it is nothing
                    with suppress(OSError):
                        remove(path)
        return found

    def _sent_on_a_day(self) -> tuple[int, int]:
        try:
            day, sent = json.loads(content_of(self._folder / _SENT, 100))
            return int(day), int(sent)
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            return 0, 0

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _fail(self, error: OSError) -> None:
        self.trouble = error.strerror or type(error).__name__
        if self._keep:
            _LOG.warning("a crash cannot be kept", extra={"fields": {"why": self.trouble}})


def _same(known: Crash, crash: Crash) -> bool:
    alike = (known.reason, known.version) == (crash.reason, crash.version)
    return alike and abs(crash.last.wall_us - known.first.wall_us) < _DAY_US


def _due(crash: Crash, now: Stamp) -> bool:
    if crash.told >= crash.count:
        return False
    over = abs(now.wall_us - crash.first.wall_us) >= _DAY_US
    return crash.told == 0 or crash.count >= 10 * crash.told or over


def _event(crash: Crash) -> FaultRecord:
    told = f"{crash.reason}; version {crash.version}"
    if crash.count > 1:
        since = datetime.fromtimestamp(crash.first.wall_us / 1e6, UTC).isoformat(timespec="seconds")
        told += f"; {crash.count} times since {since.replace('+00:00', 'Z')}"
    return FaultRecord(PART, "failed", told[:_MOST_DETAIL])
