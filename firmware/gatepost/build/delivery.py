"""What delivers: the broker, the uplink, and who takes what comes from the centre."""

from __future__ import annotations

import os
import queue
import signal
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from gatepost import __version__
from gatepost.commands import WAITING, Acts, Commands
from gatepost.drivers.broker import PahoBroker
from gatepost.health import delivery as told_of
from gatepost.keys import tls_of
from gatepost.mailbox import Mailbox
from gatepost.model import Cue, CueKind
from gatepost.selftest import network_report
from gatepost.spool import Carried
from gatepost.supervisor import Worker
from gatepost.timekeeping import Floor
from gatepost.uplink import Calling, Uplink
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gatepost.asked import Asked
    from gatepost.config import Config
    from gatepost.deciding import Deciding
    from gatepost.governing import Governed
    from gatepost.model import Message
    from gatepost.ports import Clock
    from gatepost.signing import Signer
    from gatepost.uplink import UplinkFacts

_ASKED = 64


@dataclass(frozen=True, slots=True)
class Delivery:
    """What talks to the broker, with its worker.

    Attributes:
        notices: to be told as soon as there is a session.
        commands: the worker of what the centre says, if any.
        spool: whether there is one, so that there are events to be told of.
    """

    worker: Worker
    notices: Mailbox[Message]
    facts: UplinkFacts
    certificate_ends_us: int | None
    commands: tuple[Worker, ...] = ()
    spool: bool = True

    def told(self) -> Mapping[str, int | str]:
        """What health has to tell of it."""
        facts = self.facts
        if not self.spool:
            return told_of(facts)
        return {
            "spool_pending": facts.pending,
            "spool_newest": facts.newest,
            "spool_unconfirmed": facts.unconfirmed,
            "replaying": facts.replaying,
            "carried": facts.carried,
            **told_of(facts),
        }


def deliver(
    config: Config,
    path: Path,
    signer: Signer,
    holds: Governed,
    deciding: Deciding,
    cue: Callable[[Cue], None],
) -> Delivery:
    """What delivers the spool at `path`. Without an authority nothing is taken from the centre."""
    topics = Topics(config.station.site, config.station.id)
    floor = deciding.times.floor if deciding.times else Floor()
    listens = config.central.authority is not None
    broker = _broker(config, topics, partial(floor.behind, deciding.clock), listens=listens)
    asked: queue.Queue[Asked] = queue.Queue(_ASKED)
    uplink = Uplink(
        spool_path=path,
        broker=broker,
        topics=topics,
        signer=signer,
        clock=deciding.clock,
        boot_id=deciding.boot_id,
        firmware=__version__,
        notices=Mailbox(),
        window=config.broker.window,
        received=queue.Queue(WAITING) if holds.held else None,
        asked=asked if holds.held else None,
        versions=lambda: deciding.versions,
        confirm=_confirm(config),
        carried=Carried(config.station.data),
        keep_days=config.spool.keep_days,
    )
    return Delivery(
        worker=Worker("uplink", uplink.run, 120, may_linger=True),
        notices=uplink.notices,
        facts=uplink.facts,
        certificate_ends_us=broker.certificate_ends_us,
        commands=_commands(config, holds, uplink, deciding, cue),
    )


def _confirm(config: Config) -> Literal["broker", "central"]:
    return "central" if config.central.confirm == "central" else "broker"


def call(config: Config, holds: Governed, clock: Clock, boot_id: str) -> Delivery:
    """What tells of a station without a spool that it has none."""
    topics = Topics(config.station.site, config.station.id)
    broker = _broker(config, topics, partial(Floor().behind, clock), listens=False)
    calling = Calling(
        broker, topics, clock, boot_id, __version__, Mailbox(), versions=holds.versions()
    )
    return Delivery(
        worker=Worker("calling", calling.run, 120, may_linger=True),
        notices=calling.notices,
        facts=calling.facts,
        certificate_ends_us=broker.certificate_ends_us,
        spool=False,
    )


def _broker(
    config: Config, topics: Topics, behind: Callable[[], int | None], *, listens: bool
) -> PahoBroker:
    return PahoBroker(
        host=config.broker.host,
        port=config.broker.port,
        client_id=config.station.id,
        keepalive_s=config.broker.keepalive_s,
        window=config.broker.window,
        protocol=config.broker.protocol,
        tls=tls_of(config),
        topics=(*topics.desired, *topics.commands) if listens else (),
        behind=behind,
    )


def _commands(
    config: Config,
    holds: Governed,
    uplink: Uplink,
    deciding: Deciding,
    cue: Callable[[Cue], None],
) -> tuple[Worker, ...]:
    if holds.held is None or uplink.received is None or uplink.asked is None:
        return ()
    here = Cue(CueKind.IDENTIFY, detail=config.station.id)
    commands = Commands(
        received=uplink.received,
        inbox=deciding.orders,
        held=holds.held,
        topics=uplink.topics,
        clock=deciding.clock,
        asked=uplink.asked,
        acts=Acts(
            identify=partial(cue, here),
            selftest=partial(network_report, config),
            # As systemd would stop it; Restart=always starts it anew.
            restart=partial(os.kill, os.getpid(), signal.SIGTERM),
        ),
        confirmer=config.central.confirmer,
        data=config.station.data,
        boot_id=deciding.boot_id,
    )
    return (Worker("commands", commands.run, 60, may_linger=True),)
