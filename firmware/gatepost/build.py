"""The composition root: Config -> Station. The only file that names concrete drivers."""

from __future__ import annotations

import logging
import queue
import sys
from datetime import time
from functools import partial
from typing import TYPE_CHECKING

from gatepost import __version__
from gatepost.clock import SystemClock, boot_id
from gatepost.conditions import Conditions
from gatepost.config import CameraReader, FramesReader, SerialReader, V4l2Reader
from gatepost.deciding import Day, Deciding
from gatepost.decoding import LiveDecoder, build_live
from gatepost.drivers.broker import PahoBroker
from gatepost.drivers.buzzer import Buzzer
from gatepost.drivers.frames import FrameReplay
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.light import Light
from gatepost.drivers.oled import Oled
from gatepost.drivers.panel import Panel
from gatepost.drivers.picamera import PiCamera
from gatepost.drivers.relay import Relay
from gatepost.drivers.usb_serial import SerialTexts
from gatepost.drivers.v4l2 import V4l2Camera
from gatepost.drivers.v4l2_tuning import Wishes
from gatepost.errors import ConfigError
from gatepost.gate import Gate, Rules
from gatepost.health import Health
from gatepost.keys import keys_of, tls_of
from gatepost.lighting import Dusk, lighting
from gatepost.mailbox import Mailbox
from gatepost.model import Cue, Direction, Scan
from gatepost.presentations import FrameReader, TextReader
from gatepost.reading import reading
from gatepost.signalling import showing, signalling
from gatepost.spool import prepare
from gatepost.station import Station
from gatepost.supervisor import Worker
from gatepost.timekeeping import stamp
from gatepost.uplink import Uplink
from gatepost.watched import Watched
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gatepost.config import Config, ReaderConfig
    from gatepost.model import View
    from gatepost.ports import Clock, Reader, Signal
    from gatepost.signing import Signer

_LOG = logging.getLogger(__name__)
_SCANS = 32


def build(config: Config) -> Station:
    """A station of real drivers, its spool prepared. Raises ConfigError, SpoolError."""
    signer, sealer = keys_of(config)
    decoders = _decoders(config)
    _announce(config)
    clock, boot = SystemClock(), boot_id()
    spool_path = prepare(
        config.station.data, config.station.id, config.station.site, stamp(clock, boot)
    )
    cues: queue.Queue[Cue] = queue.Queue()
    scans: queue.Queue[Scan] = queue.Queue(_SCANS)
    conditions = Conditions(cues.put)
    lit = _lit(config)
    readers = [
        _reader(each, clock, decoders, [box.put for name, box in lit.items() if name == each.name])
        for each in config.reader
    ]
    uplink = _uplink(config, spool_path, signer, clock, boot)
    deciding = Deciding(
        scans=scans,
        cue=cues.put,
        conditions=conditions,
        gate=Gate(Rules(frozenset(config.gate.accept), config.gate.repeat_s)),
        sealer=sealer,
        spool_path=spool_path,
        clock=clock,
        boot_id=boot,
        day=Day(time.fromisoformat(config.gate.day_reset)),
    )
    health = _health(config, uplink, conditions, readers, decoders, clock, boot)
    return Station(
        reading=[
            Worker(f"reading {each.name}", partial(reading, each, scans, cues.put, conditions), 15)
            for each in readers
        ]
        + [
            Worker(f"deepening {name}", decoder.deepening, 30, may_linger=True)
            for name, decoder in decoders.items()
        ],
        deciding=Worker("deciding", deciding.run, 30),
        uplink=Worker("uplink", uplink.run, 120, may_linger=True),
        health=Worker("health", health.run, 30),
        signalling=[*_signalling(config, cues, clock), *_lighting(config, lit, clock)],
    )


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


def _decoders(config: Config) -> dict[str, LiveDecoder]:
    """One for each camera, by the reader's name. Raises ConfigError."""
    decoders = {}
    for each in config.reader:
        if isinstance(each, SerialReader):
            continue
        try:
            decoders[each.name] = build_live(
                budget_s=1 / each.fps, beside=True, symbologies=each.symbologies
            )
        except ValueError as error:
            raise ConfigError([f"reader {each.name!r}: {error}"]) from error
    return decoders


