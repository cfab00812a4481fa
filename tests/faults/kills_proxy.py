"""A line to the broker that reads along: it counts the acknowledgements that the station gets."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_HOST = "127.0.0.1"
_PUBACK = 4
_TURN_S = 0.05


class Packets:
    """A stream of MQTT, cut into packets (MQTT 3.1.1 and 5, chapter 2.1)."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, piece: bytes) -> list[int]:
        """The types of the packets that `piece` ends."""
        self._begun += piece
        found = []
        while (end := self._end()) is not None:
            found.append(self._begun[0] >> 4)
            del self._begun[:end]
        return found

    def _end(self) -> int | None:
        """Where the first packet ends, if all of it is here."""
        length = 0
        for index, octet in enumerate(self._begun[1:5]):
            length |= (octet & 0x7F) << (7 * index)
            if octet < 0x80:
                end = 2 + index + length
                return end if end <= len(self._begun) else None
        return None


@dataclass(slots=True)
class Line:
    """From its own port to the broker's; it stays there while the broker does not.

    Attributes:
        broker_port: where the broker is, when it is.
        port: its own.
        acknowledged: how many PUBACKs went to stations so far, in all.
    """

    broker_port: int
    port: int = 0
    acknowledged: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        door = socket.create_server((_HOST, 0))
        self.port = door.getsockname()[1]
        self._start(self._serve, door)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)

    def wait(self, acknowledged: int, limit_s: float) -> bool:
        """Wait until so many were acknowledged in all; False when it takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.acknowledged >= acknowledged, limit_s)

    def _start(self, work: Callable[[socket.socket], None], link: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(link,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, door: socket.socket) -> None:
        with door:
            door.settimeout(_TURN_S)
            while not self._over.is_set():
                with suppress(TimeoutError):
                    station, _ = door.accept()
                    self._start(self._carry, station)

    def _carry(self, station: socket.socket) -> None:
        """One connection, until one of the two ends it, or the broker is not there."""
        with (
            station,
            suppress(OSError),
            socket.create_connection((_HOST, self.broker_port), 1) as broker,
        ):
            packets = Packets()
            while not self._over.is_set():
                ready, _, _ = select.select([station, broker], [], [], _TURN_S)
                for link in ready:
                    piece = link.recv(65536)
                    if not piece:
                        return
                    (broker if link is station else station).sendall(piece)
                    if link is broker:
                        self._count(packets.feed(piece))

    def _count(self, types: list[int]) -> None:
        with self._changed:
            self.acknowledged += types.count(_PUBACK)
            self._changed.notify_all()
