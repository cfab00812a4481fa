"""Scan events as the station's own deciding writes them, without a camera."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from ground import SITE, STATION

from gatepost.clock import SystemClock, boot_id
from gatepost.conditions import Conditions
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding
from gatepost.demo.visitors import make_visitors
from gatepost.gate import Gate
from gatepost.model import Cue, CueKind, Direction, Scan
from gatepost.rules import EVERYTHING
from gatepost.sealing import Sealer, load_public_key
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.trust import NOTHING

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

_VISITORS = 100


class Hand:
    """The real deciding before a new spool in `folder`, stepped by hand.

    Attributes:
        lit: when the newest verdict was cued, seconds of time.perf_counter.
    """

    def __init__(self, folder: Path, files: AuthorityFiles) -> None:
        self._clock = SystemClock()
        self.path = prepare(
            folder, STATION, SITE, stamp(self._clock, boot_id()), allow_volatile=True
        )
        self.lit = 0.0
        self._deciding = Deciding(
            scans=queue.Queue(),
            cue=self._cue,
            conditions=Conditions(self._cue),
            gate=Gate(EVERYTHING, SITE),
            daybook=Daybook(folder),
            trusted=NOTHING,
            sealer=Sealer(load_public_key(files.sealing_public)),
            spool_path=self.path,
            clock=self._clock,
            boot_id=boot_id(),
        )

    def take(self, text: str, spool: Spool) -> None:
        """A visitor shows `text`."""
        taken = self._clock.boottime()
        scan = Scan(text.encode(), text, "qr", "door", Direction.AUTO, taken)
        self._deciding.take(scan, spool)

    def _cue(self, cue: Cue) -> None:
        if cue.kind is not CueKind.PENDING:
            self.lit = time.perf_counter()


def fill(folder: Path, files: AuthorityFiles, events: int) -> Path:
    """A spool of `events` events in one file, but flushed only once."""
    hand = Hand(folder, files)
    texts = [visitor.text for visitor in make_visitors(_VISITORS, 1)]
    with Spool(hand.path) as spool:
        spool._database.execute("BEGIN")
        for number in range(events - 1):  # the first event says how the epoch began
            hand.take(texts[number % len(texts)], spool)
        spool._database.execute("COMMIT")
        spool.fold()
    return hand.path
