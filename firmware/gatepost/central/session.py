"""A central server's session with an MQTT broker: what it subscribes to, message by message.

    with Session("broker.example", 8883, client_id="central", tls=tls) as session:
        while (message := session.next_message(60.0)) is not None: ...

No thread: the network is served while `next_message` waits. A lost session is taken up again
with growing, random pauses. MQTT 5, or 3.1.1 where the broker has no 5.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Literal, TypeAlias

from gatepost.central.connection import (
    LOST,
    Address,
    Connection,
    Delivery,
    ProtocolSilence,
    Tls,
)
from gatepost.errors import BrokerError, ProtocolRefused, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from gatepost.central.connection import Done

__all__ = ["EVERYTHING", "Delivery", "Session", "Tls", "Version"]

_LOG = logging.getLogger(__name__)
EVERYTHING = ("gatepost/v1/#",)
_FIRST_PAUSE_S = 0.5
_MOST_PAUSE_S = 60.0

Version: TypeAlias = Literal["auto", "5", "3.1.1"]


class Session:
    """See the module.

    Args:
        client_id: unique at the broker; two with one id throw each other out.
        topics: filters to subscribe to.
        persistent: let the broker keep what comes while we are away (needs a lasting client_id).
        manual: acknowledge to the broker only what `acknowledge` is called for: what was not is
            sent again in the next session.
        protocol: "auto" tries MQTT 5 first, and 3.1.1 where that is refused, which is
            remembered, or meets silence, which is not: a slow line must not cost MQTT 5.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client_id: str = "",
        tls: Tls | None = None,
        topics: Sequence[str] = EVERYTHING,
        persistent: bool = False,
        protocol: Version = "auto",
        keepalive_s: int = 30,
        manual: bool = False,
    ) -> None:
        if shared := [each for each in topics if each.startswith("$share/")]:
            raise UsageError(
                f"{shared[0]}: a shared subscription gives each instance a part of the messages: "
                "all gaps and no proof; instances would need one state store"
            )
        own = client_id or f"gatepost-central-{random.getrandbits(48):012x}"
        self._address = Address(host, port, own, tuple(topics), persistent, keepalive_s, manual)
        self._tls = tls
        self._auto = protocol == "auto"
        self._first: str = "5" if protocol == "auto" else protocol
        self._version: str = self._first
        self._context: ssl.SSLContext | None = None
        self._connection: Connection | None = None
        self._waiting: deque[Delivery] = deque()
        self._given: list[int] = []  # handed out, not acknowledged
        self._failures = 0
        self._retry_at = 0.0

    def __enter__(self) -> Self:
        """Connect and subscribe. Raises BrokerError, or KeyMaterialError for the TLS files."""
        self._context = self._tls.context() if self._tls else None
        self._connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._forget()

    @property
    def protocol(self) -> str:
        """The version of MQTT that is spoken."""
        return self._version

    @property
    def connected(self) -> bool:
        """Whether there is a session at this moment."""
        return self._connection is not None and not self._connection.ended

    def next_message(self, wait_s: float) -> Delivery | None:
        """The next message, or None when none came within `wait_s` seconds. Raises nothing.

        A lost session is taken up again by itself, as long as this is called.
        """
        until = time.monotonic() + wait_s
        while not self._waiting:
            left = until - time.monotonic()
            if left <= 0:
                return None
            if self._connection is None:
                self._resume(left)
            elif self._connection.ended:
                self._lost(self._connection)
            else:
                self._connection.turn(left)
        got = self._waiting.popleft()
        if got.mid:
            self._given.append(got.mid)
        return got

    def acknowledge(self) -> None:
        """All that was handed out is kept: the broker may forget it. Raises nothing."""
        given, self._given = self._given, []
        if self._connection is not None and given:
            self._connection.acknowledge(given)

    def publish(
        self,
        topic: str,
        payload: bytes,
        done: Done,
        content_type: str = "application/jose",
    ) -> None:
        """Publish with QoS 1, in this session or not at all.

        `done` is called later with "" when the broker has it, else with why it has not.
        """
        if self._connection is None or self._connection.ended:
            done(LOST)
            return
        self._connection.publish(topic, payload, content_type, done)

    def _lost(self, connection: Connection) -> None:
        _LOG.warning("session lost", extra={"fields": {"why": connection.ended}})
        self._connection = None
        connection.close()
        self._forget()
        self._retry_at = time.monotonic() + self._pause_s()

    def _forget(self) -> None:
        """What a lost session was not told of comes again in the next one."""
        if self._address.manual:
            self._waiting.clear()
            self._given.clear()

    def _resume(self, left_s: float) -> None:
        """One step towards a new session: a pause, or an attempt."""
        wait_s = min(left_s, self._retry_at - time.monotonic())
        if wait_s > 0:
            threading.Event().wait(wait_s)
            return
        try:
            self._connect()
        except BrokerError as error:
            _LOG.warning("no session", extra={"fields": {"why": str(error)}})
            self._retry_at = time.monotonic() + self._pause_s()

    def _pause_s(self) -> float:
        """Any time up to a bound that doubles: thousands do not come back at once."""
        bound_s = min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures, 16))
        self._failures += 1
        return random.uniform(0.0, bound_s)

    def _connect(self) -> None:
        """Connect with what worked last, then with the other version. Raises BrokerError."""
        try:
            self._attempt(self._first)
        except ProtocolRefused as error:
            if not self._auto:
                raise
            other = "3.1.1" if self._first == "5" else "5"
            self._attempt(other)
            if not isinstance(error, ProtocolSilence):
                self._first = other
        self._failures = 0

    def _attempt(self, version: str) -> None:
        connection = Connection(self._address, version, self._waiting)
        certificate = self._tls.certificate if self._tls else None
        try:
            connection.open(self._context, probe=self._auto, certificate=certificate)
        except BrokerError:
            connection.close()
            self._forget()
            raise
        self._connection, self._version = connection, version
