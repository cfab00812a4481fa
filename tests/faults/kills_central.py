"""A central server that listens in a thread, goes away, comes back, and can be asked what it has.

Its session is persistent: what comes while it is away is the broker's to keep, as far as that
lives. What it has seen it keeps, as a server keeps its database.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.central.findings import ALARMS, Finding, FindingKind
from gatepost.central.follow import Follower
from gatepost.central.keeper import Keeper
from gatepost.central.session import Session, Tls
from gatepost.central.state import State
from gatepost.central.unseal import load_private_key, unseal_event
from gatepost.errors import BrokerError, GatepostError
from gatepost.model import ScanRecord
from gatepost.signing import Signer, load_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from cryptography.x509 import Certificate

    from gatepost.central.epochs import EpochStatus
    from gatepost.central.unseal import Keys
    from gatepost.demo.authority import AuthorityFiles
    from gatepost.model import Event

_TURN_S = 0.05
_NAME = "central"
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A scan that is at the centre."""

    boot_id: str
    reader: str
    boot_us: int
    text: str


@dataclass(slots=True)
class Central:
    """Follows everything at the broker on `port`, while `here`.

    Attributes:
        tls: False: in the clear, as the broker of a test may have it.
        keep: the file of a Keeper's state: it asks for what lacks, gives receipts, and comes back
            with what it had settled, as a process that was killed; None: it only follows.
        again: deliveries of an event beyond its first.
        replayed: events that came because they were asked for.
        alarms: what broke the contract, in words.
    """

    port: int
    files: AuthorityFiles
    tls: bool = True
    keep: Path | None = None
    again: int = 0
    replayed: int = 0
    alarms: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    _events: dict[tuple[str, int], Event | None] = field(default_factory=dict)
    _authorities: Sequence[Certificate] = field(init=False)
    _follower: Follower = field(init=False)
    _statuses: list[EpochStatus] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._authorities = load_certificates(self.files.ca)
        self._follower = Follower(self._authorities)

    def come(self, limit_s: float = 20.0) -> None:
        """Take the session up, or begin it. Raises BrokerError."""
        session = self._session(time.monotonic() + limit_s)
        self._over.clear()
        work = self._follow if self.keep is None else self._keep
        self._thread = threading.Thread(target=work, args=(session,), name=_NAME, daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Away; the session stays at the broker. May be called twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def wait(self, done: Callable[[Central], bool], limit_s: float) -> bool:
        """Wait until `done` of what is here; False when it does not become so."""
        with self._changed:
            return self._changed.wait_for(lambda: done(self), limit_s)

    def complete(self, source: str) -> bool:
        """Whether the chain and the checkpoints prove that nothing of `source` is missing."""
        found = self._of(source)
        return bool(found) and all(each.complete for each in found)

    def proved_to(self, source: str, sequence: int) -> bool:
        """Whether everything up to `sequence`, and no less, is proved."""
        upto = max((each.upto for each in self._of(source)), default=0)
        return upto >= sequence and self.complete(source)

    def tally(self, source: str) -> dict[str, int]:
        """How many events, gaps, broken links, conflicts of `source`; how far it is signed."""
        found = self._of(source)
        return {
            "events": sum(each.events for each in found),
            "gaps": sum(last - first + 1 for each in found for first, last in each.gaps),
            "broken": sum(len(each.broken) for each in found),
            "conflicts": sum(each.conflicts for each in found),
            "upto": max((each.upto for each in found), default=0),
        }

    def last_sequence(self, source: str) -> int:
        """The newest event of `source` that is here, whatever lacks before it."""
        keys = [key for key, each in self._events.items() if each and each.source == source]
        return max((sequence for _, sequence in keys), default=0)

    def arrivals(self) -> list[Arrival]:
        """Every scan that is here, opened with the central key; "" where that fails."""
        key = load_private_key(self.files.sealing_private)
        with self._changed:
            events = [each for each in self._events.values() if each is not None]
        return [
            Arrival(each.stamp.boot_id, record.reader, each.stamp.boot_us, _text(each, key))
            for each in events
            if isinstance(record := each.record, ScanRecord)
        ]

    def _session(self, until: float) -> Session:
        """A session that stands: a broker that was just started may need another moment."""
        files = self.files
        given = Tls(files.ca, files.central_certificate, files.central_key) if self.tls else None
        while True:
            session = Session(
                _HOST,
                self.port,
                client_id=_NAME,
                tls=given,
                persistent=True,
                protocol="5",
                manual=self.keep is not None,
            )
            try:
                return session.__enter__()
            except BrokerError:
                if time.monotonic() > until:
                    raise
                threading.Event().wait(_TURN_S)

    def _follow(self, session: Session) -> None:
        with session:
            while not self._over.is_set():
                got = session.next_message(_TURN_S)
                if got is not None:
                    found = self._follower.take(got.topic, got.payload, _now_us())
                    self._taken(found, self._follower)

    def _keep(self, session: Session) -> None:
        """As the README's server does; away, it leaves what it has not settled to the next one."""
        signer = Signer(self.files.central_certificate, self.files.central_key)
        with session, State(self.keep) as state:
            keeper = Keeper(session, self._authorities, state, signer=signer)
            while True:
                self._taken(keeper.findings(_TURN_S), keeper.follower)
                if self._over.is_set():
                    return
                keeper.settle()

    def _taken(self, found: Iterable[Finding], follower: Follower) -> None:
        with self._changed:
            for finding in found:
                self._take(finding)
            self._statuses = follower.statuses()
            self._changed.notify_all()

    def _of(self, source: str) -> list[EpochStatus]:
        return [each for each in self._statuses if each.source == source]

    def _take(self, finding: Finding) -> None:
        key = (finding.epoch, finding.sequence)
        if finding.kind is FindingKind.EVENT:
            self._events[key] = finding.event
            self.replayed += finding.topic.endswith("/replay")
        elif finding.kind is FindingKind.DUPLICATE:
            self.again += 1
        elif finding.kind is FindingKind.STATE:
            self.states.append(str(dict(finding.facts).get("state", "")))
        elif finding.kind in ALARMS:
            self.alarms.append(f"{finding.kind.value} {finding.topic}: {finding.detail}")


def _text(event: Event, key: Keys) -> str:
    try:
        return unseal_event(event, key).text
    except GatepostError:
        return ""


def _now_us() -> int:
    return time.time_ns() // 1000
