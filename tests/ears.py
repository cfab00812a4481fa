"""A subscriber for tests: an ear at a real broker, with paho's own thread."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.demo.authority import AuthorityFiles


class Ear:
    """Hears everything under gatepost/v1 at the loopback's `port`, with TLS when given files.

    With a `name` its session outlives it: the broker keeps what comes meanwhile.
    """

    def __init__(self, port: int, files: AuthorityFiles | None = None, name: str = "") -> None:
        self.got: list[mqtt.MQTTMessage] = []
        self._changed = threading.Condition()
        self._ready = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5
        )
        self._lasting = Properties(PacketTypes.CONNECT)
        if name:
            self._lasting.SessionExpiryInterval = 600
        if files is not None:
            tls = ssl.create_default_context(cafile=str(files.ca))
            tls.load_cert_chain(files.central_certificate, files.central_key)
            self._client.tls_set_context(tls)
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_connect = lambda *_: self._client.subscribe("gatepost/v1/#", 1)
        self._port = port

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port, clean_start=False, properties=self._lasting)
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.got.append(message)
            self._changed.notify_all()

    def until(self, true: Callable[[Ear], Any], limit_s: float = 25) -> None:
        """Wait until `true` of what was heard."""
        with self._changed:
            heard = self._changed.wait_for(lambda: true(self), limit_s)
            assert heard, [message.topic for message in self.got]

    def hear(self, count: int) -> list[mqtt.MQTTMessage]:
        """Wait for `count` messages."""
        self.until(lambda _: len(self.got) >= count)
        return list(self.got)
