"""What is known of one epoch of one source, and whether it is complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from gatepost.central.chain import Chain, Place
from gatepost.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.wire import Checkpoint

Key: TypeAlias = tuple[str, str]
Look: TypeAlias = "Callable[[str, str, str, int], str]"  # source, epoch, via, sequence
FOREIGN_RANGES = 1024  # of what others bring
_MOST_BOOTS = 256
_MOST_DISPUTED = 256  # ranges; what more would be is disputed as one


@dataclass(frozen=True, slots=True)
class End:
    """Where an epoch ended, by the first event of the epoch `by` after it."""

    sequence: int
    digest: str
    by: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to send again that is under way: `ranges` of `station`, `tries` times now."""

    id: str
    station: str
    ranges: tuple[tuple[int, int], ...]
    tries: int


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """What a server may know of an epoch; `gaps` and `complete` are up to `upto`.

    `lost`: what the station does not hold any more, of the gaps. `hearsay`: only other stations
    have spoken of this epoch, and nothing is signed.
    """

    source: str
    epoch: str
    events: int
    duplicates: int
    conflicts: int
    broken: tuple[int, ...]
    upto: int
    gaps: tuple[tuple[int, int], ...]
    complete: bool
    lost: tuple[tuple[int, int], ...] = ()
    hearsay: bool = False


@dataclass(frozen=True, slots=True)
class Adopted:
    """What `via` brought, from `first` to `last`, which counts now."""

    via: str
    first: int
    last: int


