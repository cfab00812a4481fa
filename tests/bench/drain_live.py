"""What a drain takes of memory, and how long visitors who come during it wait to be delivered."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from ground import STATION, memory_mb, plain_broker
from paho.mqtt.enums import CallbackAPIVersion
from records import fill
from report import Result, Row
from uplink import Counted, Drain, worker_of

from gatepost.clock import SystemClock, boot_id
from gatepost.demo.authority import make_authority
from gatepost.demo.broker import HOST
from gatepost.errors import GatepostError
from gatepost.model import Draft, FaultRecord
from gatepost.spool import Spool
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from ground import Ground

AIM_S = 1.0
AIM_GROWTH_MB = 4.0
MARK = 10_000
EVERY_S = 0.1
_ARRIVE_S = 10.0
# Of another type than what is drained, so that the subscriber hears these alone: one that had to
# take all of the drain would measure itself.
_LIVE = "gatepost/v1/+/+/event/fault"


@dataclass(frozen=True)
class Drained:
    """What a drain tells: `appended` by sequence, seconds of time.monotonic; RSS in MB."""

    took_s: float
    appended: dict[int, float]
    rss_mb: dict[int, float]


class _Ear:
    """Notes when live events arrive, by their sequence."""

    def __init__(self, port: int) -> None:
        self.arrived: dict[int, float] = {}
        self._ready = threading.Event()
        self._port = port
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._take
        self._client.on_connect = lambda *_: self._client.subscribe(_LIVE, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()

    def __enter__(self) -> Self:
        self._client.connect(HOST, self._port)
        self._client.loop_start()
        if not self._ready.wait(10):
            raise GatepostError("the subscriber gets no answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        now = time.monotonic()
        names = dict(getattr(message.properties, "UserProperty", ()))
        self.arrived.setdefault(int(names["id"].rpartition("-")[2]), now)


@dataclass
class _Visitors:
    """Appends an event each tenth of a second, in a thread with a spool object of its own."""

    drain: Drain
    appended: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        clock, boot = SystemClock(), boot_id()
        with Spool(self.drain.spool) as desk:
            while not self._stop.wait(EVERY_S):
                record = FaultRecord("bench", "failed", "somebody comes")
                kept = desk.append(Draft(record, stamp(clock, boot)))
                self.appended[kept.sequence] = time.monotonic()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def drained(drain: Drain) -> Drained:
    """Drain it in this process, while visitors come."""
    broker = Counted(drain)
    worker = worker_of(drain, broker)
    rss = {0: memory_mb(os.getpid())["Rss"]}
    with _Visitors(drain) as visitors:
        for _ in worker:
            mark = broker.acknowledged // MARK * MARK
            if mark not in rss:
                rss[mark] = memory_mb(os.getpid())["Rss"]
            if broker.acknowledged >= drain.events:
                break
    took = time.perf_counter() - broker.begun
    for _ in worker:  # the last visitors
        if broker.acknowledged >= drain.events + len(visitors.appended):
            break
    rss[broker.acknowledged] = memory_mb(os.getpid())["Rss"]
    worker.close()
    return Drained(took, visitors.appended, rss)


def filled(ground: Ground, events: int) -> Path:
    """A spool of so many events, to be copied."""
    folder = ground.room("filled")
    ground.say(f"drain: filling a spool with {events:,} events")
    return fill(folder / "full", make_authority(folder / "keys", STATION), events)


def measured(ground: Ground, events: int, full: Path) -> Result:
    """Do it once."""
    folder = ground.room("live")
    files = make_authority(folder / "keys", STATION)
    copy = folder / "spool.db"
    shutil.copy(full, copy)
    ground.say("drain: draining it, while visitors come")
    context = multiprocessing.get_context("spawn")
    with plain_broker(folder) as port, _Ear(port) as ear:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            told = pool.submit(drained, Drain(copy, port, events, files)).result()
        until = time.monotonic() + _ARRIVE_S
        while told.appended.keys() - ear.arrived.keys() and time.monotonic() < until:
            threading.Event().wait(0.05)
        return _result(events, told, ear.arrived)


def _result(events: int, told: Drained, arrived: dict[int, float]) -> Result:
    lost = told.appended.keys() - arrived.keys()
    if lost or not told.appended:
        raise GatepostError(f"{len(lost)} of {len(told.appended)} live events did not arrive")
    delays = sorted(arrived[each] - at for each, at in told.appended.items())
    early = [size for mark, size in told.rss_mb.items() if mark > 0]
    growth = early[-1] - early[0]
    p50, p99 = _part(delays, 0.5), _part(delays, 0.99)
    steps = ", ".join(f"{mark:,}: {size:.1f}" for mark, size in told.rss_mb.items())
    waits = Row(
        what=f"live scans while {events:,} events are drained, from kept to the subscriber, p99",
        aim=f"< {AIM_S:g} s",
        measured=f"{p99 * 1000:.0f} ms",
        beside=f"p50 {p50 * 1000:.0f} ms, most {delays[-1] * 1000:.0f} ms, of {len(delays)}",
        met=p99 < AIM_S,
    )
    memory = Row(
        what=f"memory of the drain, growth from the {MARK:,}th event to the last",
        aim=f"flat (< {AIM_GROWTH_MB:g} MB)",
        measured=f"{growth:+.1f} MB",
        beside=f"RSS by events acknowledged: {steps} MB",
        met=growth < AIM_GROWTH_MB,
    )
    facts = {
        "events": events,
        "events_per_s_with_visitors": events / told.took_s,
        "rss_mb": told.rss_mb,
        "delays_s": delays,
        "p50_s": p50,
        "p99_s": p99,
    }
    return Result([waits, memory], facts)


def _part(ascending: Sequence[float], part: float) -> float:
    return ascending[min(len(ascending) - 1, int(part * len(ascending)))]
