"""Follows what stations send: events, chains, checkpoints, gaps, cloned cards. No I/O.

    follower = Follower(authorities)
    for finding in follower.take(topic, payload, now_us): ...

Nothing that is sent can make it raise: what breaks the contract is a finding too. Memory is
bounded for each epoch and each sender; `State` keeps what must outlive the process.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gatepost.central.chain import Place
from gatepost.central.epochs import End
from gatepost.central.findings import Finding, FindingKind
from gatepost.central.known import Known
from gatepost.central.parsing import Received, parse_body, parse_facts
from gatepost.central.times import true_time
from gatepost.errors import ContractError
from gatepost.model import EpochRecord
from gatepost.signing import CHECKPOINT, verify
from gatepost.wire import body_hash, parse_checkpoint
from gatepost.wire.bodies import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.x509 import Certificate

    from gatepost.central.epochs import Epoch, EpochStatus
    from gatepost.central.parsing import Body
    from gatepost.central.times import Correction
    from gatepost.model import Event
    from gatepost.wire import Checkpoint

_MOST_GAPS = 8
_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES = {
    Place.NEW: (FindingKind.EVENT, ""),
    Place.SAME: (FindingKind.DUPLICATE, ""),
    Place.OLD: (FindingKind.DUPLICATE, "too long ago to compare"),
    Place.OTHER: (FindingKind.CONFLICT, "another event has this place"),
    Place.SCATTERED: (FindingKind.INVALID, "too many gaps before it: not taken for now"),
}
_NOT_LINKED = "it does not follow the event before it, or the next does not follow it"


class Follower:
    """Keeps track of every station's epochs.

    Args:
        authorities: whose stations count. Without any, checkpoints are seen but prove nothing.
        known: what was known before; all of it is kept in there.
    """

    def __init__(self, authorities: Sequence[Certificate], known: Known | None = None) -> None:
        self._authorities = tuple(authorities)
        self.known = known if known is not None else Known()

    def take(
        self, topic: str, payload: bytes, now_us: int, *, retained: bool = False
    ) -> list[Finding]:
        """What one message, received at `now_us` (microseconds since 1970), tells.

        `retained`: the broker had it before: it may be old.
        """
        got = Received(topic, payload, now_us, retained=retained)
        handle = self._handler(got)
        if handle is None:
            return []  # from the centre, reserved for later versions, or nothing of ours
        try:
            return handle(got)
        except ContractError as error:
            return [got.find(FindingKind.INVALID, detail=str(error))]

    def _handler(self, got: Received) -> Callable[[Received], list[Finding]] | None:
        kind, _, more = got.rest.partition("/")
        if kind == "event" and more:
            return self._event
        if kind == "response" and more:
            return self._facts
        if got.rest == "replay":  # an event is JSON; a checkpoint, as a JWS, never begins so
            return self._event if got.payload.startswith(b"{") else self._checkpoint
        exact = {"checkpoint": self._checkpoint, "state": self._facts, "health": self._facts}
        return exact.get(got.rest)

    def statuses(self, source: str | None = None) -> list[EpochStatus]:
        """Where each epoch stands: of one source, or of all."""
        chosen = self.known if source is None else self.known.epochs.get(source, {}).values()
        return [self.known.status(epoch) for epoch in chosen]

    def sources(self) -> list[str]:
        """Every source that was heard of."""
        return sorted(self.known.epochs)

    def complete(self, source: str) -> bool:
        """Whether everything up to the newest checkpoint of each epoch is here, proved.

        What only others say of a source, and nothing proves, does not count for or against it.
        """
        found = [each for each in self.statuses(source) if not each.hearsay]
        return bool(found) and all(each.complete for each in found)

    # --- events

    def _event(self, got: Received) -> list[Finding]:
        body = parse_body(got)
        own = body.source == got.station
        known = self.known
        if own:
            epoch = known.own(body.source, body.epoch)
        else:
            epoch = known.brought((body.source, body.epoch, body.sequence), got.station)
        digest = body_hash(body.canonical)
        place, broke = epoch.take(
            body.sequence, digest, body.previous, got.station, again=got.rest == "replay"
        )
        found = [self._placed(got, body, place, epoch.known(body.sequence), digest)]
        if broke:
            found.append(_of(got, FindingKind.CHAIN_BROKEN, body, _NOT_LINKED))
        if place is Place.NEW:
            found += self.counted(found[0]) if own else []
            if not own:
                known.count_brought(epoch, got.station)
        return found + self._settled(got, epoch)

    def _placed(self, got: Received, body: Body, place: Place, known: str, digest: str) -> Finding:
        kind, why = _PLACES[place]
        if place is Place.OTHER:
            why += f", {known or '?'} and {digest}: "
            again = got.rest == "replay" and body.source == got.station
            why += "out of a damaged spool" if again else "a cloned or restored card"
            kind = FindingKind.INVALID if again else kind
        if body.source == got.station:
            return self.timed(_of(got, kind, body, why))
        if place is Place.NEW:
            kind, why = FindingKind.BROUGHT, "it counts once its chain leads to a checkpoint"
        more = f"; {why}" if why else ""
        told = f"brought by {quoted(got.station)}{more}"
        return replace(_of(got, kind, body, told), via=got.station)

    def timed(self, finding: Finding) -> Finding:
        """The same with its event's true time, as far as it is known."""
        if finding.event is None:
            return finding
        at = true_time(finding.event, self.known.timeline(finding.source).boots)
        return replace(finding, wall_us=at.wall_us, bound_us=at.bound_us)

    def counted(self, finding: Finding) -> list[Finding]:
        """What follows of an event that counts: where an epoch ended, and corrections of time."""
        event = finding.event
        if event is None:
            return []
        found = []
        if wrong := self._remember_end(event):
            found.append(replace(finding, kind=FindingKind.INVALID, detail=wrong))
        correction = self.known.timeline(event.source).note(event)
        return [*found, _corrected(finding, correction)] if correction else found

    def _remember_end(self, event: Event) -> str:
        """The first event of an epoch may tell where the one before it ended.

        Returns why that cannot be remembered, or "": the event itself counts all the same.
        """
        record = event.record
        if not isinstance(record, EpochRecord) or not record.former_epoch or event.sequence != 1:
            return ""
        try:
            former = self.known.own(event.source, record.former_epoch)
        except ContractError as error:
            return f"the former epoch is not followed: {error}"
        former.end = End(record.former_sequence, record.former_hash, event.epoch)
        return ""

    def _settled(self, got: Received, epoch: Epoch) -> list[Finding]:
        news, adopted = epoch.settle(self.known.look)
        place = {"source": epoch.source, "epoch": epoch.name}
        found = [
            got.find(
                FindingKind.ADOPTED, **place, sequence=each.first, last=each.last, via=each.via
            )
            for each in adopted
        ]
        if epoch.foreign and (news or adopted):
            self.known.let_go(epoch)
        if news:
            found.append(got.find(FindingKind.COMPLETE, **place, sequence=epoch.proved))
        return found

    # --- checkpoints

    def _checkpoint(self, got: Received) -> list[Finding]:
        if not self._authorities:
            return [got.find(FindingKind.CHECKPOINT, detail="not verified: no authority is given")]
        given = self._verified(got)
        own = got.rest == "checkpoint"
        epoch = self.known.own(given.source, given.epoch)
        wrong = epoch.checkpoint(given, own=own, old=got.retained)
        kind = FindingKind.CONFLICT if wrong else FindingKind.CHECKPOINT
        via = "" if own or given.source == got.station else got.station
        place = {"source": given.source, "epoch": given.epoch, "sequence": given.sequence}
        found = [got.find(kind, **place, detail=wrong, via=via)]
        if wrong:
            return found
        epoch.keep(given, got.payload, got.now_us)
        if via:
            epoch.couriers.add(via)
        return found + self._settled(got, epoch) + self._gaps(got, epoch)

    def _verified(self, got: Received) -> Checkpoint:
        """A checkpoint whose signature, certificate and place hold.

        On replay it may be of another: what counts there is that its own source signed it. What
        is retained comes at each connect: a certificate that ended since does not undo it.
        """
        try:
            token = got.payload.decode("ascii")
        except ValueError as error:
            raise ContractError("not a JWS: not ASCII") from error
        epochs = self.known.epochs.get(got.station, {}).values()
        held = any(epoch.token == got.payload for epoch in epochs)
        at = None if held else _DAWN + timedelta(microseconds=got.now_us)
        signed = verify(token, CHECKPOINT, self._authorities, at)
        given = parse_checkpoint(signed.payload)
        placed = (given.source, given.site) == (got.station, got.site)
        if signed.signer != given.source or not (placed or got.rest == "replay"):
            raise ContractError(
                f"of {given.source} at {given.site}, signed by {quoted(signed.signer)}, on the "
                f"topic of {quoted(got.station)} at {quoted(got.site)}"
            )
        return given

    def _gaps(self, got: Received, epoch: Epoch) -> list[Finding]:
        """What lacks, as far as it is worth saying one by one."""
        gaps = epoch.status(None).gaps
        more = f"and {len(gaps) - _MOST_GAPS} more gaps" if len(gaps) > _MOST_GAPS else ""
        place = {"source": epoch.source, "epoch": epoch.name, "detail": more}
        return [
            got.find(FindingKind.GAP, **place, sequence=first, last=last)
            for first, last in gaps[:_MOST_GAPS]
        ]

    # --- what stations say of themselves

    @staticmethod
    def _facts(got: Received) -> list[Finding]:
        kind = FindingKind(got.rest.partition("/")[0])
        return [got.find(kind, facts=parse_facts(got, kind.value))]


def _corrected(finding: Finding, told: Correction) -> Finding:
    facts: tuple[tuple[str, str | int], ...] = (
        ("boot_id", told.boot_id),
        ("offset_us", told.offset.offset_us),
        ("offset_bound_us", told.offset.bound_us),
        ("after_us", told.after_us),
        ("upto_us", told.upto_us),
    )
    return replace(finding, kind=FindingKind.TIME, event=None, body=b"", detail="", facts=facts)


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
