"""The composition root: Config -> Station. The only place that names concrete drivers."""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gatepost import __version__
from gatepost.build.delivery import Delivery, call, deliver
from gatepost.build.outputs import lighting_of, signalling_of
from gatepost.build.readers import decoders_of, lit_of, reader_of
from gatepost.clock import SystemClock, boot_id
from gatepost.commands import WAITING
from gatepost.conditions import Conditions
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding
from gatepost.errors import SpoolError
from gatepost.gate import Gate
from gatepost.governing import Governed, governed
from gatepost.health import Health
from gatepost.keys import keys_of
from gatepost.reading import reading
from gatepost.refusing import refusing
from gatepost.spool import Limits, prepare
from gatepost.station import Station
from gatepost.supervisor import Worker
from gatepost.timekeeping import Floor, TimeWatch, stamp
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatepost.config import Config, SpoolConfig
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


def build(config: Config) -> Station:
    """A station of real drivers, its spool prepared; one that refuses where there is none.

    Raises ConfigError.
    """
    signer, sealer = keys_of(config)
    holds = governed(config)
    front = _front(config)
    _announce(config)
    spool = partial(_prepared, front)
    try:
        path = spool()
    except SpoolError as why:
        again = partial(refusing, front.scans, front.cues.put, front.conditions, spool)
        refuse = Worker("refusing", partial(again, front.clock, why), 120)
        return _station(front, refuse, call(config, holds, front.clock, front.boot))
    floor = Floor()
    if holds.held is not None:
        holds.held.floor = floor
    deciding = _deciding(front, path, holds, sealer, floor)
    delivery = deliver(config, path, signer, holds, deciding, front.cues.put)
    return _station(front, Worker("deciding", deciding.run, 30), delivery)


def _prepared(front: _Front) -> Path:
    """The spool, now; raises SpoolError."""
    own, volatile = front.config.station, front.config.spool.allow_volatile
    now = stamp(front.clock, front.boot)  # of a later attempt: not the time of the first
    return prepare(own.data, own.id, own.site, now, allow_volatile=volatile)


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


def _station(front: _Front, deciding: Worker, delivery: Delivery) -> Station:
    deepening = [
        Worker(f"deepening {name}", decoder.deepening, 30, may_linger=True)
        for name, decoder in front.decoders.items()
    ]
    lights = lighting_of(front.config, front.lit, front.clock)
    return Station(
        reading=[*_reading(front), *deepening, *delivery.commands],
        deciding=deciding,
        uplink=delivery.worker,
        health=Worker("health", _health(front, delivery).run, 30),
        signalling=[*signalling_of(front.config, front.cues, front.clock), *lights],
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


def _health(front: _Front, delivery: Delivery) -> Health:
    topics = Topics(front.config.station.site, front.config.station.id)
    return Health(
        topic=topics.health,
        notices=delivery.notices,
        conditions=front.conditions,
        counts=partial(_counts, front, delivery),
        data=front.config.station.data,
        clock=front.clock,
        boot_id=front.boot,
        firmware=__version__,
        certificate_ends_us=delivery.certificate_ends_us,
        spool_most_bytes=front.config.spool.most_mib * _MIB,
    )


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


def _counts(front: _Front, delivery: Delivery) -> Mapping[str, int | str]:
    counts = [each.counts for each in front.readers]
    own = {
        "frames": sum(each.frames for each in counts),
        "decoded": sum(each.decoded for each in counts),
        "scans": sum(each.scans for each in counts),
        "decode_failures": sum(each.failures.total() for each in front.decoders.values()),
        "overflowed": sum(each.overflowed for each in counts),
    }
    return {**own, **delivery.told()}
