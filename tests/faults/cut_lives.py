"""A station's life between two power cuts: the real start, deciding and delivery, by hand.

Real: `prepare`, `Spool`, `Deciding` (its own loop, each turn by hand, with its checkpoints and
retention), the day's memory, sealing. The delivery is what Uplink does with the spool, from a
connection of its own, without a broker. The clock and the waiting for
a visitor are not real: time passes only between two turns.
"""

from __future__ import annotations

import queue
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from joserfc.jwk import OKPKey

from fakes import FakeClock
from gatepost.conditions import Conditions
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding
from gatepost.errors import SpoolError
from gatepost.gate import Gate
from gatepost.model import Cue, CueKind, Direction, Scan
from gatepost.rules import EVERYTHING
from gatepost.sealing import Sealer
from gatepost.spool import Limits, Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.trust import NOTHING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from random import Random

STATION = "gp-1"
SITES = ("site-1", "site-2")
_KEY = OKPKey.generate_key("X25519", {"kid": "central-1"})
_SEALER = Sealer(OKPKey.import_key(_KEY.as_dict(private=False)))
_NOT_VERDICTS = {CueKind.PENDING, CueKind.TROUBLE}


@dataclass
class Promised:
    """What the world outside knows of one station: what must be true after every cut.

    Attributes:
        epoch: "" before a first start came to its end.
        kept: the bodies of events that must be on the card, by their sequences.
        sent: what the broker has; only these need not be sent again.
        handed: what was delivered; only these may be called delivered, and be let go.
        limits: of the spool.
        maybe: how many events may have reached the card besides: the light was not yet lit.
        greens: how many lights were lit.
        visitors: how many came; each has a code of its own.
    """

    epoch: str = ""
    kept: dict[int, bytes] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)
    handed: set[int] = field(default_factory=set)
    maybe: int = 1
    greens: int = 0
    visitors: int = 0
    limits: Limits = Limits.NONE

    def copy(self) -> Promised:
        return replace(self, kept=dict(self.kept), sent=set(self.sent), handed=set(self.handed))


class _Door(queue.Queue[Scan]):
    """The queue of scans; nobody is waited for."""

    def get(self, block: bool = True, timeout: float | None = None) -> Scan:  # noqa: ARG002
        return super().get(block=False)


class Life:
    """One start of the station and what follows; a context. Raises what the disk does to it."""

    def __init__(self, folder: Path, promised: Promised, rng: Random) -> None:
        self.folder = folder
        self.promised = promised
        self._rng = rng
        self._clock = FakeClock(now=float(rng.randint(5, 10_000)))
        self._boot = f"{rng.getrandbits(128):032x}"
        self._scans = _Door()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The power is off: what still wants to write fails, and that is all right."""
        with suppress(SpoolError):
            self._stack.close()

    def stop(self) -> None:
        """End in order, as at a restart."""
        self._stack.close()

    def start(self, site: str) -> Path:
        """What the daemon does before its workers run."""
        return prepare(self.folder, STATION, site, stamp(self._clock, self._boot))

    def open(self, path: Path) -> Spool:
        """The delivery's spool, as of its thread's own."""
        self.spool = self._stack.enter_context(Spool(path))
        if not self.promised.epoch:  # the start came to its end: so it will be found again
            self.promised.epoch, self.promised.maybe = self.spool.epoch, 0
            self.promised.kept = {kept.sequence: kept.body for kept in self.spool.range(1, 1)}
        return self.spool

    def work(self, path: Path, turns: int) -> None:
        """Visitors, deliveries, idle moments, in any order."""
        worker = self._deciding(path)
        try:
            next(worker)
            for _ in range(turns):
                self._turn(worker)
        finally:
            worker.close()

    def _turn(self, worker: Generator[None, None, None]) -> None:
        what = self._rng.random()
        if what < 0.6:
            self._visit(worker)
        elif what < 0.75:  # nobody comes: tidying, letting go, flushing the memory
            self._clock.pass_(3.0)
            next(worker)
        else:
            self._deliver()

    def _visit(self, worker: Generator[None, None, None]) -> None:
        self._clock.pass_(self._rng.uniform(0.05, 30.0))
        self.promised.visitors += 1
        text = f"***456|NGUYEN VAN {self.promised.visitors}|1989-**-**|0|QID{self._boot}|"
        raw = (text * self._rng.choice((1, 1, 1, 8))).encode()
        taken = self._clock.now - 0.01
        self._scans.put(Scan(raw, raw.decode(), "qr", "door", Direction.AUTO, taken))
        self.promised.maybe += 1
        next(worker)

    def _cue(self, cue: Cue) -> None:
        """The light. What is on the card at this moment is what was promised."""
        if cue.kind in _NOT_VERDICTS:
            return
        newest = self.spool.head().sequence
        (event,) = self.spool.range(newest, newest)
        self.promised.kept[newest] = event.body
        self.promised.greens += 1
        self.promised.maybe -= 1

    def _deliver(self) -> None:
        order: Literal["newest", "oldest"] = self._rng.choice(("newest", "oldest"))
        for kept in self.spool.pending(order, self._rng.randint(1, 20)):
            if self._rng.random() < 0.8:
                self.promised.sent.add(kept.sequence)
                self.spool.sent([(kept.sequence, kept.sequence)])
        for sequence in self.promised.sent - self.promised.handed:
            if self._rng.random() < 0.5:
                self.promised.handed.add(sequence)
                self.spool.delivered([(sequence, sequence)])
        if self._rng.random() < 0.7:
            self.spool.persist()

    def _deciding(self, path: Path) -> Generator[None, None, None]:
        daybook = Daybook(self.folder)
        deciding = Deciding(
            scans=self._scans,
            cue=self._cue,
            conditions=Conditions(self._cue),
            gate=Gate(EVERYTHING, SITES[0], daybook.read()),
            daybook=daybook,
            trusted=NOTHING,
            sealer=_SEALER,
            spool_path=path,
            clock=self._clock,
            boot_id=self._boot,
            limits=self.promised.limits,
        )
        return deciding.run()
