"""Everything that a follower knows, within bounds; State saves what of it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.central.chain import KEEP, MOST_RANGES, Chain
from gatepost.central.epochs import FOREIGN_RANGES, Epoch
from gatepost.central.times import Timeline
from gatepost.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.central.epochs import End, EpochStatus, Key, Look


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is remembered; what would be more is refused, and may come again.

    Attributes:
        sources: stations that speak for themselves; `epochs`: of each.
        brought_epochs, brought_events: that one station brought of others and nobody proved yet.
    """

    sources: int = 20_000
    epochs: int = 1024
    brought_epochs: int = 64
    brought_events: int = 1_000_000


_ROOMY = 16  # epochs of a source that are remembered in full
_LATER_KEEP, _LATER_RANGES = 64, 512  # of each epoch after these


class Known:
    """The epochs and the time of every source; `dirty` has the epochs that changed.

    `recording`: note which links came and went, so that they can be saved. `look`: finds the hash
    of what was brought and is held elsewhere; "" where it is not.
    """

    def __init__(self, bounds: Bounds | None = None, *, recording: bool = False) -> None:
        self.bounds = bounds or Bounds()
        self.recording = recording
        self.look: Look = lambda *_: ""
        self.epochs: dict[str, dict[str, Epoch]] = {}
        self.timelines: dict[str, Timeline] = {}
        self.dirty: dict[Key, Epoch] = {}
        self._brought: dict[str, dict[Key, int]] = {}

    def __iter__(self) -> Iterator[Epoch]:
        return (epoch for epochs in self.epochs.values() for epoch in epochs.values())

    def find(self, source: str, name: str) -> Epoch | None:
        """An epoch, if it was heard of."""
        return self.epochs.get(source, {}).get(name)

    def touch(self, epoch: Epoch) -> None:
        """It changes: it is to be saved."""
        self.dirty[epoch.source, epoch.name] = epoch

    def own(self, source: str, name: str) -> Epoch:
        """The epoch of which its own station speaks. Raises ContractError beyond the bounds."""
        epoch = self.find(source, name)
        if epoch is None or epoch.hearsay:
            epochs = self.epochs.get(source, {})
            real = sum(not each.hearsay for each in epochs.values())
            if real >= self.bounds.epochs:
                raise ContractError(f"epoch: more than {self.bounds.epochs} of one source")
            if not epochs and len(self.epochs) >= self.bounds.sources:
                raise ContractError(f"source: more than {self.bounds.sources}")
        return self._there(source, name)

    def brought(self, place: tuple[str, str, int], via: str) -> Epoch:
        """The epoch of which another station brings an event (source, epoch, sequence).

        Raises ContractError beyond the bounds.
        """
        source, name, sequence = place
        known = self.find(source, name)
        if known is not None and sequence in known.chain.taken:
            self.touch(known)
            return known
        if via not in self._brought and len(self._brought) >= self.bounds.sources:
            raise ContractError(f"brought: by more than {self.bounds.sources} stations")
        mine = self._brought.setdefault(via, {})
        key = (source, name)
        if key not in mine and len(mine) >= self.bounds.brought_epochs:
            most = self.bounds.brought_epochs
            raise ContractError(f"brought: more than {most} epochs of others that nothing proves")
        if sum(mine.values()) >= self.bounds.brought_events:
            most = self.bounds.brought_events
            raise ContractError(f"brought: more than {most} events of others that nothing proves")
        epoch = self._there(source, name)
        if via not in epoch.foreign:
            epoch.foreign[via] = self.chain(most=FOREIGN_RANGES)
            mine[key] = 0
        return epoch

    def count_brought(self, epoch: Epoch, via: str) -> None:
        """One more event that nothing proves yet."""
        self._brought[via][epoch.source, epoch.name] += 1

    def let_go(self, epoch: Epoch) -> None:
        """Forget what others brought where all of it counts by now, or was there."""
        for via in epoch.spent():
            del epoch.foreign[via]
            self._brought.get(via, {}).pop((epoch.source, epoch.name), None)

    def restored(self, epoch: Epoch) -> None:
        """Count what of an epoch that was saved others brought."""
        for via, chain in epoch.foreign.items():
            counts = self._brought.setdefault(via, {})
            counts[epoch.source, epoch.name] = chain.taken.count()

    def chain(self, most: int = MOST_RANGES, keep: int = KEEP) -> Chain:
        """A new chain that is saved where the others are."""
        chain = Chain(keep, most)
        if self.recording:
            chain.unsaved = set()
        return chain

    def _there(self, source: str, name: str) -> Epoch:
        epochs = self.epochs.setdefault(source, {})
        if name not in epochs:
            self.begin(source, name)
        self.touch(epochs[name])
        return epochs[name]

    def begin(self, source: str, name: str) -> Epoch:
        """An epoch of which nothing is known yet: a broken card may begin one at each start."""
        epochs = self.epochs.setdefault(source, {})
        chain = self.chain()
        if len(epochs) >= _ROOMY:
            chain = self.chain(_LATER_RANGES, _LATER_KEEP)
        epochs[name] = Epoch(source, name, chain=chain)
        return epochs[name]

    def timeline(self, source: str) -> Timeline:
        """The time of a source."""
        return self.timelines.setdefault(source, Timeline())

    # --- where it stands

    def end(self, epoch: Epoch) -> End | None:
        """Where an epoch ended, once the epoch that says so is itself proved."""
        by = self.find(epoch.source, epoch.end.by) if epoch.end else None
        return epoch.end if by is not None and by.proved else None

    def status(self, epoch: Epoch) -> EpochStatus:
        """Where an epoch stands."""
        return epoch.status(self.end(epoch))
