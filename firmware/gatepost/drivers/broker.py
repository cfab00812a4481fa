"""An MQTT broker through paho-mqtt: MQTT 5, or 3.1.1 where the broker refuses 5.

A fresh client for each session, QoS 1, no topic aliases, few in flight, and no outbox but the
spool: paho's own would be a second one, in RAM (paho issues 634, 400, 893). Its network loop is
turned by `exchange`, so there is no thread of its own either.
"""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gatepost.drivers.publishing import Bounded, Packed, bounds, turn
from gatepost.drivers.session import Session, listen, taken
from gatepost.errors import BrokerError, KeyMaterialError, ProtocolRefused
from gatepost.ports import Exchange

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatepost.model import Message

_LOG = logging.getLogger(__name__)
_DISCONNECT_S = 1.0
_HANDSHAKE_S = 5.0
_UNSUPPORTED = {0x84, 0x01}  # "unsupported protocol version", MQTT 5 and 3.1.1
_DEAF_S = 3600.0
_VERSIONS = {"5": mqtt.MQTTv5, "3.1.1": mqtt.MQTTv311}


class _TlsSocket(ssl.SSLSocket):
    """Closed when its handshake fails, which paho would leave to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(_HANDSHAKE_S)  # paho 2.1 would wait for a whole keep-alive
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS with our certificate towards a broker of `ca`. Raises KeyMaterialError."""
    try:
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(str(certificate), str(key), password="")
    except (OSError, ssl.SSLError) as error:
        raise KeyMaterialError(f"TLS with {certificate} and {ca}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TlsSocket
    return context


class PahoBroker:
    """A session with a broker, again and again.

    Args:
        protocol: "auto", "5" or "3.1.1".
        window: most messages in flight.
        tls: None for a plain connection.
        topics: what to listen to, with QoS 1; nothing else that the broker sends is taken.
        answer_s: how long the broker may take to answer CONNECT, seconds.
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
        tls: ssl.SSLContext | None = None,
        topics: Sequence[str] = (),
        answer_s: float = 6.0,
    ) -> None:
        self._answer_s = answer_s
        self._address = (host, port)
        self._client_id = client_id
        self._keepalive_s = keepalive_s
        self._window = window
        self._auto = protocol == "auto"
        self._version = "5" if self._auto else protocol
        self._settled = True  # False: 3.1.1 is a guess, since the broker only kept silent at 5
        self._tls = tls
        self._topics = tuple(topics)
        self._not_granted = ""
        self._deaf_until = 0.0
        self._client: Bounded | None = None
        self._session = Session()

    @property
    def protocol(self) -> str:
        """The version of MQTT of this session, or of the next attempt."""
        return self._version

    def connect(self, will: Message) -> None:
        """Begin a session. Blocks for up to 25 s beside what the resolver takes."""
        if self._auto and not self._settled:
            self._version, self._settled = "5", True
        try:
            self._connect(will)
        except ProtocolRefused as error:
            if not self._auto:
                raise
            self._version = "3.1.1" if self._version == "5" else "5"
            self._settled = not self._session.silent
            _LOG.debug("trying another MQTT", extra={"fields": {"version": self._version}})
            if self._version == "5":  # both were refused: let the caller wait before the next
                raise BrokerError(str(error)) from error
            self._connect(will)

    def _connect(self, will: Message) -> None:
        session, client = self._open()
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        host, port = self._address
        five = self._version == "5"
        clean: Any = {"clean_start": True, "properties": bounds()} if five else {}
        try:
            client.connect(host, port, self._keepalive_s, **clean)
            until = time.monotonic() + self._answer_s
            while session.answer is None and not session.ended:
                if time.monotonic() > until:
                    session.ended = f"no answer to CONNECT within {self._answer_s:g} s"
                    session.silent = True
                    break
                self._turn(client, 0.1)
        except (OSError, ValueError) as error:
            self._drop()
            raise BrokerError(f"{host}:{port}: {error}") from error
        self._judge(session)
        if self._topics and time.monotonic() >= self._deaf_until:
            session.wanted = frozenset(self._topics)
            client.subscribe([(topic, 1) for topic in self._topics])

    def _open(self) -> tuple[Session, Bounded]:
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
        client.connect_timeout = 5.0
        if self._tls is not None:
            client.tls_set_context(self._tls)
        listen(client, session)
        self._client = client
        return session, client

    def _judge(self, session: Session) -> None:
        """Raises when the broker refused us, by word or by closing."""
        host, port = self._address
        if session.answer == 0:
            return
        self._drop()
        if session.answer in _UNSUPPORTED:
            raise ProtocolRefused(f"{host}:{port} refuses MQTT {self._version}")
        if session.answer is None:
            # Brokers of one version only close in silence, or leave us waiting (amqtt at 5).
            raise ProtocolRefused(f"{host}:{port}: {self._silence(session)}")
        told = f"refuses station {self._client_id}: {session.answer_text}"
        raise BrokerError(f"{host}:{port} {told}")

    def _silence(self, session: Session) -> str:
        """Why there was no CONNACK, as far as can be guessed.

        TLS 1.3 tells of a refused client certificate only after its handshake, by closing.
        """
        if session.silent:
            return f"{session.ended} (MQTT {self._version})"
        hint = "; perhaps it does not accept our certificate" if self._tls else ""
        return f"closed in answer to CONNECT with MQTT {self._version}{hint}"

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        """Send, then wait for whatever comes. Raises BrokerError when the session is over."""
        client, session = self._client, self._session
        if client is None:
            raise BrokerError("there is no session")
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
            self._shun(client)
            self._drop()
            raise BrokerError(f"the session ended: {session.ended}")
        return Exchange((), ())

    def _publish(self, client: Bounded, session: Session, message: Message) -> None:
        properties = Packed(message) if self._version == "5" else None
        told = client.publish(
            message.topic, message.payload, qos=1, retain=message.retain, properties=properties
        )
        if told.rc == mqtt.MQTT_ERR_SUCCESS:
            session.tokens[told.mid] = message.token
        else:
            session.ended = session.ended or f"cannot publish: {mqtt.error_string(told.rc)}"

    def _tell(self, session: Session) -> None:
        """A subscription that is not granted is told once, and the rest goes on."""
        if session.not_granted and session.not_granted != self._not_granted:
            self._not_granted = session.not_granted
            fields = {"why": session.not_granted, "topics": ", ".join(self._topics)}
            _LOG.error("the broker does not let us subscribe", extra={"fields": fields})

    def _shun(self, client: Bounded) -> None:
        """Listen to nothing for a while where a retained message would end every session."""
        if client.oversized:
            self._deaf_until = time.monotonic() + _DEAF_S
            fields = {"bytes": client.oversized, "deaf_s": _DEAF_S}
            _LOG.error("the broker sent what is too large", extra={"fields": fields})

    def _turn(self, client: Bounded, wait_s: float) -> None:
        """One turn of paho's loop."""
        code = turn(client, wait_s)
        if code != mqtt.MQTT_ERR_SUCCESS and not self._session.ended:
            self._session.ended = mqtt.error_string(code)

    def disconnect(self) -> None:
        """End the session with a DISCONNECT, so that the will is not said."""
        client, session = self._client, self._session
        if client is None:
            return
        client.disconnect()
        until = time.monotonic() + _DISCONNECT_S
        while not session.ended and time.monotonic() < until:
            self._turn(client, 0.1)
        self._drop()

    def _drop(self) -> None:
        """Leave the client with its socket closed."""
        client, self._client = self._client, None
        if client is not None:
            link = client.socket()
            if link is not None:
                link.close()
