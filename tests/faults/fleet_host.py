"""A process that holds a part of a fleet, a thread for each station, and answers what it is asked.

At most `MOST` stations a process: the driver waits by select(2), which knows 1024 descriptors.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet_station import FleetStation, Signals

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from fleet_keys import Pair
    from fleet_station import Attempt, Where

MOST = 100
_ANSWER_S = 120.0
_JOIN_S = 60.0
# A thread that waits for the interpreter wakes up as often as this; a hundred of them, each every
# 5 ms, leave two cores no time for anything else.
_SWITCH_S = 0.2


@dataclass(frozen=True, slots=True)
class Load:
    """`events` of each station, within `span_s` seconds."""

    events: int
    span_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the stations of a host stand, at one moment.

    Attributes:
        unsent: events that the broker has not acknowledged; `pending`: not confirmed.
    """

    connected: int
    recorded: int
    unsent: int
    pending: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the stations of a host did, by their names; `failed`: what ended a station."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    heads: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Host:
    """The process, seen from outside."""

    def __init__(self, where: Where, stations: Sequence[tuple[str, Pair]], load: Load) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_host, args=(other, where, tuple(stations), load), daemon=True
        )
        self._process.start()
        other.close()

    def ask(self, word: str) -> Any:
        """Say `word`, wait for the answer. Raises GatepostError when it died."""
        self.tell(word)
        return self.answer()

    def tell(self, word: str) -> None:
        """Say `word`; the answer is to be taken later."""
        try:
            self._pipe.send(word)
        except OSError as error:
            raise GatepostError("a host of the fleet died") from error

    def answer(self) -> Any:
        """The answer to what was said. Raises GatepostError when none comes."""
        try:
            if self._pipe.poll(_ANSWER_S):
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise GatepostError("a host of the fleet died") from error
        raise GatepostError("a host of the fleet does not answer")

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()


def _host(pipe: Connection, where: Where, names: Sequence[tuple[str, Pair]], load: Load) -> None:
    logging.getLogger("gatepost").setLevel(logging.ERROR)  # that the broker is gone is meant so
    sys.setswitchinterval(_SWITCH_S)
    signals = Signals()
    stations = [FleetStation(name, where, own, signals) for name, own in names]
    threads = [
        threading.Thread(target=each.run, args=(load.events, load.span_s)) for each in stations
    ]
    for thread in threads:
        thread.start()
    pipe.send("ready")
    while (word := pipe.recv()) != "stop":
        if word == "go":
            signals.go.set()
        elif word == "no jitter":
            signals.jitter = False
        pipe.send(_standing(stations))
    signals.stop.set()
    for thread in threads:
        thread.join(_JOIN_S)
    pipe.send(_told(stations))
    pipe.recv()


def _standing(stations: Sequence[FleetStation]) -> Standing:
    return Standing(
        connected=sum(each.connected for each in stations),
        recorded=sum(each.recorded for each in stations),
        unsent=sum(each.unsent for each in stations),
        pending=sum(each.uplink.facts.pending for each in stations),
    )


def _told(stations: Sequence[FleetStation]) -> Told:
    return Told(
        attempts={each.name: each.broker.attempts for each in stations},
        heads=[each.told for each in stations],
        failed=[f"{each.name}: {each.failed}" for each in stations if each.failed],
    )
