"""The network between the demo's station and its broker: it can be cut, or swallow in silence."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_HOST = "127.0.0.1"
_TURN_S = 0.1
_MOST = 64 * 1024
_CONNECT_S = 1.0


class Weather(StrEnum):
    """What becomes of what is sent."""

    FAIR = "fair"
    CUT = "cut"  # connections are closed, new ones refused by closing
    SILENT = "silent"  # what is sent vanishes: no answer, no end


class Line:
    """A relay on a port of its own to `port`; in a thread from `with` to its end."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._weather = Weather.FAIR
        self._over = threading.Event()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._lost: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._server = socket.create_server((_HOST, 0))
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)

    def __enter__(self) -> Self:
        self._server.setblocking(False)
        self._selector.register(self._server, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(5)
        self._selector.close()
        for each in (self._server, *self._peers, *self._lost):
            each.close()

    def turn(self, weather: Weather) -> None:
        """Change what becomes of what is sent, from the next moment on."""
        self._weather = weather

    def _run(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(_TURN_S):
                if key.fileobj is self._server:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._peers:
                    self._pass_on(key.fileobj)
            if self._weather is Weather.CUT:
                for each in list(self._peers):
                    self._close(each)

    def _accept(self) -> None:
        client, _ = self._server.accept()
        if self._weather is Weather.SILENT:
            self._lost.append(client)  # the handshake is the kernel's; nothing else is answered
            return
        try:
            if self._weather is Weather.CUT:
                raise ConnectionRefusedError
            server = socket.create_connection((_HOST, self._to), _CONNECT_S)
        except OSError:
            client.close()
            return
        for one, other in ((client, server), (server, client)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        try:
            data = one.recv(_MOST)
            if data and self._weather is Weather.FAIR:
                self._peers[one].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._close(one)

    def _close(self, one: socket.socket) -> None:
        other = self._peers.pop(one, None)
        for each in (one, other):
            if each is not None:
                self._peers.pop(each, None)
                with suppress(KeyError, ValueError):
                    self._selector.unregister(each)
                each.close()
