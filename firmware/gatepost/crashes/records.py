"""A crash as it is kept: one JSON file of at most 16 KiB. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from gatepost.model import Stamp

FOLDER = "crashes"
MOST_BYTES = 16 * 1024
MOST_REASON = 300
_MOST_VERSION = 40
_MOST_LINES = 60
_MOST_LINE = 600
_MOST_THREADS = 48
_MOST_FRAMES = 24
_MOST = 2**53 - 1

Threads = tuple[tuple[str, tuple[str, ...]], ...]


class Damaged(ValueError):
    """What stands in a file is no record."""


@dataclass(frozen=True, slots=True)
class Crash:
    """One crash, or several of one reason within a day.

    Attributes:
        reason: short, ready to be shown; the same for the same trouble.
        version: of the firmware that crashed.
        boot_id: of the boot in which it ran.
        uptime_s: since that run began; -1: not known.
        first, last: when it happened; with `found`: when it was found, at the next start.
        threads: name and calls, `file:line:function`, the innermost first.
        log: the last lines of the log.
        count, told: how often it happened; how many of these an event has told of.
    """

    reason: str
    version: str
    boot_id: str
    uptime_s: int
    first: Stamp
    last: Stamp
    found: bool = False
    threads: Threads = ()
    log: tuple[str, ...] = ()
    count: int = 1
    told: int = 0

    def again(self, other: Crash) -> Crash:
        """Both as one: `other` is the later one, and the one that is shown."""
        return replace(other, first=self.first, count=self.count + other.count, told=self.told)


def bounded(crash: Crash) -> Crash:
    """The same, with no more than is kept of each."""
    threads = tuple((n[:80], f[:_MOST_FRAMES]) for n, f in crash.threads[:_MOST_THREADS])
    log = tuple(line[:_MOST_LINE] for line in crash.log[-_MOST_LINES:])
    reason, version = _line(crash.reason[:MOST_REASON]), _line(crash.version[:_MOST_VERSION])
    return replace(crash, reason=reason, version=version, threads=threads, log=log)


def _line(text: str) -> str:
    """One line of characters that can be sent: of several problems, of a file's odd name."""
    return "".join(char if char.isprintable() else " " for char in text)


def written(crash: Crash) -> bytes:
    """The file: of the log's lines the oldest go until it fits, then the last threads."""
    kept = bounded(crash)
    while len(content := _json(kept)) > MOST_BYTES and (kept.log or kept.threads):
        if kept.log:
            kept = replace(kept, log=kept.log[1 + len(kept.log) // 8 :])
        else:
            kept = replace(kept, threads=kept.threads[:-1])
    return content


def _json(crash: Crash) -> bytes:
    told = asdict(crash) | {"threads": [{"name": n, "calls": f} for n, f in crash.threads]}
    return json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def read(content: bytes) -> Crash:
    """The crash that a file holds. Raises Damaged, whatever stands there."""
    try:
        told = json.loads(content.decode("utf-8"))
        threads = tuple((each["name"], tuple(each["calls"])) for each in told["threads"])
        stamps = {name: stamp_of(told[name]) for name in ("first", "last")}
        crash = Crash(**told | stamps | {"threads": threads, "log": tuple(told["log"])})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Damaged(type(error).__name__) from error
    if not _typed(crash):
        raise Damaged("a value of another type")
    return bounded(crash)


def stamp_of(told: dict[str, Any]) -> Stamp:
    """A stamp that was written down. Raises Damaged or TypeError."""
    stamp = Stamp(**told)
    numbers = (stamp.boot_us, stamp.wall_us, stamp.bound_us)
    if not all(type(each) is int and 0 <= each <= _MOST for each in numbers):
        raise Damaged("no stamp")
    if type(stamp.boot_id) is not str or type(stamp.synchronised) is not bool:
        raise Damaged("no stamp")
    return stamp


def _typed(crash: Crash) -> bool:
    texts = [crash.reason, crash.version, crash.boot_id, *crash.log]
    texts += [text for name, calls in crash.threads for text in (name, *calls)]
    numbers = (crash.uptime_s, crash.count, crash.told)
    return (
        all(type(each) is str for each in texts)
        and all(type(each) is int and -1 <= each <= _MOST for each in numbers)
        and type(crash.found) is bool
    )
