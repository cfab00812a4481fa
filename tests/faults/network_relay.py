"""A relay before a real broker that misbehaves as it is told; needs no privileges.

with Relay(broker.port) as relay: ...     # connect to relay.port
relay.way = Way.GARBAGE                   # from now on, for each connection
"""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from enum import Enum
from typing import Self

from brokers import HOST

_GARBAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
_CONNACK, _PINGREQ, _PINGRESP = b"\x20\x03\x00\x00\x00", b"\xc0\x00", b"\xd0\x00"  # MQTT 5
_CONNECT = 0x10
_BROKEN = b"\xf7\x05hello"  # a packet type of MQTT 5 with flags that nobody may set


class Way(Enum):
    """How it treats what comes."""

    PASS = "pass"
    SWALLOW = "swallow"  # taken, and gone: both ways
    SILENT = "silent"  # a broker that accepts and never answers
    GARBAGE = "garbage"  # a broker that is none
    CLOSE = "close"  # closes after the first packet
    MUTE = "mute"  # a broker that takes everything, answers pings, and acknowledges nothing


class Relay:
    """See the module."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.way = Way.PASS
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._stop = threading.Event()
        self._partners: dict[socket.socket, socket.socket | None] = {}
        self._callers: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        for each in (self._listener, *self._partners):
            each.close()

    def garble(self) -> None:
        """Say something that is no MQTT to each caller, in the middle of its session."""
        for each in list(self._callers):
            with suppress(OSError):
                each.sendall(_BROKEN)

    def _serve(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._listener, *self._partners], [], [], 0.02)
            for each in ready:
                if each is self._listener:
                    self._accept()
                elif each in self._partners:
                    self._carry(each)

    def _accept(self) -> None:
        caller, _ = self._listener.accept()
        self._callers.add(caller)
        self._partners[caller] = None
        if self.way is Way.PASS:
            broker = socket.create_connection((HOST, self._target), timeout=5)
            self._partners |= {caller: broker, broker: caller}

    def _carry(self, each: socket.socket) -> None:
        try:
            data = each.recv(65536)
        except OSError:
            data = b""
        partner = self._partners[each]
        if not data or self.way is Way.CLOSE:
            self._end(each)
        elif self.way is Way.GARBAGE and each in self._callers:
            each.sendall(_GARBAGE)
        elif self.way is Way.MUTE and each in self._callers:
            if data[0] == _CONNECT:
                each.sendall(_CONNACK)
            elif data.endswith(_PINGREQ):
                each.sendall(_PINGRESP)
        elif self.way is Way.PASS and partner is not None:
            with suppress(OSError):
                partner.sendall(data)
        elif self.way is Way.PASS:
            self._end(each)  # it came while we were bad: let it come again

    def _end(self, each: socket.socket) -> None:
        for one in (each, self._partners.pop(each, None)):
            if one is not None:
                self._partners.pop(one, None)
                self._callers.discard(one)
                one.close()
