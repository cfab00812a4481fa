"""A station's real uplink, a real broker and a central server, with a network between them.

What is here runs in threads, each in its network namespace: the driver is the real one, the
packets are real. `Post` delivers, `Centre` hears and proves that it has everything.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from gatepost.central.connection import Tls
from gatepost.central.findings import FindingKind
from gatepost.central.follow import Follower
from gatepost.central.session import Session
from gatepost.clock import SystemClock, boot_id
from gatepost.drivers.broker import PahoBroker
from gatepost.drivers.tls import tls_context
from gatepost.errors import BrokerError, Problem
from gatepost.mailbox import Mailbox
from gatepost.model import Draft, FaultRecord
from gatepost.signing import Signer, load_certificates
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.uplink import Backoff, Uplink
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles
    from gatepost.model import Message
    from gatepost.ports import Exchange

    Place = Callable[[], AbstractContextManager[None]]

STATION, SITE = "gp-1", "site-1"
TOPICS = Topics(SITE, STATION)
HERE: Place = nullcontext
_LIMIT_S = 40.0


@dataclass
class Signalled:
    """Something that changes while others wait for it."""

    changed: threading.Condition = field(default_factory=threading.Condition)

    def until(self, true: Callable[[], object], limit_s: float = _LIMIT_S) -> bool:
        with self.changed:
            return bool(self.changed.wait_for(true, limit_s))


class Recorded(Signalled):
    """The real driver; it is written down what it raised, and when."""

    def __init__(self, broker: PahoBroker) -> None:
        super().__init__()
        self._broker = broker
        self.told: list[tuple[float, BrokerError]] = []
        self.connected = False
        self.sessions = 0

    def connect(self, will: Message) -> None:
        with self._noting():
            self._broker.connect(will)
        with self.changed:
            self.connected, self.sessions = True, self.sessions + 1
            self.changed.notify_all()

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        with self._noting():
            return self._broker.exchange(batch, wait_s)

    def disconnect(self) -> None:
        """The uplink itself had enough of this session, or the station stops."""
        self._broker.disconnect()
        with self.changed:
            self.connected = False
            left = BrokerError("left by the uplink", Problem.UNACKNOWLEDGED)
            self.told.append((time.monotonic(), left))
            self.changed.notify_all()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except BrokerError as error:
            with self.changed:
                self.connected = False
                self.told.append((time.monotonic(), error))
                self.changed.notify_all()
            raise

    def problems(self) -> list[str]:
        """Each problem in the order in which it was met, once in a row."""
        found: list[str] = []
        for _, error in self.told:
            if not found or found[-1] != error.problem:
                found.append(str(error.problem))
        return found


class Post:
    """A station's uplink with its spool, delivering from a thread at `place`."""

    def __init__(
        self,
        folder: Path,
        files: AuthorityFiles,
        host: str,
        port: int,
        *,
        place: Place = HERE,
        keepalive_s: int = 2,
        cap_s: float = 0.3,
        tls: bool = True,
        protocol: str = "auto",
        answer_s: float = 2.0,
    ) -> None:
        self._clock, self._boot = SystemClock(), boot_id()
        now = stamp(self._clock, self._boot)
        self._spool_path = prepare(folder, STATION, SITE, now, allow_volatile=True)
        context = tls_context(files.ca, files.station_certificate, files.station_key)
        self.broker = Recorded(
            PahoBroker(
                host=host,
                port=port,
                client_id=STATION,
                keepalive_s=keepalive_s,
                tls=context if tls else None,
                protocol=protocol,
                answer_s=answer_s,
            )
        )
        self._uplink = Uplink(
            spool_path=self._spool_path,
            broker=self.broker,
            topics=TOPICS,
            signer=Signer(files.station_certificate, files.station_key),
            clock=self._clock,
            boot_id=self._boot,
            firmware="test",
            notices=Mailbox(),
            backoff=Backoff(base_s=cap_s / 4, cap_s=cap_s),
        )
        self._place = place
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="uplink", daemon=True)
        self.failed: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        worker = self._uplink.run()
        try:
            with self._place():
                for _ in worker:
                    if self._stop.is_set():
                        break
                worker.close()
        except BaseException as error:  # the test's own thread must hear of it
            self.failed = error
            raise

    def close(self) -> None:
        """Say farewell, as a station does that is stopped."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self.failed is None

    def add(self, count: int) -> int:
        """Events, as deciding would keep them; returns the newest sequence."""
        with Spool(self._spool_path) as spool:
            for number in range(count):
                now = stamp(self._clock, self._boot)
                spool.append(Draft(FaultRecord("test", "failed", f"number {number}"), now))
            return spool.head().sequence


class Centre(Signalled):
    """A central server that follows the station from a thread at `place`."""

    def __init__(
        self,
        files: AuthorityFiles,
        host: str,
        port: int,
        *,
        place: Place = HERE,
        tls: bool = True,
        station: str = STATION,
    ) -> None:
        super().__init__()
        self._station = station
        given = Tls(files.ca, files.central_certificate, files.central_key) if tls else None
        self._session = Session(host, port, client_id="central", tls=given, persistent=True)
        self._follower = Follower(load_certificates(files.ca))
        self._place = place
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="centre", daemon=True)
        self.kinds: dict[FindingKind, int] = {}
        self.seen: set[int] = set()
        self.complete = False

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _follow(self) -> None:
        with self._place(), self._session as session:
            self._ready.set()
            while not self._stop.is_set():
                message = session.next_message(0.2)
                if message is not None:
                    self._take(message.topic, message.payload)

    def _take(self, topic: str, payload: bytes) -> None:
        found = self._follower.take(topic, payload, time.time_ns() // 1000)
        with self.changed:
            for each in found:
                self.kinds[each.kind] = self.kinds.get(each.kind, 0) + 1
                if each.kind is FindingKind.EVENT and each.sequence is not None:
                    self.seen.add(each.sequence)
            self.complete = self._follower.complete(self._station)
            self.changed.notify_all()

    def count(self, kind: FindingKind) -> int:
        return self.kinds.get(kind, 0)

    @property
    def wrong(self) -> dict[FindingKind, int]:
        """What must never be found."""
        bad = (FindingKind.CONFLICT, FindingKind.CHAIN_BROKEN, FindingKind.INVALID)
        return {kind: self.kinds[kind] for kind in bad if kind in self.kinds}


def proved(post: Post, centre: Centre, newest: int, limit_s: float = _LIMIT_S) -> None:
    """Everything up to `newest` arrives; after the farewell the centre can prove it."""
    assert centre.until(lambda: len(centre.seen) >= newest, limit_s), (
        len(centre.seen),
        newest,
        post.broker.problems(),
    )
    post.close()
    assert centre.until(lambda: centre.complete, 15), centre.kinds
    assert centre.seen == set(range(1, newest + 1))
    assert not centre.wrong
