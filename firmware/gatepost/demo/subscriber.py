"""The demo's central server: follows what arrives and opens it with the central key."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from gatepost.central.findings import Finding, FindingKind
from gatepost.central.follow import Follower
from gatepost.central.session import Session, Tls
from gatepost.central.unseal import load_private_key, unseal_event
from gatepost.demo.tally import Arrival
from gatepost.errors import GatepostError
from gatepost.model import ScanRecord
from gatepost.signing import load_certificates

if TYPE_CHECKING:
    from types import TracebackType

    from gatepost.demo.authority import AuthorityFiles
    from gatepost.model import Event

_TURN_S = 0.1


class Subscriber:
    """Listens in a thread of its own, from `with` to its end."""

    def __init__(self, host: str, port: int, files: AuthorityFiles) -> None:
        tls = Tls(files.ca, files.central_certificate, files.central_key)
        self._session = Session(host, port, client_id="central", tls=tls)
        self._follower = Follower(load_certificates(files.ca))
        self._key = load_private_key(files.sealing_private)
        self._arrivals: dict[tuple[str, int], Arrival] = {}
        self._states: list[str] = []
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="subscriber", daemon=True)

    def __enter__(self) -> Self:
        """Connect and subscribe. Raises BrokerError."""
        self._session.__enter__()
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
        self._session.__exit__(kind, error, trace)

    def arrivals(self) -> list[Arrival]:
        """The scans that have arrived, in the order in which they were recorded."""
        with self._changed:
            return sorted(self._arrivals.values(), key=lambda arrival: arrival.sequence)

    def proved(self, source: str) -> bool:
        """Whether a checkpoint of the station proves that nothing is missing."""
        with self._changed:
            return self._follower.complete(source)

    def wait_for_state(self, state: str, limit_s: float) -> bool:
        """Wait until the station's newest state is `state`; False when it does not become so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._states[-1:] == [state], limit_s)

    def _listen(self) -> None:
        while not self._over.is_set():
            got = self._session.next_message(_TURN_S)
            if got is None:
                continue
            with self._changed:
                for finding in self._follower.take(got.topic, got.payload, time.time_ns() // 1000):
                    self._take(finding)
                self._changed.notify_all()

    def _take(self, finding: Finding) -> None:
        key = (finding.epoch, finding.sequence)
        if finding.kind is FindingKind.STATE:
            self._states.append(str(dict(finding.facts).get("state", "")))
        elif finding.kind is FindingKind.DUPLICATE and key in self._arrivals:
            known = self._arrivals[key]
            self._arrivals[key] = replace(known, copies=known.copies + 1)
        elif finding.kind is FindingKind.EVENT and finding.event is not None:
            arrival = self._opened(finding.event)
            if arrival is not None:
                self._arrivals[key] = arrival

    def _opened(self, event: Event) -> Arrival | None:
        record = event.record
        if not isinstance(record, ScanRecord):
            return None
        try:
            text = unseal_event(event, self._key).text
        except GatepostError as error:  # then the visitor it belongs to is missing in the table
            text = f"cannot be opened: {error}"
        return Arrival.of(event, record, text)
