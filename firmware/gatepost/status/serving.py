"""Worker: answers on the status socket. Whatever fails of it is noted, and tried again."""

from __future__ import annotations

import errno
import json
import logging
import os
import select
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from gatepost.conditions import Conditions
    from gatepost.ports import Clock

_LOG = logging.getLogger(__name__)
PART = "status socket"
MOST_BYTES = 64 * 1024
_WAIT_S = 0.25
_RETRY_S = 30.0
_FRESH_S = 0.5  # whoever asks more often than this is given the same again
_AT_ONCE = 8  # clients answered between two heartbeats
_MODE = 0o660


@dataclass(slots=True)
class Serving:
    """What the worker needs.

    An answer is sent in one piece, without waiting: it fits the socket's own buffer, so that a
    client that does not read it holds nothing up, and none is kept.

    Attributes:
        report: what is told; asked for twice a second at most.
        wait_s: the longest time between two heartbeats, seconds.
    """

    path: Path
    report: Callable[[], Mapping[str, Any]]
    conditions: Conditions
    clock: Clock
    wait_s: float = _WAIT_S
    _made: tuple[float, bytes] | None = field(default=None, init=False)
    _own: tuple[int, int] | None = field(default=None, init=False)

    def run(self) -> Generator[None, None, None]:
        """The worker. Patience: making one report."""
        listener: socket.socket | None = None
        look_at = self.clock.boottime()
        try:
            while True:
                yield
                if self.clock.boottime() >= look_at:
                    look_at = self.clock.boottime() + _RETRY_S
                    listener = self._kept(listener)
                self._serve(listener)
        finally:
            self._close(listener)

    def _kept(self, listener: socket.socket | None) -> socket.socket | None:
        """The listener; a new one where there is none, or where its file is gone."""
        if listener is not None and self._there() == self._own:
            return listener
        if listener is not None:
            listener.close()
        try:
            listener = self._opened()
        except OSError as error:
            self.conditions.note(PART, "cannot be opened", f"{self.path}: {_told(error)}")
            return None
        self.conditions.unnote(PART)
        return listener

    def _opened(self) -> socket.socket:
        """Raises OSError. A file that nobody answers at is a former daemon's, and goes."""
        self._make_room()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.bind(str(self.path))
            os.chmod(self.path, _MODE)  # noqa: PTH101 - before anybody can connect
            listener.listen(_AT_ONCE)
        except OSError:
            listener.close()
            raise
        self._own = self._there()
        return listener

    def _make_room(self) -> None:
        try:
            kind = self.path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(kind):
            raise FileExistsError(errno.EEXIST, "it is there and is no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as other:
            answer = other.connect_ex(str(self.path))
        if answer in {0, errno.EAGAIN}:
            raise OSError(errno.EADDRINUSE, "another process answers there")
        self.path.unlink()

    def _there(self) -> tuple[int, int] | None:
        try:
            found = self.path.lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _serve(self, listener: socket.socket | None) -> None:
        readable, _, _ = select.select([listener] if listener else [], [], [], self.wait_s)
        for _ in range(_AT_ONCE if listener and readable else 0):
            try:
                client, _ = listener.accept()  # type: ignore[union-attr]
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    _LOG.debug("status: not accepted", extra={"fields": {"why": _told(error)}})
                    select.select([], [], [], self.wait_s)  # no descriptor is free: not at once
                return
            with client, suppress(OSError):  # gone already
                client.setblocking(False)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MOST_BYTES)
                client.send(self._line(), socket.MSG_NOSIGNAL)

    def _line(self) -> bytes:
        now = self.clock.boottime()
        if self._made is None or not 0 <= now - self._made[0] < _FRESH_S:
            line = json.dumps(self.report(), ensure_ascii=True).encode("ascii") + b"\n"
            if len(line) > MOST_BYTES:
                line = b'{"error": "the report is too long"}\n'
            self._made = now, line
        return self._made[1]

    def _close(self, listener: socket.socket | None) -> None:
        if listener is None:
            return
        listener.close()
        if self._there() == self._own:
            with suppress(OSError):
                self.path.unlink()


def _told(error: OSError) -> str:
    return error.strerror or str(error)
