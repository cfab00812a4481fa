"""Keeps what stations send: at least once, never lost; asks for what lacks, gives receipts.

    session = Session(host, port, client_id="central", persistent=True, manual=True)
    with session, State(path) as state:
        keeper = Keeper(session, authorities, state, signer=Signer(certificate, key))
        while True:
            for finding in keeper.findings(1.0):
                ...                     # into the server's own store
            keeper.settle()             # the server has them: only now the broker may forget them

What `findings` gives is the server's to store. `settle` says that it did: then the state is
saved, in one transaction; then the broker is acknowledged; then stations may get a receipt. A
process that is killed in between is given the same again. Where storing fails, leave: a new
Keeper goes on at what was settled last.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from gatepost.central import commanding
from gatepost.central.asking import Asking, Patience, Presence
from gatepost.central.connection import LOST
from gatepost.central.findings import Finding, FindingKind
from gatepost.central.follow import Follower
from gatepost.central.parsing import station_of
from gatepost.central.receipts import Pace, Receipts
from gatepost.central.release import Release
from gatepost.central.state import State
from gatepost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.x509 import Certificate

    from gatepost.central.connection import Delivery, Done
    from gatepost.central.epochs import EpochStatus
    from gatepost.central.known import Bounds
    from gatepost.signing import Signer
    from gatepost.wire import Ranges

_LOG = logging.getLogger(__name__)
BATCH = 200  # messages
_BATCH_S = 0.1
_QUIET_S = 0.002  # nothing for so long: the broker may be waiting for us to acknowledge
_MOST_SPOKEN = 50  # commands a turn: each is a signature
_REFUSED_S = 300.0
_HEARD_S = 2.0  # a station that comes online signs at once where it is: heard before a receipt


class Line(Protocol):
    """What a keeper needs of a Session."""

    def next_message(self, wait_s: float) -> Delivery | None: ...

    def acknowledge(self) -> None: ...

    def publish(self, topic: str, payload: bytes, done: Done) -> None: ...


@dataclass(frozen=True, slots=True)
class Manners:
    """How a keeper behaves: whether it gives receipts, how it asks, how much it remembers."""

    receipts: bool = True
    patience: Patience = field(default_factory=Patience)
    pace: Pace = field(default_factory=Pace)
    bounds: Bounds | None = None


def _wall_us() -> int:
    return time.time_ns() // 1000


class Keeper:
    """See the module.

    Args:
        line: a Session that is persistent and manual, where nothing may be lost.
        authorities: whose stations count.
        state: open; None: in memory, for looking on.
        signer: the one confirmer of the stations; without it nothing is sent to them.
        monotonic, wall_us: seconds that only go forward; microseconds since 1970.
    """

    def __init__(
        self,
        line: Line,
        authorities: Sequence[Certificate],
        state: State | None = None,
        *,
        signer: Signer | None = None,
        manners: Manners | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall_us: Callable[[], int] = _wall_us,
    ) -> None:
        """Raises StateError when the state cannot be read, UsageError for a receipt of nothing."""
        manners = manners or Manners()
        if signer and manners.receipts and not (state and state.lasting):
            raise UsageError("receipts need a state that outlives the process")
        self._line = line
        self._state = state or State().__enter__()
        self._signer = signer
        self._manners = manners
        self._monotonic, self._wall_us = monotonic, wall_us
        known = self._state.load(self._manners.bounds)
        self.follower = Follower(authorities, known)
        self._presence = Presence()
        self._asking = Asking(known, self._presence, self._manners.patience)
        self._receipts = Receipts(known, self._manners.pace)
        self._release = Release(self._state, self.follower)
        self._again: deque[str] = deque()
        self._refused_until = 0.0
        self._asking.resume(monotonic())
        self._receipts.resume(monotonic())

    # --- what came

    def findings(self, wait_s: float, most: int = BATCH) -> list[Finding]:
        """What came within `wait_s` seconds: as soon as there is some, in batches.

        Up to `most` messages, or a tenth of a second of them. Raises StateError.
        """
        found = self._release.next(most)
        if found:
            for each in found:
                self._count(each, each.via)
            return found
        got = self._line.next_message(wait_s)
        until, many = self._monotonic() + _BATCH_S, 0
        while got is not None:
            found += self._take(got)
            many += 1
            if many >= most or self._monotonic() >= until:
                break  # nothing is handed out that is not taken
            got = self._line.next_message(_QUIET_S)
        return found

    def _take(self, got: Delivery) -> list[Finding]:
        now_us = self._wall_us()
        found = self.follower.take(got.topic, got.payload, now_us, retained=got.retained)
        if not found:
            return []
        site, station = station_of(got.topic)
        if self._presence.note(found[0], station, site, retained=got.retained):
            self._receipts.again(station, self._monotonic() + _HEARD_S)
        lost = [each for finding in found for each in self._count(finding, station)]
        return found + lost

    def _count(self, finding: Finding, station: str) -> list[Finding]:
        """Whatever follows of a finding: bodies to hold, receipts and requests that fall due."""
        now = self._monotonic()
        self._release.note(finding)
        self._receipts.note(finding, station, now)
        return [
            replace(
                finding,
                kind=FindingKind.LOST,
                epoch=epoch.name,
                sequence=first,
                last=last,
                facts=(),
                detail="the station does not hold these any more",
            )
            for epoch, gone in self._asking.note(finding, now)
            for first, last in gone
        ]

    # --- what is kept

    def settle(self) -> None:
        """All that was given out is stored: save, acknowledge, and say what is due.

        Call it after every `findings`, also when there were none. Raises StateError: then
        nothing is acknowledged, and all comes again.
        """
        self._state.save(self.follower.known)
        self._line.acknowledge()
        if self._signer is not None:
            self._speak(self._signer)

    def statuses(self, source: str | None = None) -> list[EpochStatus]:
        """Where each epoch stands: of one source, or of all."""
        return self.follower.statuses(source)

    # --- what is said

    def _speak(self, signer: Signer) -> None:
        now = self._monotonic()
        while self._again:
            self._receipts.again(self._again.popleft(), now)
        if now < self._refused_until:
            return
        for each in self._asking.requests(now):
            self._send(signer, "resend", each.station, (each.of,), each.id)
        if self._manners.receipts:
            for station in self._receipts.ready(now, _MOST_SPOKEN):
                if station in self._presence.online:
                    for of in self._receipts.compose(station):
                        self._send(signer, "receipt", station, of, uuid.uuid4().hex)
                else:
                    self._receipts.wait(station, now)

    def _send(
        self, signer: Signer, name: str, station: str, of: tuple[Ranges, ...], identity: str
    ) -> None:
        valid_s = commanding.RECEIPT_S if name == "receipt" else commanding.COMMAND_S
        at = datetime.fromtimestamp(self._wall_us() / 1_000_000, UTC)
        token = commanding.signed(signer, name, identity, station, now=at, of=of, valid_s=valid_s)
        topic = commanding.topic_of(self._presence.sites[station], station, name)

        def done(why: str) -> None:
            if why == LOST and name == "receipt":
                self._again.append(station)
            elif why and why != LOST:
                self._refused(topic, why)

        self._line.publish(topic, token, done)

    def _refused(self, topic: str, why: str) -> None:
        """The broker does not let us speak: said, and tried again after a while."""
        self._refused_until = self._monotonic() + _REFUSED_S
        fields = {"topic": topic[:100], "why": why, "again_s": int(_REFUSED_S)}
        _LOG.error("the broker refuses our commands", extra={"fields": fields})
