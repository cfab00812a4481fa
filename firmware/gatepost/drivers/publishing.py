"""Where paho-mqtt, or the kernel under it, is slower or more trusting than a station may be."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from paho.mqtt import MQTTException
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from gatepost.drivers.telling import Trouble, broken, foreign, is_foreign
from gatepost.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.model import Message

MOST_PACKET = 4 * 1024 * 1024 + 1024  # a trust list, its topic and its properties
_CHUNK = 256 * 1024
_MOST_WAIT_S = 0.5  # so that a ping goes out in time, and silence is noticed
# What paho raises on packets that are none; its own loop would end by it.
_BROKEN = (MQTTException, struct.error, ValueError, LookupError, TypeError, AssertionError)


class Bounded(Client):
    """paho's client, which takes packets of up to 256 MiB; ours takes what we have room for.

    Attributes:
        reaching: gives the connection; paho's own way to it has no bound of time.
        oversized: the length of the packet that ended the session, or 0.
        foreign: the first byte of what is no MQTT, or None.
        failed: what the socket raised, of which paho tells nothing.
        heard_at, sent_at: when something last came, and when we last sent (monotonic clock).
    """

    reaching: Callable[[], socket.socket] | None = None
    oversized = 0
    foreign: int | None = None
    failed: OSError | None = None
    heard_at = 0.0
    sent_at = 0.0
    _pinged_at = 0.0
    _begun = False

    def _create_socket_connection(self) -> socket.socket:
        link = self.reaching() if self.reaching else super()._create_socket_connection()
        self.heard_at = self.sent_at = time.monotonic()
        return link

    def _sock_recv(self, bufsize: int) -> bytes:
        """What is read into a packet: `bufsize` is all that is missing of it."""
        if bufsize > MOST_PACKET:
            self.oversized = bufsize
            raise ConnectionAbortedError("a packet that is too large")  # paho: connection lost
        try:
            data = bytes(super()._sock_recv(min(bufsize, _CHUNK)))
        except BlockingIOError:
            raise
        except OSError as error:
            self.failed = self.failed or error
            raise
        if data and not self._begun:
            self._begun = True
            if is_foreign(data[0]):
                self.foreign = data[0]
                raise ConnectionAbortedError("not MQTT")
        return data

    def _sock_send(self, buf: bytes | bytearray) -> int:
        try:
            return int(super()._sock_send(buf))
        except BlockingIOError:
            raise
        except OSError as error:
            self.failed = self.failed or self._last_word() or error
            raise

    def _last_word(self) -> OSError | None:
        """Whoever closes may have said why: a TLS alert waits to be read."""
        try:
            super()._sock_recv(1)
        except BlockingIOError:
            return None
        except OSError as error:
            return error if isinstance(error, ssl.SSLError) else None
        return None

    def silent(self) -> bool:
        """Ping where it is due; tells whether the line is dead.

        It is when nothing came for a whole keep-alive, the last half of it in spite of a ping:
        paho pings after the whole and gives up after two. Nor does it count for an answer when
        something else comes, as it does where only our packets vanish.
        """
        now, most = time.monotonic(), float(self.keepalive)
        if not most or not self.is_connected():
            return False
        waiting = self._ping_t > 0
        if not waiting and now - min(self.heard_at, self.sent_at) >= most / 2:
            self._send_pingreq()
            self._pinged_at = self.sent_at = now
        waited = now - self._pinged_at if waiting else 0.0
        unheard = now - self.heard_at >= most and waited >= most / 2
        return unheard or waited >= most

    def why(self, code: int) -> Trouble:
        """Why a session is over by paho's `code`, of which the broker said nothing in MQTT."""
        if self.oversized:
            text = f"the broker sent a packet of {self.oversized} bytes: that is too large"
            return Trouble(Problem.TOO_LARGE, text)
        if self.foreign is not None:
            return foreign(self.foreign)
        if code == MQTTErrorCode.MQTT_ERR_KEEPALIVE:
            text = f"the network swallows packets: nothing came for {self.keepalive} s"
            return Trouble(Problem.KEEP_ALIVE, text)
        if code == MQTTErrorCode.MQTT_ERR_PROTOCOL:
            return Trouble(Problem.NOT_MQTT, "what came is not MQTT: something garbles it")
        return broken(self.failed)

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


def turn(client: Bounded, wait_s: float) -> MQTTErrorCode:
    """One turn of the network, by paho's hooks for loops that are not its own.

    Its `loop` wakes itself by a pair of sockets at each publish, for threads that we do not have.
    """
    link: Any = client.socket()
    if link is None:
        return MQTTErrorCode.MQTT_ERR_NO_CONN
    held = isinstance(link, ssl.SSLSocket) and link.pending() > 0
    wanted = [link] if client.want_write() else []
    wait_s = 0.0 if held else min(wait_s, _MOST_WAIT_S)
    try:
        _hurry(link)
        readable, writable, _ = select.select([link], wanted, [], wait_s)
    except (OSError, ValueError):  # the socket was closed under us
        return MQTTErrorCode.MQTT_ERR_CONN_LOST
    code = MQTTErrorCode.MQTT_ERR_SUCCESS
    if readable or held:
        client.heard_at = time.monotonic()
        try:
            code = client.loop_read()
        except _BROKEN:
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
    if writable and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
        code = client.loop_write()
    if code == MQTTErrorCode.MQTT_ERR_SUCCESS and client.silent():
        return MQTTErrorCode.MQTT_ERR_KEEPALIVE
    return code
