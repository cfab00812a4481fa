"""From a host's name to a connection, each step within a bound: the system's have none."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from gatepost.drivers.telling import Trouble, reaching, resolving
from gatepost.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Address: TypeAlias = tuple[int, Any]  # a family and what connect(2) takes
_EACH_S = 8.0


@dataclass(slots=True)
class _Asked:
    """One question to the resolver, in a thread of its own."""

    done: threading.Event = field(default_factory=threading.Event)
    found: list[Address] = field(default_factory=list)
    error: OSError | None = None


class Resolver:
    """The system's resolver, which may hang for minutes (resolv.conf(5): servers, domains, tries).

    At most one question hangs at a time; what it brings late is taken at the next attempt.
    """

    def __init__(self, lookup: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._asked: _Asked | None = None

    def find(self, host: str, port: int, limit_s: float) -> list[Address]:
        """The addresses of `host`. Raises BrokerError, after `limit_s` seconds at the latest."""
        asked = self._asked
        if asked is None or (asked.done.is_set() and not asked.found):
            asked = self._asked = _Asked()
            question = (asked, host, port)
            threading.Thread(target=self._ask, args=question, name="resolver", daemon=True).start()
        if not asked.done.wait(limit_s):
            text = f"the resolver gave no answer for {limit_s:g} s: does the name server answer?"
            raise Trouble(Problem.RESOLVER_SILENT, f"{host}: {text}").error()
        self._asked = None
        if asked.error is not None:
            raise resolving(host, asked.error).error() from asked.error
        return asked.found

    def _ask(self, asked: _Asked, host: str, port: int) -> None:
        try:
            told = self._lookup(host, port, type=socket.SOCK_STREAM)
            asked.found = [(family, address) for family, _, _, _, address in told]
        except (OSError, UnicodeError) as error:  # a label that is too long fails as text
            asked.error = error if isinstance(error, OSError) else OSError(0, str(error))
        finally:
            asked.done.set()


def reach(addresses: Sequence[Address], limit_s: float) -> socket.socket:
    """A connection to the first that takes it. Raises BrokerError that tells of the last."""
    until = time.monotonic() + limit_s
    trouble = Trouble(Problem.NO_ANSWER, "no address")
    for family, address in addresses:
        left = min(_EACH_S, until - time.monotonic())
        if left <= 0:
            break
        try:
            return _connected(family, address, left)
        except OSError as error:  # also a family that this kernel does not have: the next may do
            trouble = reaching(error)
    raise trouble.error()


def _connected(family: int, address: Any, limit_s: float) -> socket.socket:
    """Raises OSError."""
    link = socket.socket(family, socket.SOCK_STREAM)
    link.settimeout(limit_s)
    try:
        link.connect(address)
    except OSError:
        link.close()
        raise
    return link


def watch_silence(link: socket.socket, seconds: float) -> None:
    """Let the kernel give up what is not acknowledged for that long (tcp(7)), where it can."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
