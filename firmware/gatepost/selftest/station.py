"""What lies on the station itself: keys, the spool and its card, the clock."""

from __future__ import annotations

import os
import tempfile
import time
from statistics import median
from typing import TYPE_CHECKING

from gatepost.boards import machine, notes
from gatepost.clock import SystemClock
from gatepost.drivers.telling import day
from gatepost.drivers.tls import SOON_US, Validity, validity, wall_us
from gatepost.errors import ConfigError, GatepostError
from gatepost.keys import keys_of
from gatepost.selftest.findings import Finding
from gatepost.signing import load_certificates
from gatepost.spool import FILE, Look, room, volatile
from gatepost.timekeeping import RELEASED_US

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.config import Config

_TAIL = 256
_FLUSHES, _BLOCK = 20, 4096
_SLOW_S = 0.2
_MIB = 1024 * 1024


def floor_us(config: Config) -> int:
    """What is surely past, microseconds since 1970 UTC."""
    try:
        with Look(config.station.data / FILE) as look:
            return max(look.recall("floor_us") or 0, RELEASED_US)
    except GatepostError:
        return RELEASED_US


def behind(config: Config) -> int | None:
    """The floor while the time is not known; else None."""
    return floor_us(config) if SystemClock().bound_us() is None else None


def keys(config: Config) -> Iterator[Finding]:
    """Keys and certificates, as the station will use them."""
    try:
        _, sealer = keys_of(config)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("keys", ok=False, told=problem, advice="provision the station again")
        return
    sealed = "visitors' data is sealed" if sealer else "visitors' data is NOT sealed"
    yield Finding("keys", ok=True, told=f"fit together; {sealed}")


def certificate(config: Config) -> Iterator[Finding]:
    """Until when the station's certificate lets it in."""
    try:
        own: Validity = validity(
            load_certificates(config.station.certificate)[0], config.station.certificate.name
        )
    except GatepostError:
        return  # told among the keys
    trouble = own.trouble(wall_us(), behind(config))
    if trouble is not None:
        yield Finding("certificate", ok=False, told=trouble.text)
        return
    left = own.ends_us - wall_us()
    told = f"{own.name} ends on {day(own.ends_us)}"
    soon = f"renew it within {left // 86_400_000_000} days" if left < SOON_US else ""
    yield Finding("certificate", ok=not soon, told=told, advice=soon)


def board(config: Config) -> Iterator[Finding]:
    """Whether the machine is the one that the configuration is for."""
    if config.board is None:
        return
    strange = config.board.strange(machine())
    advice = "is this the card of another station, or [board] profile another board's?"
    yield Finding(
        "board",
        ok=not strange,
        told=strange or config.board.title,
        advice=advice if strange else "",
    )
    for each in notes(config, ""):
        yield Finding("board", ok=True, told=each)


def place(config: Config) -> Iterator[Finding]:
    """Where events are kept: on a card, and with room."""
    data = config.station.data
    if not data.is_dir():
        yield Finding(
            "card", ok=False, told=f"{data} is not there", advice="start the station once"
        )
        return
    kind = volatile(data)
    if kind:
        advice = "put station.data on the card: a power cut would lose what is green"
        ok = config.spool.allow_volatile
        yield Finding("card", ok=ok, told=f"{data} lies in RAM ({kind})", advice=advice)
    free = room(data)
    if free is None:
        yield Finding("room", ok=False, told=f"{data}: how much is free is not known")
        return
    enough = free > config.spool.spare_mib * _MIB
    advice = "" if enough else "make room on the card: visitors are refused"
    yield Finding("room", ok=enough, told=f"{free // _MIB} MiB are free", advice=advice)


def flush(config: Config) -> Iterator[Finding]:
    """How long the card takes to keep something: each visitor waits for it."""
    try:
        took = _flushes(config.station.data)
    except OSError as error:
        told = f"{config.station.data} cannot be written: {error.strerror}"
        advice = "is the card read-only or worn out, and are you its owner?"
        yield Finding("flush", ok=False, told=told, advice=advice)
        return
    middle, worst = median(took), max(took)
    told = f"median {middle * 1000:.1f} ms, worst {worst * 1000:.1f} ms of {len(took)}"
    slow = (
        "the card is slow: visitors wait for it; perhaps it wears out" if middle > _SLOW_S else ""
    )
    yield Finding("flush", ok=not slow, told=told, advice=slow)


def _flushes(folder: Path) -> list[float]:
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_FLUSHES):
            begun = time.perf_counter()
            file.write(bytes(_BLOCK))
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begun)
    return took


def spool(config: Config) -> Iterator[Finding]:
    """What is kept, and whether its newest part is whole."""
    path = config.station.data / FILE
    if not path.exists():
        yield Finding("spool", ok=True, told="none yet: the station makes it")
        return
    try:
        with Look(path) as look:
            look.check_tail(_TAIL)
            head, depth, source = look.head(), look.depth(), look.source
    except GatepostError as error:
        advice = "restart the station: it sets a damaged spool aside and goes on"
        yield Finding("spool", ok=False, told=str(error), advice=advice)
        return
    if source != config.station.id:
        told = f"{path} belongs to station {source}"
        yield Finding("spool", ok=False, told=told, advice="keep it: move it away, import it")
        return
    told = f"{head.sequence} events, {depth} not delivered; the newest {_TAIL} follow each other"
    yield Finding("spool", ok=True, told=told)


def clock(config: Config) -> Iterator[Finding]:
    """Whether the station knows the time."""
    bound = SystemClock().bound_us()
    if bound is not None:
        yield Finding(
            "clock", ok=True, told=f"synchronised, wrong by {bound / 1000:.1f} ms at most"
        )
        return
    told = f"not synchronised: says {day(wall_us())}; it is {day(floor_us(config))} or later"
    advice = "is an NTP server reached (timedatectl)? Events are kept and dated later"
    yield Finding("clock", ok=False, told=told, advice=advice)
