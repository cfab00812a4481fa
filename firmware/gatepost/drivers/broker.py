"""An MQTT broker through paho-mqtt: MQTT 5, or 3.1.1 where the broker refuses 5.

A fresh client for each session, QoS 1, no topic aliases, few in flight, and no outbox but the
spool: paho's own would be a second one, in RAM (paho issues 634, 400, 893). Its network loop is
turned by `exchange`, so there is no thread of its own either.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gatepost.drivers.publishing import Bounded, Packed, bounds, turn
from gatepost.drivers.reaching import Resolver, reach, watch_silence
from gatepost.drivers.session import Brevity, Session, listen, taken, verdict
from gatepost.drivers.telling import Trouble, handshaking
from gatepost.drivers.tls import dated, tls_context, wall_us
from gatepost.errors import BrokerError, Problem, ProtocolRefused
from gatepost.ports import Exchange

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from gatepost.drivers.reaching import Address
    from gatepost.drivers.tls import StationTls
    from gatepost.model import Message

__all__ = ["PahoBroker", "tls_context"]

_LOG = logging.getLogger(__name__)
_DISCONNECT_S = 1.0
_DEAF_S = 3600.0
_VERSIONS = {"5": mqtt.MQTTv5, "3.1.1": mqtt.MQTTv311}
_DATES = {Problem.BROKER_CERTIFICATE_EXPIRED, Problem.BROKER_CERTIFICATE_NOT_YET_VALID}
# Brokers of one version only close in silence, or leave us waiting (amqtt at 5).
_VERSION_PERHAPS = {Problem.PROTOCOL, Problem.CLOSED, Problem.SILENT}
# What a certificate of ours that has ended, or not begun, explains.
_PERHAPS_OURS = {
    Problem.CLOSED,
    Problem.NOT_TLS,
    Problem.TLS_FAILED,
    Problem.CERTIFICATE_REFUSED,
    Problem.CERTIFICATE_EXPIRED,
}


class PahoBroker:
    """A session with a broker, again and again.

    Args:
        keepalive_s: after so much silence the session is over. We ping at half of it: a line on
            which an answer takes longer than the other half needs more.
        protocol: "auto", "5" or "3.1.1".
        window: most messages in flight.
        tls: None for a plain connection. It is this driver's own.
        topics: what to listen to, with QoS 1; nothing else that the broker sends is taken.
        answer_s: how long the broker may take to answer CONNECT, `resolve_s` the resolver to
            find its name, `reach_s` all its addresses to take a connection, seconds.
        behind: while the station does not know the time: what is surely past (microseconds
            since 1970 UTC); else None.

    Attributes:
        topics: what is listened to; `not_granted`: why not, once the broker refused it.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: str,
        keepalive_s: int = 30,
        window: int = 20,
        protocol: str = "auto",
        tls: StationTls | None = None,
        topics: Sequence[str] = (),
        answer_s: float = 10.0,
        resolve_s: float = 15.0,
        reach_s: float = 16.0,
        behind: Callable[[], int | None] = lambda: None,
        resolver: Resolver | None = None,
    ) -> None:
        self._answer_s, self._resolve_s, self._reach_s = answer_s, resolve_s, reach_s
        self._address = (host, port)
        self._client_id = client_id
        self._keepalive_s, self._window = keepalive_s, window
        self._auto = protocol == "auto"
        self._version = "5" if protocol == "auto" else protocol
        self._settled = True  # False: 3.1.1 is a guess, since the broker only kept silent at 5
        self._tls, self._behind = tls, behind
        self.topics = tuple(topics)
        self._resolver = resolver or Resolver()
        self.not_granted = ""
        self._deaf_until = 0.0
        self._client: Bounded | None = None
        self._session, self._begun_at, self._brevity = Session(), 0.0, Brevity()

    @property
    def protocol(self) -> str:
        """The version of MQTT of this session, or of the next attempt."""
        return self._version

    @property
    def certificate_ends_us(self) -> int | None:
        """When our certificate ends, microseconds since 1970 UTC; None without TLS."""
        return self._tls.own.ends_us if self._tls else None

    def connect(self, will: Message) -> None:
        """Begin a session.

        Blocks for 90 s at most: 15 the resolver, then, once for each MQTT, 16 to be connected,
        10 for TLS and 10 for an answer.
        """
        host, port = self._address
        if self._auto and not self._settled:
            self._version, self._settled = "5", True
        if self._tls is not None:
            self._tls.at(self._behind())
        addresses = self._resolver.find(host, port, self._resolve_s)
        try:
            self._connect(will, addresses)
        except ProtocolRefused as error:
            if not self._auto:
                raise
            self._version = "3.1.1" if self._version == "5" else "5"
            self._settled = not self._session.silent
            _LOG.debug("trying another MQTT", extra={"fields": {"version": self._version}})
            if self._version == "5":  # both were refused: let the caller wait before the next
                raise BrokerError(str(error), error.problem) from error
            self._connect(will, addresses)

    def _connect(self, will: Message, addresses: Sequence[Address]) -> None:
        session, client = self._open(addresses)
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        host, port = self._address
        five = self._version == "5"
        clean: Any = {"clean_start": True, "properties": bounds()} if five else {}
        try:
            client.connect(host, port, self._keepalive_s, **clean)
        except BrokerError as error:
            self._drop()
            raise self._told(Trouble(error.problem, str(error))) from error
        except (OSError, ValueError) as error:
            self._drop()
            raise self._told(self._dated(handshaking(error), addresses)) from error
        self._await(client, session)
        self._judge(session)
        self._begun_at = time.monotonic()
        if self.topics and time.monotonic() >= self._deaf_until:
            session.wanted = frozenset(self.topics)
            client.subscribe([(topic, 1) for topic in self.topics])

    def _await(self, client: Bounded, session: Session) -> None:
        """Turn until CONNACK, the end, or nothing for too long."""
        until = time.monotonic() + self._answer_s
        while session.answer is None and not session.ended:
            if time.monotonic() > until:
                text = f"connected, but no answer to CONNECT within {self._answer_s:g} s"
                text += f" (MQTT {self._version}): is that port an MQTT broker?"
                session.ended, session.silent = Trouble(Problem.SILENT, text), True
            else:
                self._turn(client, 0.1)

    def _open(self, addresses: Sequence[Address]) -> tuple[Session, Bounded]:
        self._drop()
        session = self._session = Session()
        client = Bounded(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=_VERSIONS[self._version],
            reconnect_on_failure=False,
            clean_session=None if self._version == "5" else True,
        )
        client.max_inflight_messages_set(self._window)
        client.reaching = partial(self._reach, addresses)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        listen(client, session, self._client_id)
        self._client = client
        return session, client

    def _reach(self, addresses: Sequence[Address]) -> socket.socket:
        link = reach(addresses, self._reach_s)
        watch_silence(link, self._keepalive_s)
        return link

    def _judge(self, session: Session) -> None:
        """Raises when the broker refused us, by word or by closing."""
        secure = self._tls is not None
        trouble = verdict(session, self._version, self._client_id, tls=secure)
        if trouble is None:
            return
        self._drop()
        told = self._told(trouble)
        if trouble.problem in _VERSION_PERHAPS:
            raise ProtocolRefused(str(told), told.problem)
        raise told

    def _told(self, trouble: Trouble) -> BrokerError:
        """With the place, and with our own certificate's fault where that explains it."""
        host, port = self._address
        if self._tls is not None and trouble.problem in _PERHAPS_OURS:
            own = self._tls.own.trouble(wall_us(), self._tls.floor_us)
            trouble = own or trouble
        return trouble.error(f"{host}:{port}")

    def _dated(self, trouble: Trouble, addresses: Sequence[Address]) -> Trouble:
        if self._tls is None or trouble.problem not in _DATES:
            return trouble
        try:
            return dated(trouble, self._tls, reach(addresses, self._reach_s / 2), self._address[0])
        except BrokerError:
            return trouble

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        """Send, then wait for whatever comes. Raises BrokerError when the session is over."""
        client, session = self._client, self._session
        if client is None:
            raise BrokerError("there is no session", Problem.CLOSED)
        for message in batch:
            if not session.ended:
                self._publish(client, session, message)
        until = time.monotonic() + wait_s
        while not session.something and not session.ended:
            left = until - time.monotonic()
            if left <= 0:
                break
            self._turn(client, left)
        self._tell(session)
        if session.something:  # what was acknowledged counts, even when the session is over
            return taken(session)
        if session.ended:
            raise self._over(client, session.ended)
        return Exchange((), ())

    def _over(self, client: Bounded, trouble: Trouble) -> BrokerError:
        """The session ended by itself."""
        self._shun(client)
        self._drop()
        now = time.monotonic()
        trouble = self._brevity.suspect(trouble, now - self._begun_at, now, self._client_id)
        return self._told(Trouble(trouble.problem, f"the session ended: {trouble.text}"))

    def _publish(self, client: Bounded, session: Session, message: Message) -> None:
        properties = Packed(message) if self._version == "5" else None
        told = client.publish(
            message.topic, message.payload, qos=1, retain=message.retain, properties=properties
        )
        client.sent_at = time.monotonic()
        if told.rc == mqtt.MQTT_ERR_SUCCESS:
            session.tokens[told.mid] = message.token
        elif session.ended is None:
            session.ended = client.why(told.rc)

    def _tell(self, session: Session) -> None:
        """A subscription that is not granted is told once, and the rest goes on."""
        if session.not_granted and session.not_granted != self.not_granted:
            self.not_granted = session.not_granted
            fields = {"why": session.not_granted, "topics": ", ".join(self.topics)}
            _LOG.error("the broker does not let us subscribe", extra={"fields": fields})

    def _shun(self, client: Bounded) -> None:
        """Listen to nothing for a while where a retained message would end every session."""
        if client.oversized:
            self._deaf_until = time.monotonic() + _DEAF_S
            fields = {"bytes": client.oversized, "deaf_s": _DEAF_S}
            _LOG.error("the broker sent what is too large", extra={"fields": fields})

    def _turn(self, client: Bounded, wait_s: float) -> None:
        """One turn of paho's loop."""
        session = self._session
        code = turn(client, wait_s)
        if code != mqtt.MQTT_ERR_SUCCESS and session.ended is None:
            session.ended = client.why(code)

    def disconnect(self) -> None:
        """End the session with a DISCONNECT, so that the will is not said."""
        client, session = self._client, self._session
        if client is None:
            return
        client.disconnect()
        until = time.monotonic() + _DISCONNECT_S
        while not (session.gone or session.ended) and time.monotonic() < until:
            self._turn(client, 0.1)
        self._drop()

    def _drop(self) -> None:
        """Leave the client with its socket closed."""
        client, self._client = self._client, None
        if client is not None:
            link = client.socket()
            if link is not None:
                link.close()
