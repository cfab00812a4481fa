"""One retained message to an MQTT broker, and whether it took it: MQTT 5, else 3.1.1."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gatepost.errors import BrokerError, ProtocolRefused

if TYPE_CHECKING:
    from gatepost.central.connection import Tls

_ANSWER_S = 10.0
_FAILURE = 0x80  # reason codes from here on are refusals
_UNSUPPORTED = {0x84, 0x01}  # "unsupported protocol version", MQTT 5 and 3.1.1
_KEEPALIVE_S = 30


def publish(
    address: tuple[str, int], tls: Tls | None, client_id: str, topic: str, payload: bytes
) -> None:
    """Publish it retained, with QoS 1. Raises BrokerError unless the broker took it."""
    try:
        _Publishing(address, tls, client_id, mqtt.MQTTv5).publish(topic, payload)
    except ProtocolRefused:
        _Publishing(address, tls, client_id, mqtt.MQTTv311).publish(topic, payload)


class _Publishing:
    """One connection."""

    def __init__(
        self, address: tuple[str, int], tls: Tls | None, client_id: str, version: Any
    ) -> None:
        self._address = address
        self._answered = self._done = False
        self._refused = ""
        self._ended = ""
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=version,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = 5.0
        if tls is not None:
            self._client.tls_set_context(tls.context())
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect

    def publish(self, topic: str, payload: bytes) -> None:
        host, port = self._address
        try:
            self._client.connect(host, port, _KEEPALIVE_S)
            self._turn(lambda: self._answered)
            if not self._answered:
                raise ProtocolRefused(f"{host}:{port}: {self._ended or 'no answer to CONNECT'}")
            if not self._refused:
                self._client.publish(topic, payload, qos=1, retain=True)
                self._turn(lambda: self._done)
        except (OSError, ValueError) as error:
            if isinstance(error, BrokerError):
                raise
            raise BrokerError(f"{host}:{port}: {error}") from error
        finally:
            self._close()
        if self._refused or not self._done:
            why = self._refused or self._ended or "no acknowledgement"
            raise BrokerError(f"{host}:{port} does not take {topic}: {why}")

    def _turn(self, done: Any) -> None:
        until = time.monotonic() + _ANSWER_S
        while not (done() or self._refused or self._ended) and time.monotonic() < until:
            code = self._client.loop(0.1)
            if code != mqtt.MQTT_ERR_SUCCESS:
                self._ended = self._ended or mqtt.error_string(code)

    def _close(self) -> None:
        self._client.disconnect()
        self._client.loop(0.1)
        link = self._client.socket()
        if link is not None:
            link.close()

    def _on_connect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.value == 0:
            self._answered = True
        elif reason.value in _UNSUPPORTED:
            self._ended = str(reason)
        else:
            self._answered, self._refused = True, str(reason)

    def _on_publish(self, _c: Any, _u: Any, _mid: int, reason: Any, _properties: Any) -> None:
        self._done = reason.value < _FAILURE
        self._refused = "" if self._done else str(reason)

    def _on_disconnect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _p: Any) -> None:
        self._ended = self._ended or str(reason)
