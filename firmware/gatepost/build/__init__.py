"""The composition root: Config -> Station. The only place that names concrete drivers."""

from __future__ import annotations

import logging
import queue
from functools import partial
from typing import TYPE_CHECKING

from gatepost import __version__
from gatepost.build.outputs import lighting_of, signalling_of
from gatepost.build.readers import decoders_of, lit_of, reader_of
from gatepost.clock import SystemClock, boot_id
from gatepost.commands import WAITING, Commands
from gatepost.conditions import Conditions
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding
from gatepost.drivers.broker import PahoBroker
from gatepost.gate import Gate
from gatepost.governing import Governed, governed
from gatepost.health import Health
from gatepost.keys import keys_of, tls_of
from gatepost.mailbox import Mailbox
from gatepost.reading import reading
from gatepost.spool import prepare
from gatepost.station import Station
from gatepost.supervisor import Worker
from gatepost.timekeeping import stamp
from gatepost.uplink import Uplink
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatepost.config import Config
    from gatepost.decoding import LiveDecoder
    from gatepost.model import Cue, Scan
    from gatepost.ports import Clock, Reader
    from gatepost.signing import Signer

_LOG = logging.getLogger(__name__)
_SCANS = 32


def build(config: Config) -> Station:
    """A station of real drivers, its spool prepared. Raises ConfigError, SpoolError."""
    signer, sealer = keys_of(config)
    holds = governed(config)
    decoders = decoders_of(config)
    _announce(config)
    clock, boot = SystemClock(), boot_id()
    spool_path = prepare(
        config.station.data, config.station.id, config.station.site, stamp(clock, boot)
    )
    cues: queue.Queue[Cue] = queue.Queue()
    scans: queue.Queue[Scan] = queue.Queue(_SCANS)
    conditions = Conditions(cues.put)
    lit = lit_of(config)
    readers = [
        reader_of(
            each, clock, decoders, [box.put for name, box in lit.items() if name == each.name]
        )
        for each in config.reader
    ]
    daybook = Daybook(config.station.data)
    deciding = Deciding(
        scans=scans,
        cue=cues.put,
        conditions=conditions,
        gate=Gate(holds.rules, config.station.site, daybook.read()),
        daybook=daybook,
        trusted=holds.trusted,
        sealer=sealer,
        spool_path=spool_path,
        clock=clock,
        boot_id=boot,
        versions=holds.versions(),
        orders=queue.Queue(WAITING),
    )
    uplink = _uplink(config, spool_path, signer, deciding, clock, boot)
    health = _health(config, uplink, conditions, readers, decoders, clock, boot)
    deepening = [
        Worker(f"deepening {name}", decoder.deepening, 30, may_linger=True)
        for name, decoder in decoders.items()
    ]
    return Station(
        reading=[
            *_reading(readers, scans, cues, conditions),
            *deepening,
            *_commands(holds, uplink, deciding, clock),
        ],
        deciding=Worker("deciding", deciding.run, 30),
        uplink=Worker("uplink", uplink.run, 120, may_linger=True),
        health=Worker("health", health.run, 30),
        signalling=[*signalling_of(config, cues, clock), *lighting_of(config, lit, clock)],
    )


def _reading(
    readers: list[Reader],
    scans: queue.Queue[Scan],
    cues: queue.Queue[Cue],
    conditions: Conditions,
) -> list[Worker]:
    """One worker each."""
    return [
        Worker(f"reading {each.name}", partial(reading, each, scans, cues.put, conditions), 15)
        for each in readers
    ]


def _commands(holds: Governed, uplink: Uplink, deciding: Deciding, clock: Clock) -> list[Worker]:
    """Nothing is taken from the centre where the configuration names no authority."""
    if holds.held is None or uplink.received is None:
        return []
    commands = Commands(uplink.received, deciding.orders, holds.held, uplink.topics, clock)
    return [Worker("commands", commands.run, 30, may_linger=True)]


def _health(
    config: Config,
    uplink: Uplink,
    conditions: Conditions,
    readers: list[Reader],
    decoders: Mapping[str, LiveDecoder],
    clock: Clock,
    boot: str,
) -> Health:
    return Health(
        topic=uplink.topics.health,
        notices=uplink.notices,
        conditions=conditions,
        counts=partial(_counts, readers, decoders, uplink),
        data=config.station.data,
        clock=clock,
        boot_id=boot,
        firmware=__version__,
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


def _counts(
    readers: list[Reader], decoders: Mapping[str, LiveDecoder], uplink: Uplink
) -> Mapping[str, int]:
    return {
        "frames": sum(each.counts.frames for each in readers),
        "decoded": sum(each.counts.decoded for each in readers),
        "scans": sum(each.counts.scans for each in readers),
        "decode_failures": sum(each.failures.total() for each in decoders.values()),
        "overflowed": sum(each.counts.overflowed for each in readers),
        "spool_pending": uplink.facts.pending,
        "spool_newest": uplink.facts.newest,
    }


def _uplink(
    config: Config,
    spool_path: Path,
    signer: Signer,
    deciding: Deciding,
    clock: Clock,
    boot: str,
) -> Uplink:
    topics = Topics(config.station.site, config.station.id)
    broker = PahoBroker(
        host=config.broker.host,
        port=config.broker.port,
        client_id=config.station.id,
        keepalive_s=config.broker.keepalive_s,
        window=config.broker.window,
        protocol=config.broker.protocol,
        tls=tls_of(config),
        topics=topics.desired if config.central.authority else (),
    )
    return Uplink(
        spool_path=spool_path,
        broker=broker,
        topics=topics,
        signer=signer,
        clock=clock,
        boot_id=boot,
        firmware=__version__,
        notices=Mailbox(),
        window=config.broker.window,
        received=queue.Queue(WAITING) if config.central.authority else None,
        versions=lambda: deciding.versions,
    )
