"""Many power cuts, one after the other: what is done between them, and what is tried of each.

A card lives through some moments of power cut. Of each moment several states are made, each with
another part of what was not flushed; on each a station is started and all is checked. The card
then goes on with one of them, and the next cut may fall into that very start.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from cut_checks import Tally, check
from cut_lives import SITES, Life, Promised

from gatepost.errors import SpoolError
from gatepost.spool import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatepost.demo.tearing import Tearing

_STATES = 5  # of each moment, all different,
_TEARS = 12  # where so many tears leave as many
_MOST_MOMENTS = 12  # of each card
_MOST_TURNS = 60
_LIMITS = (Limits.NONE, Limits(keep_days=0, most_bytes=160 * 1024, spare_bytes=0))
_DURING_START = 40  # about as many changes as a start makes


@dataclass
class Runs:
    """A series of cuts that the same seed repeats."""

    tearing: Tearing
    seed: int
    tally: Tally

    def run(self, cuts: int, say: Callable[[Tally], None] = lambda _: None) -> Tally:
        """Try so many cuts (a few more, to the end of the last moment)."""
        card = 0
        while self.tally.cuts < cuts:
            card += 1
            self._card(card, cuts)
            say(self.tally)
        return self.tally

    def _card(self, card: int, cuts: int) -> None:
        rng = Random(f"{self.seed}/{card}")
        disk, promised = self.tearing.name(), Promised(limits=rng.choice(_LIMITS))
        folder = self.tearing.disk(disk)
        for moment in range(rng.randint(1, _MOST_MOMENTS)):
            wrong = self.tally.wrong
            self._live(disk, folder, promised, rng, f"{card}/{moment}")
            where = f"{self.seed}/{card}/{moment}"
            seeds = self._try_states(disk, promised, where)
            fresh = self.tearing.name()
            folder, _ = self.tearing.tear(disk, fresh, rng.choice(seeds))
            self.tearing.drop(disk)
            disk = fresh
            if self.tally.wrong > wrong or self.tally.cuts >= cuts:
                break
        self.tearing.drop(disk)

    def _live(self, disk: str, folder: Path, promised: Promised, rng: Random, where: str) -> None:
        """Live until the power goes."""
        if rng.random() < 0.35:
            self.tearing.arm(disk, rng.randint(1, _DURING_START))
        else:
            self.tearing.arm(disk, rng.randint(1, 8 * _MOST_TURNS))
        starting, before = True, promised.greens
        try:
            for _ in range(rng.choice((1, 1, 2, 3))):
                starting = True
                with Life(folder, promised, rng) as life:
                    path = life.start(rng.choice(SITES))
                    check(life.open(path), folder, promised, self.tally, where)
                    starting = False
                    life.work(path, rng.randint(1, _MOST_TURNS))
                    if rng.random() < 0.5:
                        self.tearing.cut(disk)
                        break
                    life.stop()  # in order; the power goes at the next start, or after the last
        except (SpoolError, OSError):
            if not self.tearing.is_off(disk):
                raise
        cut = self.tearing.cut(disk)
        self.tally.moments += 1
        self.tally.started += starting
        kinds = self.tally.kinds
        kinds[cut.what] = kinds.get(cut.what, 0) + 1
        self.tally.lit += promised.greens - before

    def _try_states(self, disk: str, promised: Promised, where: str) -> list[str]:
        """Try different states of one moment; returns their seeds."""
        tried: dict[str, str] = {}
        for number in range(_TEARS):
            seed, fresh = f"{where}/{number}", self.tearing.name()
            folder, digest = self.tearing.tear(disk, fresh, seed)
            if digest not in tried:
                tried[digest] = seed
                self._try(fresh, folder, promised.copy(), seed)
            self.tearing.drop(fresh)
            if len(tried) == _STATES:
                break
        self.tally.cuts += len(tried)
        self.tally.states |= tried.keys()
        return list(tried.values())

    def _try(self, disk: str, folder: Path, promised: Promised, seed: str) -> None:
        """Start a station on one state of the disk and check all."""
        with Life(folder, promised, Random(seed)) as life:
            try:
                path = life.start(SITES[0])
                check(life.open(path), folder, promised, self.tally, seed)
            except (SpoolError, AttributeError, TypeError, ValueError) as error:  # or it dies
                self.tally.stuck += 1
                self.tally.tell(seed, f"does not start: {error!r}")
            self.tearing.cut(disk)  # nothing is written any more when it closes
