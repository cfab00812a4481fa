"""Where paho-mqtt, or the kernel under it, is slower or more trusting than a station may be."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from paho.mqtt import MQTTException
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

if TYPE_CHECKING:
    from gatepost.model import Message

MOST_PACKET = 4 * 1024 * 1024 + 1024  # a trust list, its topic and its properties
_CHUNK = 256 * 1024
# What paho raises on packets that are none; its own loop would end by it.
_BROKEN = (MQTTException, struct.error, ValueError, LookupError, TypeError, AssertionError)


class Bounded(Client):
    """paho's client, which takes packets of up to 256 MiB; ours takes what we have room for.

    Attributes:
        oversized: the length of the packet that ended the session, or 0.
    """

    oversized = 0

    def _sock_recv(self, bufsize: int) -> bytes:
        """What is read into a packet: `bufsize` is all that is missing of it."""
        if bufsize > MOST_PACKET:
            self.oversized = bufsize
            raise ConnectionAbortedError("a packet that is too large")  # paho: connection lost
        return bytes(super()._sock_recv(min(bufsize, _CHUNK)))

    def _send_pubrec(self, mid: int) -> MQTTErrorCode:
        """The answer to a message of QoS 2, of which paho would keep any number."""
        raise MQTTException(f"message {mid} comes with QoS 2: we asked for 1")


def bounds() -> Properties:
    """For CONNECT of MQTT 5: what the broker need not even send (3.1.2.11.4)."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = MOST_PACKET
    return properties


class Packed(Properties):
    """The properties of a PUBLISH, packed at once.

    paho looks each up by its name among all 27 of MQTT, again for each message: that takes as
    long as all the rest of a publish.
    """

    _packed: bytes

    def __init__(self, message: Message) -> None:
        """Pack Content Type (3), then each User Property (38): MQTT 5, 2.2.2 and 3.3.2.3."""
        parts = [b"\x03", _utf8(message.content_type)]
        for name, value in message.properties:
            parts += (b"\x26", _utf8(name), _utf8(value))
        packed = b"".join(parts)
        length = VariableByteIntegers.encode(len(packed))  # type: ignore[no-untyped-call]
        object.__setattr__(self, "_packed", length + packed)  # its own only takes MQTT's names

    def __str__(self) -> str:
        return f"{len(self._packed)} bytes"

    def pack(self) -> bytes:
        """What stands in the packet: the length, then the properties."""
        return self._packed


@lru_cache(64)  # names and most values are the same in every message
def _utf8(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _hurry(link: socket.socket) -> None:
    """No waiting for more in either direction; a drain is two to three times as fast by it.

    Brokers send each PUBACK by itself and hold the next back until the kernel has acknowledged
    the last one (Nagle), which it puts off for up to 40 ms while we have nothing to send. Linux
    forgets TCP_QUICKACK now and then (tcp(7)), so it is said at each turn.
    """
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_QUICKACK"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def turn(client: Client, wait_s: float) -> MQTTErrorCode:
    """One turn of the network, by paho's hooks for loops that are not its own.

    Its `loop` wakes itself by a pair of sockets at each publish, for threads that we do not have.
    """
    link: Any = client.socket()
    if link is None:
        return MQTTErrorCode.MQTT_ERR_NO_CONN
    held = isinstance(link, ssl.SSLSocket) and link.pending() > 0
    wanted = [link] if client.want_write() else []
    try:
        _hurry(link)
        readable, writable, _ = select.select([link], wanted, [], 0.0 if held else wait_s)
    except (OSError, ValueError):  # the socket was closed under us
        return MQTTErrorCode.MQTT_ERR_CONN_LOST
    code = MQTTErrorCode.MQTT_ERR_SUCCESS
    if readable or held:
        try:
            code = client.loop_read()
        except _BROKEN:
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
    if writable and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
        code = client.loop_write()
    return code if code != MQTTErrorCode.MQTT_ERR_SUCCESS else client.loop_misc()
