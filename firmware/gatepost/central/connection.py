"""One connection to an MQTT broker as a subscriber, from CONNECT to its end."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gatepost.errors import BrokerError, KeyMaterialError, ProtocolRefused

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Done: TypeAlias = Callable[[str], None]

KEPT_S = 7 * 24 * 3600  # for how long a broker of MQTT 5 keeps a persistent session
LOST = "the session was lost"
_ANSWER_S = 10.0
_PROBE_S = 3.0
_FAREWELL_S = 1.0
_FAILURE = 0x80
_UNSUPPORTED = {0x84, 0x01}  # "unsupported protocol version", MQTT 5 and 3.1.1


class ProtocolSilence(ProtocolRefused):
    """No word in answer to CONNECT: perhaps another version, perhaps only a slow line."""


class _TlsSocket(ssl.SSLSocket):
    """Closed when its handshake fails, which paho would leave to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Tls:
    """The broker's authority, and our own certificate and key where the broker asks for them."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later, the broker's name checked. Raises KeyMaterialError."""
        try:
            context = ssl.create_default_context(cafile=str(self.ca))
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            given = [str(each) for each in (self.ca, self.certificate, self.key) if each]
            raise KeyMaterialError(f"TLS with {', '.join(given)}: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _TlsSocket
        return context


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that came in.

    Attributes:
        retained: the broker had it before we subscribed.
        mid: by which it is acknowledged, where that is left to us; 0: there is nothing to.
    """

    topic: str
    payload: bytes
    retained: bool
    mid: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, who we are there, and what we want."""

    host: str
    port: int
    client_id: str
    topics: tuple[str, ...]
    persistent: bool = False
    keepalive_s: int = 30
    manual: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Connection:
    """One connection; `ended` says why it is over, "" while it is not."""

    def __init__(self, address: Address, version: str, waiting: deque[Delivery]) -> None:
        self._address = address
        self._five = version == "5"
        self._version = version
        self._answer: int | None = None
        self._answer_text = ""
        self._doubt = ""  # what a broker with TLS that closes in silence may have against us
        self._subscribed = False
        self.ended = ""
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=address.client_id,
            protocol=mqtt.MQTTv5 if self._five else mqtt.MQTTv311,
            clean_session=None if self._five else not address.persistent,
            reconnect_on_failure=False,
            manual_ack=address.manual,
        )
        self._client.connect_timeout = 5.0
        self._published: dict[int, Done] = {}
        self._listen(waiting)

    def open(
        self, context: ssl.SSLContext | None, *, probe: bool, certificate: Path | None = None
    ) -> None:
        """Connect and subscribe.

        `probe`: do not wait long for an answer to a CONNECT of MQTT 5: a broker of 3.1.1 may
        misread it and wait for the rest. `certificate`: ours in `context`, to name it in errors.
        Raises BrokerError, ProtocolRefused and ProtocolSilence among them.
        """
        if context is not None:
            self._client.tls_set_context(context)
            given = f"does not accept our certificate ({certificate})"
            self._doubt = given if certificate else "asks for a certificate, and we have none"
        try:
            self._connect()
        except (OSError, ValueError) as error:
            raise BrokerError(f"{self._address}: {error}") from error
        answer_s = _PROBE_S if probe and self._five else _ANSWER_S
        self._turn_until(answer_s, lambda: self._answer is not None)
        self._judge()
        self._client.subscribe([(each, 1) for each in self._address.topics])
        self._turn_until(_ANSWER_S, lambda: self._subscribed)
        if not self._subscribed:
            raise BrokerError(f"{self._address} does not let {self._address.client_id} subscribe")

    def _connect(self) -> None:
        where = self._address
        if not self._five:
            self._client.connect(where.host, where.port, where.keepalive_s)
            return
        self._client.connect(
            where.host,
            where.port,
            where.keepalive_s,
            clean_start=not where.persistent,
            properties=_lasting() if where.persistent else None,
        )

    def _judge(self) -> None:
        """Raises when the broker refused us: by word, by closing or by silence.

        By closing also where paho keeps the word to itself (3.1.1 refused with 0x01).
        """
        if self._answer == 0 and not self.ended:
            return
        if self._answer is None and self.ended and self._doubt:
            doubt = f"closed before it answered: perhaps it {self._doubt}"
            raise ProtocolRefused(f"{self._address} {doubt}")
        told = f"{self._address} does not answer to MQTT {self._version}"
        if self._answer in _UNSUPPORTED or (self._answer is None and self.ended):
            raise ProtocolRefused(f"{told}: {self._answer_text or self.ended}")
        if self._answer is None and self._five:
            raise ProtocolSilence(told)
        why = self._answer_text or self.ended or "no answer to CONNECT"
        raise BrokerError(f"{self._address} refuses {self._address.client_id}: {why}")

    def turn(self, wait_s: float) -> None:
        """Serve the network for up to `wait_s` seconds (at most one), or until something came."""
        code = self._client.loop(timeout=min(wait_s, 1.0))
        if code != mqtt.MQTT_ERR_SUCCESS:
            self.ended = self.ended or mqtt.error_string(code)

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Tell the broker that these are kept: it forgets them. In the order they came in."""
        for mid in mids:
            if self.ended:
                return
            self._client.ack(mid, 1)

    def publish(self, topic: str, payload: bytes, content_type: str, done: Done) -> None:
        """Publish with QoS 1; `done` is told "" when the broker has it, or why it has not."""
        properties = None
        if self._five:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = content_type
        told = self._client.publish(topic, payload, qos=1, properties=properties)
        if told.rc == mqtt.MQTT_ERR_SUCCESS:
            self._published[told.mid] = done
        else:
            done(LOST)

    def _turn_until(self, wait_s: float, done: Callable[[], bool]) -> None:
        until = time.monotonic() + wait_s
        while not done() and not self.ended and time.monotonic() < until:
            self.turn(0.1)

    def close(self) -> None:
        """Say goodbye where there is somebody to hear it, and close the socket.

        What was published and not acknowledged is lost.
        """
        if not self.ended and self._answer == 0:
            self._client.disconnect()
            self._turn_until(_FAREWELL_S, lambda: False)
        link = self._client.socket()
        if link is not None:
            link.close()
        lost, self._published = list(self._published.values()), {}
        for done in lost:
            done(LOST)

    def _listen(self, waiting: deque[Delivery]) -> None:
        """Have paho's callbacks write into us and `waiting`."""
        manual = self._address.manual

        def on_connect(_c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            self._answer, self._answer_text = reason.value, str(reason)

        def on_subscribe(_c: Any, _u: Any, _mid: int, reasons: Any, _properties: Any) -> None:
            self._subscribed = all(each.value < _FAILURE for each in reasons)
            if not self._subscribed:
                self.ended = "the subscription was refused"

        def on_disconnect(_c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            self.ended = self.ended or str(reason)

        def on_message(_c: Any, _u: Any, got: mqtt.MQTTMessage) -> None:
            mid = got.mid if manual and got.qos else 0
            waiting.append(Delivery(got.topic, bytes(got.payload), bool(got.retain), mid))

        def on_publish(_c: Any, _u: Any, mid: int, reason: Any, _properties: Any) -> None:
            done = self._published.pop(mid, None)
            if done is not None:
                done(str(reason) if reason.value >= _FAILURE else "")

        self._client.on_connect = on_connect
        self._client.on_subscribe = on_subscribe
        self._client.on_disconnect = on_disconnect
        self._client.on_message = on_message
        self._client.on_publish = on_publish


def _lasting() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = KEPT_S
    return properties