def _reader(
    config: ReaderConfig,
    clock: Clock,
    decoders: Mapping[str, LiveDecoder],
    watchers: Sequence[Callable[[View], None]],
) -> Reader:
    direction = Direction(config.direction)
    if isinstance(config, SerialReader):
        gun = SerialTexts(config.device, baud=config.baud, clock=clock)
        return TextReader(config.name, direction, gun, config.repeat_s)
    source = _frame_source(config, clock)
    if not isinstance(source, FrameReplay):
        watchers = [source.suit, *watchers]
    watched = Watched(decoders[config.name], watchers)
    return FrameReader(config.name, direction, source, watched, config.gone_s, clock)


def _frame_source(
    config: CameraReader | V4l2Reader | FramesReader, clock: Clock
) -> PiCamera | V4l2Camera | FrameReplay:
    if isinstance(config, CameraReader):
        return PiCamera(
            config.camera,
            width=config.width,
            height=config.height,
            fps=config.fps,
            lens_m=config.lens_m,
            clock=clock,
            exposure_max_us=config.exposure_max_us,
            gain_max=config.gain_max,
            mains_hz=config.mains_hz,
        )
    if isinstance(config, V4l2Reader):
        return V4l2Camera(
            config.device,
            width=config.width,
            height=config.height,
            fps=config.fps,
            clock=clock,
            wishes=Wishes(
                exposure=config.exposure,
                exposure_max_us=config.exposure_max_us,
                gain_max=config.gain_max,
                focus=config.focus,
                mains_hz=config.mains_hz,
            ),
        )
    return FrameReplay(config.path, clock=clock, pace=config.pace, fps=config.fps, loop=config.loop)


def _lit(config: Config) -> Mapping[str, Mailbox[View]]:
    """The box for what the camera sees that the light stands by, by its reader; or none."""
    cameras = [each.name for each in config.reader if not isinstance(each, SerialReader)]
    if config.light is None or not cameras:
        return {}
    return {config.light.reader or cameras[0]: Mailbox()}


def _lighting(config: Config, lit: Mapping[str, Mailbox[View]], clock: Clock) -> list[Worker]:
    if config.light is None:
        return []
    light = config.light
    return [
        Worker(
            "lighting",
            partial(
                lighting,
                box,
                Light(light),
                Dusk(light.on_below, light.off_above, light.hold_s),
                clock,
            ),
            15,
        )
        for box in lit.values()
    ]


def _uplink(
    config: Config,
    spool_path: Path,
    signer: Signer,
    clock: Clock,
    boot: str,
) -> Uplink:
    broker = PahoBroker(
        host=config.broker.host,
        port=config.broker.port,
        client_id=config.station.id,
        keepalive_s=config.broker.keepalive_s,
        window=config.broker.window,
        protocol=config.broker.protocol,
        tls=tls_of(config),
    )
    return Uplink(
        spool_path=spool_path,
        broker=broker,
        topics=Topics(config.station.site, config.station.id),
        signer=signer,
        clock=clock,
        boot_id=boot,
        firmware=__version__,
        notices=Mailbox(),
        window=config.broker.window,
    )


def _signalling(config: Config, cues: queue.Queue[Cue], clock: Clock) -> list[Worker]:
    """Lamp first, then relay and buzzer; each slow signal has a mailbox and a worker of its own."""
    immediate: list[Signal] = []
    if config.lamp:
        immediate.append(Lamp(config.lamp))
    if config.relay:
        immediate.append(Relay(config.relay))
    if config.buzzer:
        immediate.append(Buzzer(config.buzzer))
    language = config.station.language
    slow: dict[str, Signal] = {}
    if config.oled:
        slow["oled"] = Oled(config.oled, language, clock)
    if config.panel and config.panel.terminal:
        title = f"gatepost {config.station.id} at {config.station.site}"
        slow["panel"] = Panel(sys.stdout, language, title, config.panel.width)
    boxes: dict[str, Mailbox[Cue]] = {name: Mailbox() for name in slow}
    workers = [
        Worker(name, partial(showing, boxes[name], signal, clock), 30)
        for name, signal in slow.items()
    ]
    quick = partial(signalling, cues, immediate, list(boxes.values()), clock)
    return [Worker("signalling", quick, 15), *workers]
