from dataclasses import replace

import pytest

from gatepost.codes import recognise
from gatepost.gate import Gate, Rules
from gatepost.model import CueKind, Decision, Direction, Reason, Scan, Verdict

A = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|"
B = "******509124|TRAN THI B|1990-**-**|0|QID7f31a3|"
WEAK = "******509125|LE VAN C|1990-**-**|0||"


def scan(
    text: str, taken: float, direction: Direction = Direction.AUTO, reader: str = "door"
) -> Scan:
    return Scan(text.encode(), text, "qr", reader, direction, taken)


class Visits:
    """Shows codes to a gate whose events are all kept."""

    def __init__(self, accept: frozenset[str] = frozenset({"pc-covid", "cccd", "dcc"})) -> None:
        self.gate = Gate(Rules(accept, repeat_s=10))

    def show(self, shown: Scan, day: int = 1, *, kept: bool = True) -> Decision:
        code = recognise(shown.text)
        decision = self.gate.decide(shown, code, day)
        if kept:
            self.gate.remember(shown, code, decision)
        return decision


def test_auto_lets_in_then_out_then_in() -> None:
    visits = Visits()
    ways = [visits.show(scan(A, at)).direction for at in (0, 100, 200)]
    assert ways == [Direction.IN, Direction.OUT, Direction.IN]


def test_two_people_do_not_share_a_memory() -> None:
    visits = Visits()
    assert visits.show(scan(A, 0)).direction is Direction.IN
    assert visits.show(scan(B, 1)).direction is Direction.IN


def test_soon_again_is_seen_already_and_changes_nothing() -> None:
    visits = Visits()
    visits.show(scan(A, 0))
    again = visits.show(scan(A, 9.9))
    assert (again.verdict, again.reason) == (Verdict.REPEATED, Reason.SEEN_ALREADY)
    assert (again.direction, again.cue.kind) == (Direction.IN, CueKind.REPEATED)
    assert visits.show(scan(A, 10.0)).direction is Direction.OUT


def test_in_by_one_reader_and_out_by_another_is_no_repeat() -> None:
    visits = Visits()
    visits.show(scan(A, 0, Direction.IN, "in"))
    out = visits.show(scan(A, 3, Direction.OUT, "out"))
    assert (out.verdict, out.direction) == (Verdict.ACCEPTED, Direction.OUT)


def test_a_new_day_forgets() -> None:
    visits = Visits()
    visits.show(scan(A, 0))
    assert visits.show(scan(A, 5), day=2).direction is Direction.IN


def test_what_was_not_kept_is_not_remembered() -> None:
    visits = Visits()
    visits.show(scan(A, 0), kept=False)
    assert visits.show(scan(A, 1)).verdict is Verdict.ACCEPTED


def test_a_weak_identity_never_decides() -> None:
    visits = Visits()
    for at in (0, 1):
        decision = visits.show(scan(WEAK, at))
        assert (decision.verdict, decision.direction) == (Verdict.ACCEPTED, Direction.NONE)
    assert visits.show(scan(WEAK, 2, Direction.IN)).direction is Direction.IN


@pytest.mark.parametrize(
    ("text", "verdict", "reason", "cue"),
    [
        ("https://qr.tokhaiyte.vn/x", Verdict.REFUSED, Reason.POSTER_SHOWN, CueKind.POSTER),
        ("https://example.org", Verdict.NOT_UNDERSTOOD, Reason.LINK_SHOWN, CueKind.NOT_UNDERSTOOD),
        ("42", Verdict.NOT_UNDERSTOOD, Reason.KIND_UNKNOWN, CueKind.NOT_UNDERSTOOD),
    ],
)
def test_what_is_no_visitor(text: str, verdict: Verdict, reason: Reason, cue: CueKind) -> None:
    decision = Visits().show(scan(text, 0))
    assert (decision.verdict, decision.reason, decision.cue.kind) == (verdict, reason, cue)
    assert decision.direction is Direction.NONE


def test_a_kind_that_is_not_accepted_here_is_refused() -> None:
    decision = Visits(frozenset({"cccd"})).show(scan(A, 0))
    assert (decision.verdict, decision.reason) == (Verdict.REFUSED, Reason.KIND_NOT_ACCEPTED)


def test_the_memory_is_bounded() -> None:
    visits = Visits()
    code = recognise(A)
    for number in range(100_010):
        each = replace(code, identity=str(number))
        shown = scan(A, number)
        visits.gate.remember(shown, each, visits.gate.decide(shown, each, 1))
    assert len(visits.gate._passages) == 100_000
