"""Follows what stations send: events, chains, checkpoints, gaps, cloned cards. No I/O.

    follower = Follower(authorities)
    for finding in follower.take(topic, payload, now_us): ...

Nothing that is sent can make it raise: what breaks the contract is a finding too. Memory is
bounded for each epoch; what must outlive the process belongs into the server's own database.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gatepost.central.chain import Place
from gatepost.central.epochs import End, Epoch, EpochStatus
from gatepost.central.findings import Finding, FindingKind
from gatepost.central.parsing import Received, parse_body, parse_facts
from gatepost.errors import ContractError
from gatepost.model import EpochRecord
from gatepost.signing import CHECKPOINT, verify
from gatepost.wire import body_hash, parse_checkpoint
from gatepost.wire.bodies import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.x509 import Certificate

    from gatepost.central.parsing import Body
    from gatepost.wire import Checkpoint

_MOST_EPOCHS = 64
_MOST_GAPS = 8
_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES = {
    Place.NEW: (FindingKind.EVENT, ""),
    Place.SAME: (FindingKind.DUPLICATE, ""),
    Place.OLD: (FindingKind.DUPLICATE, "too long ago to compare"),
    Place.OTHER: (FindingKind.CONFLICT, "another event has this place: a cloned or restored card"),
}
_NOT_LINKED = "it does not follow the event before it, or the next does not follow it"


class Follower:
    """Keeps track of every station's epochs.

    Args:
        authorities: whose stations count. Without any, checkpoints are seen but prove nothing.
    """

    def __init__(self, authorities: Sequence[Certificate]) -> None:
        self._authorities = tuple(authorities)
        self._epochs: dict[str, dict[str, Epoch]] = {}
        self._ends: dict[tuple[str, str], End] = {}

    def take(self, topic: str, payload: bytes, now_us: int) -> list[Finding]:
        """What one message, received at `now_us` (microseconds since 1970), tells."""
        got = Received(topic, payload, now_us)
        handle = self._handler(got)
        if handle is None:
            return []  # reserved for later versions, or nothing of ours
        try:
            return handle(got)
        except ContractError as error:
            return [got.find(FindingKind.INVALID, detail=str(error))]

    def _handler(self, got: Received) -> Callable[[Received], list[Finding]] | None:
        if got.rest.startswith("event/"):
            return self._event
        exact = {
            "replay": self._event,
            "checkpoint": self._checkpoint,
            "state": self._facts,
            "health": self._facts,
        }
        return exact.get(got.rest)

    def statuses(self, source: str | None = None) -> list[EpochStatus]:
        """Where each epoch stands: of one source, or of all."""
        chosen = self._epochs if source is None else {source: self._epochs.get(source, {})}
        return [
            epoch.status(self._end(epoch))
            for epochs in chosen.values()
            for epoch in epochs.values()
        ]

    def sources(self) -> list[str]:
        """Every source that was heard of."""
        return sorted(self._epochs)

    def complete(self, source: str) -> bool:
        """Whether everything up to the newest checkpoint of each epoch is here, proved."""
        found = self.statuses(source)
        return bool(found) and all(each.complete for each in found)

    def _end(self, epoch: Epoch) -> End | None:
        """Where an epoch ended, once the epoch that says so is itself proved."""
        end = self._ends.get((epoch.source, epoch.name))
        by = self._epochs.get(epoch.source, {}).get(end.by) if end else None
        return end if by is not None and by.proved else None

    def _epoch(self, source: str, name: str) -> Epoch:
        epochs = self._epochs.setdefault(source, {})
        if name not in epochs and len(epochs) >= _MOST_EPOCHS:
            raise ContractError(f"epoch: more than {_MOST_EPOCHS} of one source")
        return epochs.setdefault(name, Epoch(source, name))

    # --- events

    def _event(self, got: Received) -> list[Finding]:
        body = parse_body(got)
        epoch = self._epoch(body.source, body.epoch)
        place, broke = epoch.take(
            body.sequence, body_hash(body.canonical), body.previous, got.station
        )
        own = body.source == got.station
        if own and place is Place.NEW:
            self._remember_end(body)
        kind, why = _PLACES[place]
        if not own:
            by = quoted(got.station)
            why = f"brought by {by}: counts once its chain leads to a checkpoint; {why}"
        found = [_of(got, kind, body, why)]
        if broke:
            found.append(_of(got, FindingKind.CHAIN_BROKEN, body, _NOT_LINKED))
        return found + self._settled(got, epoch)

    def _remember_end(self, body: Body) -> None:
        """The first event of an epoch may tell where the one before it ended."""
        record = body.event.record if body.event else None
        if isinstance(record, EpochRecord) and record.former_epoch:
            self._epoch(body.source, record.former_epoch)
            end = End(record.former_sequence, record.former_hash, body.epoch)
            self._ends[body.source, record.former_epoch] = end

    def _settled(self, got: Received, epoch: Epoch) -> list[Finding]:
        if not epoch.settle():
            return []
        return [
            got.find(
                FindingKind.COMPLETE,
                source=epoch.source,
                epoch=epoch.name,
                sequence=epoch.proved,
            )
        ]

    # --- checkpoints

    def _checkpoint(self, got: Received) -> list[Finding]:
        if not self._authorities:
            return [got.find(FindingKind.CHECKPOINT, detail="not verified: no authority is given")]
        given = self._verified(got)
        epoch = self._epoch(given.source, given.epoch)
        wrong = epoch.checkpoint(given)
        kind = FindingKind.CONFLICT if wrong else FindingKind.CHECKPOINT
        found = [got.find(kind, epoch=given.epoch, sequence=given.sequence, detail=wrong)]
        return found + ([] if wrong else self._settled(got, epoch) + self._gaps(got, epoch))

    def _verified(self, got: Received) -> Checkpoint:
        """A checkpoint whose signature, certificate and place hold."""
        try:
            token = got.payload.decode("ascii")
        except ValueError as error:
            raise ContractError("not a JWS: not ASCII") from error
        at = _DAWN + timedelta(microseconds=got.now_us)
        signed = verify(token, CHECKPOINT, self._authorities, at)
        given = parse_checkpoint(signed.payload)
        if not signed.signer == given.source == got.station or given.site != got.site:
            raise ContractError(
                f"of {given.source} at {given.site}, signed by {quoted(signed.signer)}, on the "
                f"topic of {quoted(got.station)} at {quoted(got.site)}"
            )
        return given

    def _gaps(self, got: Received, epoch: Epoch) -> list[Finding]:
        """What lacks, as far as it is worth saying one by one."""
        gaps = epoch.status(None).gaps
        more = f"and {len(gaps) - _MOST_GAPS} more gaps" if len(gaps) > _MOST_GAPS else ""
        return [
            got.find(FindingKind.GAP, epoch=epoch.name, sequence=first, last=last, detail=more)
            for first, last in gaps[:_MOST_GAPS]
        ]

    # --- what stations say of themselves

    @staticmethod
    def _facts(got: Received) -> list[Finding]:
        return [got.find(FindingKind(got.rest), facts=parse_facts(got))]


def _of(got: Received, kind: FindingKind, body: Body, why: str) -> Finding:
    """A finding about an event."""
    return got.find(
        kind,
        site=body.site,
        source=body.source,
        epoch=body.epoch,
        sequence=body.sequence,
        detail=why,
        event=body.event,
        body=body.canonical,
    )