@dataclass(slots=True)
class Epoch:
    """One epoch.

    Attributes:
        newest: the newest checkpoint that verified; `token`, `received_us`: as it came, and when.
        proved: complete up to here.
        disputed: where two histories came: a receipt never covers these.
        couriers: the other stations that brought some of it.
        receipted: how many events were covered by the last receipt.
        signed: its checkpoint came since it was saved.
    """

    source: str
    name: str
    chain: Chain = field(default_factory=Chain)
    foreign: dict[str, Chain] = field(default_factory=dict)
    newest: Checkpoint | None = None
    token: bytes = b""
    received_us: int = 0
    boots: dict[str, int] = field(default_factory=dict)
    proved: int = 0
    duplicates: int = 0
    conflicts: int = 0
    end: End | None = None
    disputed: RangeSet = field(default_factory=RangeSet)
    lost: RangeSet = field(default_factory=RangeSet)
    couriers: set[str] = field(default_factory=set)
    receipted: int = 0
    asked: Asked | None = None
    signed: bool = False

    @property
    def hearsay(self) -> bool:
        """Whether only others spoke of it."""
        return not self.newest and not self.end and not len(self.chain.taken)

    def take(
        self, sequence: int, digest: str, previous: str, via: str, *, again: bool = False
    ) -> tuple[Place, bool]:
        """Take an event that the station `via` sent: its place, and whether a link broke.

        `again`: on replay. There the last of a damaged card, which nothing proves, may differ from
        what came when it was whole: that is no second history. A clone shows itself by what it
        records and signs.
        """
        own = via == self.source
        chain = self.chain
        if not own and sequence not in self.chain.taken:
            chain = self.foreign[via]
        broken = len(chain.broken)
        if self.newest and sequence == self.newest.sequence and digest != self.newest.hash:
            place = Place.OTHER
        else:
            place = chain.take(sequence, digest, previous)
        if own:  # what others bring proves nothing against the station itself
            self.conflicts += place is Place.OTHER and not again
            self.duplicates += place in {Place.SAME, Place.OLD}
            if place is Place.OTHER and not (again and sequence <= self.proved):
                self._dispute(sequence)
        else:
            self.couriers.add(via)
        return place, len(chain.broken) > broken

    def _dispute(self, sequence: int) -> None:
        if len(self.disputed) >= _MOST_DISPUTED:
            first = min(first for first, _ in self.disputed)
            last = max(last for _, last in self.disputed)
            self.disputed.add(min(first, sequence), max(last, sequence))
        self.disputed.add(sequence)

    def known(self, sequence: int) -> str:
        """The hash that counts for an event, hex; "" where it is not known."""
        if self.newest and sequence == self.newest.sequence:
            return self.newest.hash
        return self.chain.digest(sequence)

    def checkpoint(self, given: Checkpoint, *, own: bool = True, old: bool = False) -> str:
        """Take a verified checkpoint; returns why it contradicts what is known, or "".

        `own`: the station itself said it; `old`: it may have been long ago, as with what others
        bring: a broker that was killed has its retained messages of before.
        """
        known = self.chain.digest(given.sequence)
        both = f"{given.sequence}: {known or '?'} and {given.hash}"
        wrong = f"signs another event than came, {both}" if known not in {"", given.hash} else ""
        last = self.newest
        if last is not None and last.sequence == given.sequence and last.hash != given.hash:
            both = f"{given.sequence}: {last.hash} and {given.hash}"
            wrong = f"signs another event than the checkpoint before it, {both}"
        elif own and not old and last is not None and self._rewinds(given, last):
            wrong = f"goes back from {last.sequence} to {given.sequence}: {last.hash}, {given.hash}"
        if wrong:
            self.conflicts += 1
            self._doubt(given, same=known == given.hash)
            return f"{wrong}: a cloned or restored card"
        if own and not (old and last is not None and given.sequence < last.sequence):
            self._remember_boot(given)
        return ""

    def _doubt(self, given: Checkpoint, *, same: bool) -> None:
        """Two histories are signed: dispute all but what is known to be the `same` in both.

        The second one's events may come as repetitions of what is too long ago to compare: a
        receipt would have the station drop what nobody holds.
        """
        ends = [last for _, last in self.chain.taken][-1:]
        newest = max([given.sequence, *ends, self.newest.sequence if self.newest else 0])
        first = given.sequence + 1 if same else 1
        self.disputed.add(min(max(first, 1), newest), newest)

    def keep(self, given: Checkpoint, token: bytes, received_us: int) -> None:
        """Keep a checkpoint that contradicts nothing, if it is the newest."""
        if self.newest is None or given.sequence >= self.newest.sequence:
            self.newest, self.token, self.received_us = given, token, received_us
            self.signed = True

    def _remember_boot(self, given: Checkpoint) -> None:
        boot = given.stamp.boot_id
        if boot not in self.boots and len(self.boots) >= _MOST_BOOTS:
            del self.boots[next(iter(self.boots))]
        self.boots[boot] = max(given.stamp.boot_us, self.boots.get(boot, 0))
        self.signed = True

    def _rewinds(self, given: Checkpoint, last: Checkpoint) -> bool:
        """Whether it is behind `last`, and surely made after it: later in its boot, or in a new."""
        if given.sequence >= last.sequence:
            return False
        if given.stamp.boot_id == last.stamp.boot_id:
            return given.stamp.boot_us > last.stamp.boot_us
        return given.stamp.boot_id not in self.boots

    def settle(self, look: Look) -> tuple[bool, list[Adopted]]:
        """Prove what can be proved now: whether there is any, and what is adopted by it.

        `look`: the hash of what a station brought, where the chain has forgotten it.
        """
        last = self.newest
        if last is None or self.proved >= last.sequence:
            return False, []
        adopted: list[Adopted] = []
        if not self.chain.holds(last.sequence, last.hash):
            adopted = self._adopt(last, look)
        if not self.chain.holds(last.sequence, last.hash):
            return False, adopted
        self.proved = last.sequence
        return True, adopted

    def _adopt(self, last: Checkpoint, look: Look) -> list[Adopted]:
        """Take over what others brought, as far as its hashes lead to what is signed."""
        found: list[Adopted] = []
        for via, chain in self.foreign.items():
            if chain.broken:
                continue
            for first, end in reversed(list(chain.taken)):
                upto = end
                if first <= last.sequence <= end and chain.digest(last.sequence) == last.hash:
                    upto = last.sequence
                elif not self.chain.follows(end + 1, chain.digest(end)):
                    continue
                if self._agrees(via, (first, upto), look):
                    new = self.chain.adopt(chain, first, upto)
                    found += [Adopted(via, *each) for each in new]
        return found

    def _agrees(self, via: str, brought: tuple[int, int], look: Look) -> bool:
        """Whether what came of the station itself, among what `via` brought, is the same.

        The last of each stretch tells: each event names the hash of the one before it.
        """
        for _, end in within(self.chain.taken, (brought,)):
            theirs = self.foreign[via].digest(end) or look(self.source, self.name, via, end)
            if self.known(end) not in {"", theirs}:
                return False
        return True

    def spent(self) -> list[str]:
        """Who brought nothing that does not count by now: it need not be remembered."""
        return [
            via
            for via, chain in self.foreign.items()
            if all(not self.chain.taken.gaps(*each) for each in chain.taken)
        ]

    def status(self, end: End | None) -> EpochStatus:
        """Where it stands; `end`: where it ended, if that is proved."""
        upto, complete = self._target(end)
        gaps = tuple(self.chain.taken.gaps(1, upto)) if upto else ()
        return EpochStatus(
            source=self.source,
            epoch=self.name,
            events=self.chain.taken.count(),
            duplicates=self.duplicates,
            conflicts=self.conflicts,
            broken=tuple(sorted(self.chain.broken)),
            upto=upto,
            gaps=gaps,
            complete=complete and not self.conflicts and not self.chain.broken,
            lost=tuple(within(self.lost, gaps)) if len(self.lost) else (),
            hearsay=self.hearsay,
        )

    def _target(self, end: End | None) -> tuple[int, bool]:
        signed = self.newest.sequence if self.newest else 0
        if end is not None and end.sequence > signed:
            return end.sequence, self.chain.holds(end.sequence, end.digest)
        return signed, bool(signed) and self.proved == signed


def within(held: RangeSet, ranges: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """What of `ranges` is in `held`."""
    found = []
    for first, last in ranges:
        found += RangeSet(held.gaps(first, last)).gaps(first, last)
    return found
