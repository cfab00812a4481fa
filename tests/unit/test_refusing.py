import queue

import pytest

from fakes import FakeClock
from gatepost.conditions import Conditions
from gatepost.errors import (
    SpoolError,
    SpoolForeign,
    SpoolFull,
    SpoolVersion,
    SpoolVolatile,
)
from gatepost.model import Cue, CueKind, Direction, Scan
from gatepost.refusing import SpoolBack, refusing

SCAN = Scan(b"x", "x", "qr", "door", Direction.AUTO, 999.0)


class Gate:
    """The worker, without a spool."""

    def __init__(self, why: SpoolError) -> None:
        self.clock = FakeClock()
        self.cues: list[Cue] = []
        self.scans: queue.Queue[Scan] = queue.Queue()
        self.conditions = Conditions(self.cues.append)
        self.tries = 0
        self.works = False
        self.worker = refusing(
            self.scans, self.cues.append, self.conditions, self.again, self.clock, why
        )
        next(self.worker)

    def again(self) -> None:
        self.tries += 1
        if not self.works:
            raise SpoolError("still read-only")


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (SpoolFull("no room"), "station full"),
        (SpoolVolatile("tmpfs"), "in RAM only"),
        (SpoolVersion("99"), "of a newer version"),
        (SpoolForeign("gp-2"), "of another station"),
        (SpoolError("read-only"), "card fails"),
    ],
)
def test_who_shows_a_code_is_refused_in_red_and_the_screen_says_why(
    why: SpoolError, text: str
) -> None:
    gate = Gate(why)
    gate.scans.put(SCAN)
    next(gate.worker)
    assert gate.conditions.all() == {"spool": text}
    assert gate.cues[-1] == Cue(CueKind.TROUBLE, detail=text, reader="door", taken=999.0)


def test_it_tries_again_and_ends_when_there_is_a_spool() -> None:
    gate = Gate(SpoolError("read-only"))
    for _ in range(3):
        next(gate.worker)
    assert gate.tries == 0
    gate.clock.pass_(11)
    next(gate.worker)
    assert gate.tries == 1
    gate.works = True
    gate.clock.pass_(11)
    with pytest.raises(SpoolBack, match="starts anew"):
        next(gate.worker)
