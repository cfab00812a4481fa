"""The way to the broker, step by step, by the driver that the station uses.

Another client id ("<id>-selftest") leaves the running station's session alone; the certificate is
the station's own, so that lists by its common name hold. What is published is an answer that
nobody asked for: not retained, in the station's own tree. Where a broker makes the common name the
client id (mosquitto: use_username_as_clientid), this ends the running station's session: it comes
back within seconds.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gatepost.clock import SystemClock, boot_id
from gatepost.drivers.broker import PahoBroker
from gatepost.drivers.reaching import Resolver, reach
from gatepost.drivers.telling import day, handshaking
from gatepost.drivers.tls import dated, peer_chain
from gatepost.errors import BrokerError, KeyMaterialError
from gatepost.keys import tls_of
from gatepost.selftest.findings import Finding
from gatepost.selftest.station import behind
from gatepost.timekeeping import stamp
from gatepost.wire import Response, Topics, response_message

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterator, Sequence

    from gatepost.config import Config
    from gatepost.drivers.reaching import Address
    from gatepost.drivers.tls import StationTls
    from gatepost.model import Message

_RESOLVE_S = _REACH_S = _ANSWER_S = 5.0
_HEAR_S = 1.0


def network(config: Config) -> Iterator[Finding]:
    """Name, connection, TLS, session, rights; nothing is tried after the first that fails."""
    host, port = config.broker.host, config.broker.port
    begun = time.perf_counter()
    try:
        addresses = Resolver().find(host, port, _RESOLVE_S)
    except BrokerError as error:
        yield Finding("name", ok=False, told=str(error))
        return
    told = ", ".join(str(address[0]) for _, address in addresses)
    yield Finding("name", ok=True, told=f"{host} is {told} ({_since(begun)})")
    begun = time.perf_counter()
    try:
        link = reach(addresses, _REACH_S)
    except BrokerError as error:
        yield Finding("connection", ok=False, told=f"{host}:{port}: {error}")
        return
    with link:
        yield Finding("connection", ok=True, told=f"{host}:{port} ({_since(begun)})")
        try:
            tls = tls_of(config)
        except KeyMaterialError as error:
            yield Finding("tls", ok=False, told=str(error), advice="provision the station again")
            return
        if tls is not None:
            tls.at(behind(config))
            found = _tls(config, tls, link, addresses)
            yield found
            if not found.ok:
                return
    yield from _session(config, tls)


def _since(begun: float) -> str:
    return f"{(time.perf_counter() - begun) * 1000:.0f} ms"


def _tls(
    config: Config, tls: StationTls, link: socket.socket, addresses: Sequence[Address]
) -> Finding:
    begun = time.perf_counter()
    host = config.broker.host
    try:
        with tls.wrap_socket(link, server_hostname=host) as safe:
            return Finding("tls", ok=True, told=f"{_described(safe)} ({_since(begun)})")
    except BrokerError as error:
        return Finding("tls", ok=False, told=str(error))
    except (OSError, ValueError) as error:
        trouble = handshaking(error)
    with suppress(BrokerError):  # should it have gone meanwhile: what was told holds
        trouble = dated(trouble, tls, reach(addresses, _REACH_S), host)
    return Finding("tls", ok=False, told=trouble.text)


def _described(link: ssl.SSLSocket) -> str:
    ends = min((each.ends_us for each in peer_chain(link)), default=0)
    return f"{link.version()}; the broker's certificate ends on {day(ends)}"


def _session(config: Config, tls: StationTls | None) -> Iterator[Finding]:
    topics = Topics(config.station.site, config.station.id)
    name = f"{config.station.id}-selftest"
    broker = PahoBroker(
        host=config.broker.host,
        port=config.broker.port,
        client_id=name,
        keepalive_s=config.broker.keepalive_s,
        protocol=config.broker.protocol,
        tls=tls,
        topics=topics.desired if config.central.authority else (),
        answer_s=_ANSWER_S,
        resolve_s=_RESOLVE_S,
        behind=lambda: behind(config),
    )
    begun = time.perf_counter()
    try:
        broker.connect(_message(topics, name, "refused", "it ended in the middle"))
        told = f"as {name} with MQTT {broker.protocol} ({_since(begun)})"
        yield Finding("session", ok=True, told=told)
        yield from _rights(broker, topics, name)
        broker.disconnect()
    except BrokerError as error:
        yield Finding("session", ok=False, told=str(error))


def _message(topics: Topics, name: str, outcome: str, detail: str) -> Message:
    now = stamp(SystemClock(), boot_id())
    return response_message(topics, Response("selftest", name, outcome, detail), now)


def _rights(broker: PahoBroker, topics: Topics, name: str) -> Iterator[Finding]:
    """Whether we may listen and publish. With MQTT 3.1.1 a refusal of that is not told by anybody.

    Events themselves are not tried: one that was published cannot be taken back.
    """
    message = _message(topics, name, "done", "a selftest on the station asks for nothing")
    begun = time.perf_counter()
    batch, count = [replace(message, token=1)], 0
    until = time.monotonic() + _ANSWER_S
    published = None
    while published is None and time.monotonic() < until:
        told = broker.exchange(batch, _HEAR_S)
        batch, count = [], count + len(told.received)
        if told.refused:
            advice = f"the broker's list must let it write to {topics.root}/#"
            why = f"refused: {told.refused[0][1]}"
            published = Finding("publish", ok=False, told=why, advice=advice)
        elif told.acknowledged:
            where = f"{message.topic} ({_since(begun)})"
            published = Finding("publish", ok=True, told=f"acknowledged on {where}")
    yield published or Finding("publish", ok=False, told=f"not acknowledged for {_ANSWER_S:g} s")
    if broker.topics:
        yield _heard(broker, count)


def _heard(broker: PahoBroker, count: int) -> Finding:
    if broker.not_granted:
        advice = f"the broker's list must let it read {', '.join(broker.topics)}"
        return Finding("subscribe", ok=False, told=broker.not_granted, advice=advice)
    return Finding("subscribe", ok=True, told=f"granted; {count} retained so far")
