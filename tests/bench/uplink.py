"""Events a second from the spool to the broker's acknowledgements, against paho-mqtt alone."""

from __future__ import annotations

import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import paho_alone
from ground import SITE, STATION, plain_broker
from records import fill
from report import Result, Row, spread

from gatepost.clock import SystemClock, boot_id
from gatepost.demo.authority import make_authority
from gatepost.demo.broker import HOST
from gatepost.drivers.broker import PahoBroker
from gatepost.mailbox import Mailbox
from gatepost.signing import Signer
from gatepost.spool import Spool
from gatepost.uplink import Uplink
from gatepost.wire import Topics, event_message

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from ground import Ground

    from gatepost.demo.authority import AuthorityFiles
    from gatepost.model import Message
    from gatepost.ports import Broker, Exchange

AIM = 0.7
WINDOW = 20
EVENTS, QUICK_EVENTS = 20_000, 5_000
ROUNDS, QUICK_ROUNDS = 5, 3
_TOPICS = Topics(SITE, STATION)
# What runs in each round, in this order: gatepost, then paho alone in each way.
_ALONE = {
    "paho, loop() by hand": (paho_alone.by_hand, False),
    "paho, loop_start()": (paho_alone.by_thread, False),
    "paho, loop() by hand, properties": (paho_alone.by_hand, True),
    "paho, loop_start(), properties": (paho_alone.by_thread, True),
}
# paho's usual way keeps all that is published in one list, and looks through it for each that is
# acknowledged: with 100,000 events in it, it does not come to an end.
BY_HAND = tuple(name for name, (way, _) in _ALONE.items() if way is paho_alone.by_hand)
_OURS = "gatepost"


@dataclass(frozen=True)
class Drain:
    """What a drain needs; it travels to a process of its own."""

    spool: Path
    port: int
    events: int
    files: AuthorityFiles


class Counted:
    """The real broker's driver; counts what was acknowledged."""

    def __init__(self, drain: Drain) -> None:
        self._broker = PahoBroker(
            host=HOST, port=drain.port, client_id=STATION, window=WINDOW, protocol="5", tls=None
        )
        self.acknowledged = 0
        self.begun = 0.0

    def connect(self, will: Message) -> None:
        self._broker.connect(will)
        self.begun = time.perf_counter()

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        exchange = self._broker.exchange(batch, wait_s)
        self.acknowledged += len(exchange.acknowledged)
        return exchange

    def disconnect(self) -> None:
        self._broker.disconnect()


def worker_of(drain: Drain, broker: Broker) -> Generator[None, None, None]:
    """The real uplink worker."""
    uplink = Uplink(
        spool_path=drain.spool,
        broker=broker,
        topics=_TOPICS,
        signer=Signer(drain.files.station_certificate, drain.files.station_key),
        clock=SystemClock(),
        boot_id=boot_id(),
        firmware="bench",
        notices=Mailbox(),
        window=WINDOW,
    )
    return uplink.run()


def ours(drain: Drain) -> float:
    """Events a second of the real uplink worker with the real driver."""
    broker = Counted(drain)
    worker = worker_of(drain, broker)
    for _ in worker:
        if broker.acknowledged >= drain.events:
            break
    took = time.perf_counter() - broker.begun
    worker.close()
    return drain.events / took


def alone(drain: Drain, way: str) -> float:
    """Events a second of paho alone, the messages ready in memory."""
    with Spool(drain.spool) as spool:
        kept = list(spool.range(1, spool.head().sequence))
    messages = [event_message(each.body, each.sequence) for each in kept]
    publish, properties = _ALONE[way]
    return drain.events / publish(drain.port, messages, WINDOW, properties=properties)


def run(ground: Ground) -> Result:
    """Measure them in turns: ours, each of paho's ways, ours again ..."""
    if ground.quick:
        return measured(ground, QUICK_EVENTS, QUICK_ROUNDS)
    return measured(ground, EVENTS, ROUNDS)


def measured(
    ground: Ground,
    events: int,
    rounds: int,
    full: Path | None = None,
    ways: Sequence[str] = tuple(_ALONE),
) -> Result:
    """The same with so many events in each of so many rounds; `full`: a spool of so many."""
    folder = ground.room("uplink")
    files = make_authority(folder / "keys", STATION)
    if full is None:
        ground.say(f"uplink: filling a spool with {events:,} events")
        full = fill(folder / "full", files, events)
    rates: dict[str, list[float]] = {name: [] for name in (_OURS, *ways)}
    with plain_broker(folder) as port:
        for number in range(1, rounds + 1):
            ground.say(f"uplink: round {number} of {rounds}")
            for name, found in rates.items():
                copy = folder / "spool.db"
                shutil.copy(full, copy)
                found.append(_apart(name, Drain(copy, port, events, files)))
                _remove(copy)
    return _result(rates, events)


def _apart(name: str, drain: Drain) -> float:
    """Measure in a fresh process, so that neither inherits the other's memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        work = pool.submit(ours, drain) if name == _OURS else pool.submit(alone, drain, name)
        return work.result()


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _result(rates: dict[str, list[float]], events: int) -> Result:
    middle = {name: median(found) for name, found in rates.items()}
    others = [name for name in rates if name != _OURS]
    bare = max((name for name in others if not _ALONE[name][1]), key=middle.__getitem__)
    same = max((name for name in others if _ALONE[name][1]), key=middle.__getitem__)
    ratios = [own / other for own, other in zip(rates[_OURS], rates[bare], strict=True)]
    ratio = median(ratios)
    row = Row(
        what=f"uplink, {events:,} events from the spool to acknowledged (QoS 1, window {WINDOW})",
        aim=f">= {AIM} of paho-mqtt alone",
        measured=f"{spread(ratios, 2)}: {spread(rates[_OURS])} events/s",
        beside=f"{bare}: {spread(rates[bare])}/s; {same}: {spread(rates[same])}/s "
        f"(ratio {middle[_OURS] / middle[same]:.2f})",
        met=ratio >= AIM,
    )
    facts: dict[str, Any] = {"events": events, "window": WINDOW, "events_per_s": rates}
    facts |= {
        "ratio": ratio,
        "ratios": ratios,
        "ratio_same_properties": middle[_OURS] / middle[same],
    }
    return Result([row], facts)
