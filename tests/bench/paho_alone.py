"""What paho-mqtt reaches by itself: the same bytes, QoS 1, the same window, nothing kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from ground import pause
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gatepost.demo.broker import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.model import Message

_TURN_S = 0.1
_LIMIT_S = 600.0


class _Bare:
    """A client of MQTT 5 that counts what was acknowledged."""

    def __init__(self, port: int, window: int, *, properties: bool) -> None:
        self.acknowledged = 0
        self._properties = properties
        self.client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="alone", protocol=mqtt.MQTTv5
        )
        client.max_inflight_messages_set(window)
        client.on_publish = self._count
        client.connect(HOST, port, 60, clean_start=True)

    def _count(self, _c: Any, _u: Any, _mid: int, _reason: Any, _properties: Any) -> None:
        self.acknowledged += 1

    def connected(self) -> None:
        while not self.client.is_connected():
            self.client.loop(_TURN_S)

    def publish(self, message: Message) -> None:
        properties = _of(message) if self._properties else None
        self.client.publish(message.topic, message.payload, qos=1, properties=properties)


def _of(message: Message) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = message.content_type
    properties.UserProperty = list(message.properties)
    return properties


def by_hand(port: int, messages: Sequence[Message], window: int, *, properties: bool) -> float:
    """Seconds to publish them all, its loop turned by hand, the window always filled."""
    bare = _Bare(port, window, properties=properties)
    bare.connected()
    begun, sent = time.perf_counter(), 0
    while bare.acknowledged < len(messages):
        free = window - (sent - bare.acknowledged)
        for message in messages[sent : sent + free]:
            bare.publish(message)
        sent = min(len(messages), sent + free)
        bare.client.loop(_TURN_S)
    took = time.perf_counter() - begun
    bare.client.disconnect()
    return took


def by_thread(port: int, messages: Sequence[Message], window: int, *, properties: bool) -> float:
    """The same in paho's usual way: a thread of its own, its own queue, its own window."""
    bare = _Bare(port, window, properties=properties)
    bare.connected()
    bare.client.loop_start()
    begun = time.perf_counter()
    for message in messages:
        bare.publish(message)
    while bare.acknowledged < len(messages) and time.perf_counter() - begun < _LIMIT_S:
        pause(0.002)
    took = time.perf_counter() - begun
    bare.client.disconnect()
    bare.client.loop_stop()
    return took
