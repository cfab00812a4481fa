"""The central server of the demo's faults: it keeps, asks for what lacks, gives receipts.

It can go away and come back: what it must know again lies in its state file.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from gatepost.central.asking import Patience
from gatepost.central.findings import FindingKind
from gatepost.central.keeper import Keeper, Manners
from gatepost.central.receipts import Pace
from gatepost.central.session import Session, Tls
from gatepost.central.state import State
from gatepost.central.unseal import load_private_key, unseal_event
from gatepost.demo.tally import Arrival
from gatepost.errors import GatepostError
from gatepost.model import ScanRecord
from gatepost.signing import Signer, load_certificates

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from gatepost.central.findings import Finding
    from gatepost.demo.authority import AuthorityFiles

_TURN_S = 0.1
_HASTE = Manners(patience=Patience(grace_s=0.5, first_s=3.0), pace=Pace(events=10, wait_s=1.0))


class Centre:
    """A Keeper in a thread of its own; from `with` to its end, but for when it is away."""

    def __init__(self, host: str, port: int, files: AuthorityFiles, state: Path) -> None:
        self._address, self._files, self._state = (host, port), files, state
        self._key = load_private_key(files.sealing_private)
        self._arrivals: dict[tuple[str, int], Arrival] = {}
        self._counts: dict[FindingKind, int] = {}
        self._complete: set[str] = set()
        self._sent_again = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ready = threading.Event()
        self._failure: GatepostError | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.come()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def come(self) -> None:
        """Begin, or go on where it was. Raises GatepostError where it cannot."""
        self._over.clear()
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="centre", daemon=True)
        self._thread.start()
        self._ready.wait(30)
        if self._failure is not None:
            raise self._failure

    def leave(self) -> None:
        """Go away; the broker keeps what comes."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def arrivals(self) -> list[Arrival]:
        """The scans that have arrived, in the order in which they were recorded."""
        with self._lock:
            return sorted(self._arrivals.values(), key=lambda each: each.taken_s)

    def proved(self, source: str) -> bool:
        """Whether everything up to the newest checkpoint of the station is there."""
        with self._lock:
            return source in self._complete

    @property
    def sent_again(self) -> int:
        """How many events came only because they were asked for."""
        return self._sent_again

    def count(self, kind: FindingKind) -> int:
        """How many findings of a kind there were."""
        with self._lock:
            return self._counts.get(kind, 0)

    def _run(self) -> None:
        try:
            self._keep()
        except GatepostError as error:
            self._failure = error
        finally:
            self._ready.set()

    def _keep(self) -> None:
        host, port = self._address
        files = self._files
        tls = Tls(files.ca, files.central_certificate, files.central_key)
        signer = Signer(files.central_certificate, files.central_key)
        with (
            Session(
                host, port, client_id="central", tls=tls, persistent=True, manual=True
            ) as session,
            State(self._state) as state,
        ):
            keeper = Keeper(
                session, load_certificates(files.ca), state, signer=signer, manners=_HASTE
            )
            self._ready.set()
            while not self._over.is_set():
                found = keeper.findings(_TURN_S)
                keeper.settle()
                self._note(found, keeper)

    def _note(self, found: list[Finding], keeper: Keeper) -> None:
        with self._lock:
            for each in found:
                self._counts[each.kind] = self._counts.get(each.kind, 0) + 1
                again = each.kind is FindingKind.EVENT and each.topic.endswith("/replay")
                self._sent_again += again
                self._take(each)
            follower = keeper.follower
            self._complete = {each for each in follower.sources() if follower.complete(each)}

    def _take(self, finding: Finding) -> None:
        key = (finding.epoch, finding.sequence)
        event = finding.event
        if finding.kind is FindingKind.DUPLICATE and key in self._arrivals:
            known = self._arrivals[key]
            self._arrivals[key] = replace(known, copies=known.copies + 1)
        elif (
            finding.kind is FindingKind.EVENT
            and event is not None
            and isinstance(event.record, ScanRecord)
        ):
            text = unseal_event(event, self._key).text
            self._arrivals[key] = Arrival.of(event, event.record, text)
