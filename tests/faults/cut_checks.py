"""What must be true of a card after a power cut and a start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.ranges import RangeSet
from gatepost.spool import Limits
from gatepost.wire import decode_body

if TYPE_CHECKING:
    from pathlib import Path

    from cut_lives import Promised

    from gatepost.spool import Spool

_TOLD = 10


@dataclass
class Tally:
    """What was tried and what went wrong.

    Attributes:
        cuts: states of the disk after a cut that a station was started on and checked.
        moments: moments at which the power went; of each, several states are tried.
        states: those states, as hashes; the same one may come up twice.
        started: moments that fell into a start (the first one, or the recovery from a cut).
        lit: how many lights were green.
        greens: how often their events were looked for: each one after every cut that followed.
        gone: of these, delivered and let go, as they may be.
        lost, altered: of these, not there, or other bytes.
        twice: events that are there twice, or that nobody ever gave.
        broken: files or chains that do not verify. aside: spools that were set aside.
        stuck: starts that failed. overclaimed: called delivered, and were not.
        kinds: what the power was cut in, in words, and how often.
        told: the first failures in words, with the seed to repeat them.
    """

    cuts: int = 0
    moments: int = 0
    started: int = 0
    lit: int = 0
    greens: int = 0
    gone: int = 0
    lost: int = 0
    altered: int = 0
    twice: int = 0
    broken: int = 0
    aside: int = 0
    stuck: int = 0
    overclaimed: int = 0
    states: set[str] = field(default_factory=set)
    kinds: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How many promises were broken."""
        kept = self.lost + self.altered + self.twice + self.broken
        return kept + self.aside + self.stuck + self.overclaimed

    def tell(self, where: str, what: str) -> None:
        if len(self.told) < _TOLD:
            self.told.append(f"{where}: {what}")


def check(spool: Spool, folder: Path, promised: Promised, tally: Tally, where: str) -> None:
    """Compare a card with what was promised; what is on it is promised from now on."""
    before = tally.wrong
    _check_files(spool, folder, tally)
    held = {kept.sequence: kept.body for kept in spool.range(1, spool.head().sequence)}
    if promised.epoch and spool.epoch != promised.epoch:
        held = {}
    _check_events(held, promised, tally)
    _check_delivered(spool, held, promised, tally)
    if tally.wrong > before:
        tally.tell(where, f"{promised.greens} greens, {len(held)} events held")
    promised.epoch, promised.kept, promised.maybe = spool.epoch, held, 0


def _check_files(spool: Spool, folder: Path, tally: Tally) -> None:
    try:
        spool.verify()
    except SpoolDamaged:
        tally.broken += 1
    tally.aside += any(folder.glob("*.damaged-*"))


def _check_events(held: dict[int, bytes], promised: Promised, tally: Tally) -> None:
    may_go = promised.handed if promised.limits != Limits.NONE else set()
    tally.greens += len(promised.kept)
    tally.gone += len((promised.kept.keys() - held.keys()) & may_go)
    for sequence, body in promised.kept.items():
        found = held.get(sequence)
        tally.lost += found is None and sequence not in may_go
        tally.altered += found is not None and found != body
    stamps = [decode_body(body).stamp for body in held.values()]
    moments = {(stamp.boot_id, stamp.boot_us) for stamp in stamps}
    uncalled = len(held.keys() - promised.kept.keys()) - promised.maybe
    tally.twice += len(stamps) - len(moments) + max(0, uncalled)


def _check_delivered(
    spool: Spool, held: dict[int, bytes], promised: Promised, tally: Tally
) -> None:
    waiting = {kept.sequence for kept in spool.pending("oldest", len(held) + 1)}
    tally.overclaimed += len(held.keys() - waiting - promised.sent)
    due = RangeSet(spool.undelivered())
    tally.overclaimed += sum(n not in due for n in held.keys() - promised.handed)
