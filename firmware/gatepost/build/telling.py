"""What tells how the station is: health, the status socket, and the button's four lines."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gatepost import __version__
from gatepost.health import Health, Machine, Rates, brief
from gatepost.heap import give_back
from gatepost.status import Serving, place
from gatepost.supervisor import Worker
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatepost.build.delivery import Delivery
    from gatepost.conditions import Conditions
    from gatepost.config import Config
    from gatepost.deciding import Deciding
    from gatepost.decoding import LiveDecoder
    from gatepost.ports import Clock, Reader

_MIB = 1024 * 1024
_SIGNALS = ("lamp", "relay", "buzzer", "light", "oled", "panel", "button")
_RATE = "frames_min_"


@dataclass(frozen=True, slots=True)
class Telling:
    """What there is to be told of.

    Attributes:
        deciding: None where there is no spool.
        crashes: how many are known; None: nobody counts them.
    """

    config: Config
    readers: Sequence[Reader]
    decoders: Mapping[str, LiveDecoder]
    conditions: Conditions
    clock: Clock
    boot_id: str
    delivery: Delivery
    deciding: Deciding | None = None
    crashes: Callable[[], int] | None = None

    def counts(self) -> Mapping[str, int | str]:
        """What readers, card and uplink have counted since the start."""
        counts = [each.counts for each in self.readers]
        by_pass: dict[str, int] = {}
        for each in counts:
            for name, scans in each.by_pass.copy().items():
                by_pass[f"read_by_{name}"] = by_pass.get(f"read_by_{name}", 0) + scans
        return {
            "frames": sum(each.frames for each in counts),
            "decoded": sum(each.decoded for each in counts),
            "scans": sum(each.scans for each in counts),
            "decode_failures": sum(each.failures.total() for each in self.decoders.values()),
            "overflowed": sum(each.overflowed for each in counts),
            "lossy": sum(each.lossy for each in counts),
            "dropped": sum(each.dropped for each in counts),
            **by_pass,
            **(self.deciding.flushes.told() if self.deciding else {}),
            **({"crashes": self.crashes()} if self.crashes else {}),
            **self.delivery.told(),
        }

    def frames(self) -> Mapping[str, int]:
        """Of each camera, under the name that its rate is told by."""
        cameras = [each for each in self.readers if each.name in self.decoders]
        return {f"{_RATE}{each.name}": each.counts.frames for each in cameras}


def health_of(telling: Telling) -> Health:
    """The health worker's state."""
    config = telling.config
    topics = Topics(config.station.site, config.station.id)
    return Health(
        topic=topics.health,
        notices=telling.delivery.notices,
        conditions=telling.conditions,
        counts=telling.counts,
        machine=Machine(config.station.data),
        clock=telling.clock,
        boot_id=telling.boot_id,
        firmware=__version__,
        rates=Rates(telling.frames),
        certificate_ends_us=telling.delivery.certificate_ends_us,
        spool_most_bytes=config.spool.most_mib * _MIB,
        tidy=give_back,
    )


def serving_of(telling: Telling, health: Health) -> Worker:
    """The worker of the status socket."""
    serving = Serving(
        path=place(telling.config.station.data),
        report=partial(report, telling, health),
        conditions=telling.conditions,
        clock=telling.clock,
    )
    return Worker("status", serving.run, 30)


def brief_of(telling: Telling, health: Health) -> list[str]:
    """How the station is, for the small screen."""
    own = telling.config.station
    return brief({"station": own.id, **health.report()}, own.language)


def report(telling: Telling, health: Health) -> dict[str, Any]:
    """What the status socket tells: nothing of any visitor."""
    config, told = telling.config, health.report()
    rates = {key.removeprefix(_RATE): told[key] for key in told if key.startswith(_RATE)}
    versions = telling.deciding.versions if telling.deciding else None
    return {
        "station": config.station.id,
        "site": config.station.site,
        "pid": os.getpid(),
        "health": told,
        "conditions": told["conditions"],
        "notes": telling.conditions.noted(),
        "readers": [
            _reader(each, telling.clock.boottime(), rates.get(each.name))
            for each in telling.readers
        ],
        "signals": [name for name in _SIGNALS if getattr(config, name, None)],
        "broker": {
            "host": config.broker.host,
            "port": config.broker.port,
            "connected": telling.delivery.facts.connected,
        },
        "applied": dict(zip(("rules", "trust"), versions, strict=True)) if versions else {},
    }


def _reader(reader: Reader, now: float, frames_min: int | None) -> dict[str, Any]:
    counts = reader.counts
    told: dict[str, Any] = {
        "name": reader.name,
        "working": reader.working,
        "frames": counts.frames,
        "decoded": counts.decoded,
        "scans": counts.scans,
        "overflowed": counts.overflowed,
        "lossy": counts.lossy,
        "dropped": counts.dropped,
        "by_pass": dict(counts.by_pass),
    }
    if counts.last_at:
        told["last_scan_s"] = round(max(0.0, now - counts.last_at), 1)
    if frames_min is not None:
        told["frames_s"] = round(frames_min / 60, 1)
    return told
