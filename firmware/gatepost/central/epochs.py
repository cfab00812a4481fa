"""What is known of one epoch of one source, and whether it is complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from gatepost.central.chain import Chain, Place

if TYPE_CHECKING:
    from gatepost.wire import Checkpoint

Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class End:
    """Where an epoch ended, by the first event of the epoch `by` after it."""

    sequence: int
    digest: str
    by: str


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """What a server may know of an epoch; `gaps` and `complete` are up to `upto`."""

    source: str
    epoch: str
    events: int
    duplicates: int
    conflicts: int
    broken: tuple[int, ...]
    upto: int
    gaps: tuple[tuple[int, int], ...]
    complete: bool


@dataclass(slots=True)
class Epoch:
    """One epoch. `newest`: the newest checkpoint that verified; `proved`: complete up to here."""

    source: str
    name: str
    chain: Chain = field(default_factory=Chain)
    foreign: dict[str, Chain] = field(default_factory=dict)
    newest: Checkpoint | None = None
    boots: dict[str, int] = field(default_factory=dict)
    proved: int = 0
    duplicates: int = 0
    conflicts: int = 0

    def take(self, sequence: int, digest: str, previous: str, via: str) -> tuple[Place, bool]:
        """Take an event that the station `via` sent: its place, and whether a link broke."""
        own = via == self.source
        chain = self.chain if own else self.foreign.setdefault(via, Chain())
        broken = len(chain.broken)
        if self.newest and sequence == self.newest.sequence and digest != self.newest.hash:
            place = Place.OTHER
        else:
            place = chain.take(sequence, digest, previous)
        if own:  # what others bring proves nothing against the station itself
            self.conflicts += place is Place.OTHER
            self.duplicates += place in {Place.SAME, Place.OLD}
        return place, len(chain.broken) > broken

    def checkpoint(self, given: Checkpoint) -> str:
        """Take a verified checkpoint; returns why it contradicts what is known, or ""."""
        known = self.chain.digest(given.sequence)
        wrong = "signs another event than came" if known not in {"", given.hash} else ""
        last = self.newest
        if last is not None and last.sequence == given.sequence and last.hash != given.hash:
            wrong = "signs another event than the checkpoint before it"
        elif last is not None and given.sequence < last.sequence and self._later(given, last):
            wrong = f"goes back from {last.sequence}"
        if wrong:
            self.conflicts += 1
            return f"{wrong}: a cloned or restored card"
        boot = given.stamp.boot_id
        self.boots[boot] = max(given.stamp.boot_us, self.boots.get(boot, 0))
        if last is None or given.sequence >= last.sequence:
            self.newest = given
        return ""

    def _later(self, given: Checkpoint, last: Checkpoint) -> bool:
        """Whether it was surely made after `last`: later in its boot, or in a boot not seen."""
        if given.stamp.boot_id == last.stamp.boot_id:
            return given.stamp.boot_us > last.stamp.boot_us
        return given.stamp.boot_id not in self.boots

    def settle(self) -> bool:
        """Prove what can be proved now; whether that is news."""
        last = self.newest
        if last is None or self.proved >= last.sequence:
            return False
        if not self.chain.holds(last.sequence, last.hash):
            self._adopt(last)
        if not self.chain.holds(last.sequence, last.hash):
            return False
        self.proved = last.sequence
        return True

    def _adopt(self, last: Checkpoint) -> None:
        """Take over what others brought, as far as its hashes lead to what is signed."""
        for chain in self.foreign.values():
            if chain.broken:
                continue
            for first, end in reversed(list(chain.taken)):
                if first <= last.sequence <= end and chain.digest(last.sequence) == last.hash:
                    self.chain.adopt(chain, first, last.sequence)
                elif self.chain.follows(end + 1, chain.digest(end)):
                    self.chain.adopt(chain, first, end)

    def status(self, end: End | None) -> EpochStatus:
        """Where it stands; `end`: where it ended, if that is proved."""
        upto, complete = self._target(end)
        return EpochStatus(
            source=self.source,
            epoch=self.name,
            events=self.chain.taken.count(),
            duplicates=self.duplicates,
            conflicts=self.conflicts,
            broken=tuple(sorted(self.chain.broken)),
            upto=upto,
            gaps=tuple(self.chain.taken.gaps(1, upto)) if upto else (),
            complete=complete and not self.conflicts and not self.chain.broken,
        )

    def _target(self, end: End | None) -> tuple[int, bool]:
        signed = self.newest.sequence if self.newest else 0
        if end is not None and end.sequence > signed:
            return end.sequence, self.chain.holds(end.sequence, end.digest)
        return signed, bool(signed) and self.proved == signed
