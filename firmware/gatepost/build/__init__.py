"""The composition root: Config -> Station. The only place that names concrete drivers."""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gatepost import __version__
from gatepost.build.delivery import Delivery, call, deliver
from gatepost.build.outputs import lighting_of, pressing_of, signalling_of
from gatepost.build.readers import decoders_of, lit_of, reader_of
from gatepost.build.telling import Telling, brief_of, health_of, serving_of
from gatepost.clock import SystemClock, boot_id
from gatepost.commands import WAITING
from gatepost.conditions import Conditions
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding
from gatepost.errors import SpoolError
from gatepost.gate import Gate
from gatepost.governing import Governed, governed
from gatepost.keys import keys_of
from gatepost.reading import reading
from gatepost.refusing import refusing
from gatepost.spool import Limits, prepare
from gatepost.station import Station
from gatepost.supervisor import Worker
from gatepost.timekeeping import Floor, TimeWatch, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gatepost.config import Config, SpoolConfig
    from gatepost.deciding import Told
    from gatepost.decoding import LiveDecoder
    from gatepost.mailbox import Mailbox
    from gatepost.model import Cue, Scan, View
    from gatepost.ports import Reader
    from gatepost.sealing import Sealer

_LOG = logging.getLogger(__name__)
_SCANS = 32
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Front:
    """What stands before the visitor, and how it is told apart from what lies behind."""

    config: Config
    readers: list[Reader]
    decoders: Mapping[str, LiveDecoder]
    lit: Mapping[str, Mailbox[View]]
    cues: queue.Queue[Cue]
    scans: queue.Queue[Scan]
    conditions: Conditions
    clock: SystemClock
    boot: str


def build(
    config: Config,
    told: Sequence[Told] = (),
    crashes: Callable[[], int] | None = None,
    slow: Callable[[], object] = lambda: None,
) -> Station:
    """A station of real drivers, its spool prepared; one that refuses where there is none.

    Args:
        config: the station's.
        told: what else has something to be recorded, as a crash of the run before.
        crashes: how many are known, for health.
        slow: called before what may take minutes: a damaged spool is read out.

    Raises ConfigError.
    """
    signer, sealer = keys_of(config)
    holds = governed(config)
    front = _front(config)
    _announce(config)
    spool = partial(_prepared, front)
    try:
        path = spool(slow)
    except SpoolError as why:
        again = partial(refusing, front.scans, front.cues.put, front.conditions, spool)
        refuse = Worker("refusing", partial(again, front.clock, why), 120)
        delivery = call(config, holds, front.clock, front.boot)
        return _station(front, refuse, _telling(front, delivery, None, crashes))
    floor = Floor()
    if holds.held is not None:
        holds.held.floor = floor
    deciding = _deciding(front, path, holds, sealer, floor)
    deciding.told = told
    delivery = deliver(config, path, signer, holds, deciding, front.cues.put)
    telling = _telling(front, delivery, deciding, crashes)
    return _station(front, Worker("deciding", deciding.run, 30), telling)


def _prepared(front: _Front, slow: Callable[[], object] = lambda: None) -> Path:
    """The spool, now; raises SpoolError."""
    own, volatile = front.config.station, front.config.spool.allow_volatile
    now = stamp(front.clock, front.boot)  # of a later attempt: not the time of the first
    return prepare(own.data, own.id, own.site, now, allow_volatile=volatile, slow=slow)


def _front(config: Config) -> _Front:
    decoders = decoders_of(config)
    clock, lit = SystemClock(), lit_of(config)
    cues: queue.Queue[Cue] = queue.Queue()
    return _Front(
        config=config,
        readers=[
            reader_of(
                each, clock, decoders, [box.put for name, box in lit.items() if name == each.name]
            )
            for each in config.reader
        ],
        decoders=decoders,
        lit=lit,
        cues=cues,
        scans=queue.Queue(_SCANS),
        conditions=Conditions(cues.put),
        clock=clock,
        boot=boot_id(),
    )


def _telling(
    front: _Front,
    delivery: Delivery,
    deciding: Deciding | None,
    crashes: Callable[[], int] | None,
) -> Telling:
    return Telling(
        config=front.config,
        readers=front.readers,
        decoders=front.decoders,
        conditions=front.conditions,
        clock=front.clock,
        boot_id=front.boot,
        delivery=delivery,
        deciding=deciding,
        crashes=crashes,
    )


def _station(front: _Front, deciding: Worker, telling: Telling) -> Station:
    deepening = [
        Worker(f"deepening {name}", decoder.deepening, 30, may_linger=True)
        for name, decoder in front.decoders.items()
    ]
    config, clock, told = front.config, front.clock, front.conditions.told
    health = health_of(telling)
    button = pressing_of(config, front.cues, partial(brief_of, telling, health), told, clock)
    lights = lighting_of(config, front.lit, clock, told)
    return Station(
        reading=[
            *_reading(front),
            *deepening,
            *telling.delivery.commands,
            *button,
            serving_of(telling, health),
        ],
        deciding=deciding,
        uplink=telling.delivery.worker,
        health=Worker("health", health.run, 30),
        signalling=[*signalling_of(config, front.cues, clock, told), *lights],
    )


def _deciding(
    front: _Front, path: Path, holds: Governed, sealer: Sealer | None, floor: Floor
) -> Deciding:
    data = front.config.station.data
    daybook = Daybook(data)
    return Deciding(
        scans=front.scans,
        cue=front.cues.put,
        conditions=front.conditions,
        gate=Gate(holds.rules, front.config.station.site, daybook.read()),
        daybook=daybook,
        trusted=holds.trusted,
        sealer=sealer,
        spool_path=path,
        clock=front.clock,
        boot_id=front.boot,
        versions=holds.versions(),
        orders=queue.Queue(WAITING),
        limits=limits_of(front.config.spool),
        times=TimeWatch(front.boot, floor),
    )


def limits_of(config: SpoolConfig) -> Limits:
    """How much the spool may take, as it is configured."""
    return Limits(config.keep_days, config.most_mib * _MIB, config.spare_mib * _MIB)


def _reading(front: _Front) -> list[Worker]:
    """One worker each."""
    return [
        Worker(
            f"reading {each.name}",
            partial(reading, each, front.scans, front.cues.put, front.conditions),
            15,
        )
        for each in front.readers
    ]


def _announce(config: Config) -> None:
    readers = ", ".join(f"{each.name} ({each.direction})" for each in config.reader)
    fields = {
        "station": config.station.id,
        "site": config.station.site,
        "version": __version__,
        "readers": readers,
        "sealed": "yes" if config.central.sealing_key else "NO",
    }
    _LOG.info("starting", extra={"fields": fields})
