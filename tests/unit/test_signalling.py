"""Signalling, stepped by hand: which cue stands when, in which order, and what if one fails."""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fakes import FakeClock
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.mailbox import Mailbox
from gatepost.model import Cue, CueKind, Hint
from gatepost.signalling import HOLD_S, showing, signalling

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

READY, PENDING = Cue(CueKind.READY), Cue(CueKind.PENDING, reader="in")
ACCEPTED = Cue(CueKind.ACCEPTED, reader="in")
TROUBLE = Cue(CueKind.TROUBLE, detail="spool: station full")
FAR = Cue(CueKind.HINT, reader="in", hint=Hint.TOO_FAR)
DARK = Cue(CueKind.HINT, reader="in", hint=Hint.TOO_DARK)
NO_HINT = Cue(CueKind.HINT, reader="in")
STATUS = Cue(CueKind.STATUS, detail="all is well")
NO_VERDICTS = {CueKind.PENDING, CueKind.TROUBLE, CueKind.STATUS}
VERDICTS = [kind for kind in HOLD_S if kind not in NO_VERDICTS]


@dataclass
class Lamp:
    """A signal in memory, which can be missing or broken, and takes its time."""

    name: str = "lamp"
    diary: list[tuple[str, Cue | None]] = field(default_factory=list)
    clock: FakeClock | None = None
    takes_s: float = 0.0
    absent: str = ""
    broken: str = ""
    is_open: bool = False

    def __enter__(self) -> Self:
        if self.absent:
            raise DeviceAbsent(self.absent)
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False
        self.diary.append((self.name, None))
        if self.broken:
            raise DeviceError(self.broken)

    def show(self, cue: Cue) -> None:
        assert self.is_open
        if self.clock:
            self.clock.pass_(self.takes_s)
        if self.broken:
            raise DeviceError(self.broken)
        self.diary.append((self.name, cue))


class Gate:
    """A signalling worker and what it is given."""

    def __init__(self, *signals: Lamp) -> None:
        self.clock = FakeClock()
        self.told: list[tuple[str, str]] = []
        self.inbox: queue.Queue[Cue] = queue.Queue()
        self.mailbox: Mailbox[Cue] = Mailbox()
        self.signals = signals or (Lamp(),)
        self.worker = signalling(
            self.inbox,
            self.signals,
            [self.mailbox],
            self.clock,
            wait_s=0,
            told=lambda *each: self.told.append(each),
        )
        next(self.worker)

    def post(self, *cues: Cue) -> None:
        for cue in cues:
            self.inbox.put(cue)
            next(self.worker)

    def after(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        next(self.worker)

    def screen(self) -> CueKind | None:
        """What was put on the screen since the last time, the newest."""
        cue = self.mailbox.take(0)
        return cue.kind if cue else None

    @property
    def cues(self) -> list[Cue]:
        return [cue for _, cue in self.signals[0].diary if cue]

    @property
    def shown(self) -> list[CueKind]:
        return [cue.kind for _, cue in self.signals[0].diary if cue]


def test_ready_is_shown_at_the_start() -> None:
    assert Gate().shown == [CueKind.READY]


@pytest.mark.parametrize("kind", VERDICTS)
def test_a_verdict_stands_for_its_hold_time_then_ready_again(kind: CueKind) -> None:
    gate = Gate()
    gate.post(Cue(kind))
    gate.after(HOLD_S[kind] - 0.1)
    assert gate.shown == [CueKind.READY, kind]
    gate.after(0.2)
    assert gate.shown == [CueKind.READY, kind, CueKind.READY]
    gate.after(60)
    assert len(gate.shown) == 3


def test_the_next_visitor_does_not_wait_for_the_hold_of_the_one_before() -> None:
    gate = Gate()
    gate.post(ACCEPTED, Cue(CueKind.REFUSED))
    gate.after(2.5)
    assert gate.shown == [CueKind.READY, CueKind.ACCEPTED, CueKind.REFUSED]


def test_one_moment_is_not_shown_when_the_verdict_is_quick() -> None:
    gate = Gate()
    gate.post(PENDING)
    gate.after(0.39)
    gate.post(ACCEPTED)
    gate.after(1)
    assert gate.shown == [CueKind.READY, CueKind.ACCEPTED]


def test_one_moment_is_shown_after_400_ms_until_the_verdict() -> None:
    gate = Gate()
    gate.post(PENDING)
    gate.after(0.41)
    gate.after(10)
    assert gate.shown == [CueKind.READY, CueKind.PENDING]
    gate.post(ACCEPTED)
    gate.after(2.1)
    assert gate.shown[-2:] == [CueKind.ACCEPTED, CueKind.READY]


def test_one_moment_without_any_verdict_ends() -> None:
    gate = Gate()
    gate.post(PENDING)
    gate.after(0.41)
    gate.after(HOLD_S[CueKind.PENDING] + 0.1)
    assert gate.shown == [CueKind.READY, CueKind.PENDING, CueKind.READY]


@pytest.mark.parametrize("kind", [CueKind.ACCEPTED, CueKind.AGAIN])
def test_what_answers_another_scan_leaves_one_moment_waiting(kind: CueKind) -> None:
    gate = Gate()
    gate.post(PENDING, Cue(kind, reader="in" if kind is CueKind.AGAIN else "out"))
    gate.after(0.41)
    assert gate.shown == [CueKind.READY, kind, CueKind.PENDING]


def test_trouble_is_what_rests_until_ready_is_posted() -> None:
    gate = Gate()
    gate.post(TROUBLE)
    gate.post(ACCEPTED)
    gate.after(2.1)
    gate.after(60)
    assert gate.shown[1:] == [CueKind.TROUBLE, CueKind.ACCEPTED, CueKind.TROUBLE]
    gate.post(READY)
    assert gate.shown[-1] is CueKind.READY


def test_trouble_and_its_end_wait_for_the_verdict_that_stands() -> None:
    gate = Gate()
    gate.post(ACCEPTED, TROUBLE)
    assert gate.shown == [CueKind.READY, CueKind.ACCEPTED]
    gate.post(READY)
    gate.after(2.1)
    assert gate.shown == [CueKind.READY, CueKind.ACCEPTED, CueKind.READY]


def test_what_rests_is_not_shown_twice_but_another_trouble_is() -> None:
    gate = Gate()
    gate.post(READY, TROUBLE, TROUBLE, Cue(CueKind.TROUBLE, detail="clock: lost"))
    assert gate.shown == [CueKind.READY, CueKind.TROUBLE, CueKind.TROUBLE]


def test_a_trouble_that_answers_a_visitor_is_shown_at_once_and_rests_nowhere() -> None:
    gate = Gate()
    gate.post(PENDING, Cue(CueKind.TROUBLE, detail="station full", reader="in"))
    assert gate.shown == [CueKind.READY, CueKind.TROUBLE]
    gate.after(3.1)
    assert gate.shown == [CueKind.READY, CueKind.TROUBLE, CueKind.READY]


def test_a_hint_stands_in_the_place_of_ready_until_it_is_taken_back() -> None:
    gate = Gate()
    gate.post(FAR)
    gate.after(60)
    gate.post(DARK, DARK, NO_HINT, NO_HINT)
    assert gate.cues == [READY, FAR, DARK, READY]


@pytest.mark.parametrize("kind", [*VERDICTS, CueKind.PENDING])
def test_a_hint_never_takes_the_place_of_a_verdict(kind: CueKind) -> None:
    gate = Gate()
    gate.post(Cue(kind, reader="in"))
    gate.after(0.5)
    gate.post(FAR, DARK)
    assert gate.shown == [CueKind.READY, kind]
    gate.after(HOLD_S[kind] + 0.1)
    assert gate.cues[2:] == [DARK]


def test_a_hint_that_went_under_a_verdict_does_not_come_after_it() -> None:
    gate = Gate()
    gate.post(ACCEPTED, FAR, NO_HINT)
    gate.after(2.1)
    assert gate.cues == [READY, ACCEPTED, READY]


@pytest.mark.parametrize(
    "later", [(PENDING, ACCEPTED), (ACCEPTED,), (Cue(CueKind.AGAIN, reader="in"),)]
)
def test_between_a_hint_and_its_verdict_nothing_else_is_shown(later: tuple[Cue, ...]) -> None:
    gate = Gate()
    gate.post(FAR, *later)
    gate.after(3)
    assert gate.cues == [READY, FAR, later[-1], READY]


def test_a_hint_stands_while_the_verdict_of_another_reader_does_not() -> None:
    gate = Gate()
    other = Cue(CueKind.REFUSED, reader="out")
    gate.post(FAR, other)
    gate.after(3.1)
    assert gate.cues == [READY, FAR, other, FAR]


def test_of_two_readers_hints_the_earlier_stands() -> None:
    gate = Gate()
    other = Cue(CueKind.HINT, reader="out", hint=Hint.GLARE)
    gate.post(FAR, other, DARK, NO_HINT)
    assert gate.cues == [READY, FAR, DARK, other]


def test_no_hint_covers_a_trouble() -> None:
    gate = Gate()
    gate.post(FAR, TROUBLE, DARK)
    assert gate.cues == [READY, FAR, TROUBLE]
    gate.post(READY)
    assert gate.cues[3:] == [DARK]


def test_a_hint_is_no_light_that_answers_a_frame(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Gate().post(FAR, NO_HINT)
    assert logged(caplog) == []


def test_a_status_stands_on_the_screen_for_10_s_and_nowhere_else() -> None:
    gate = Gate()
    assert gate.screen() is CueKind.READY
    gate.post(STATUS)
    assert gate.screen() is CueKind.STATUS
    gate.after(9.9)
    assert gate.screen() is None
    gate.after(0.2)
    assert gate.screen() is CueKind.READY
    assert gate.shown == [CueKind.READY]


def test_another_status_takes_the_place_of_the_first_and_has_its_own_time() -> None:
    gate = Gate()
    gate.post(STATUS)
    gate.after(9)
    gate.post(STATUS)
    gate.screen()
    gate.after(9)
    assert gate.screen() is None
    gate.after(1.1)
    assert gate.screen() is CueKind.READY


@pytest.mark.parametrize("kind", VERDICTS)
def test_a_visitor_goes_before_a_status_that_is_not_shown_again(kind: CueKind) -> None:
    gate = Gate()
    gate.post(STATUS, Cue(kind))
    assert gate.screen() is kind
    gate.after(HOLD_S[kind] + 0.1)
    assert gate.screen() is CueKind.READY


@pytest.mark.parametrize("kind", VERDICTS)
def test_a_status_waits_for_the_verdict_that_stands_and_has_all_its_time(kind: CueKind) -> None:
    gate = Gate()
    gate.post(Cue(kind), STATUS)
    assert gate.screen() is kind
    gate.after(HOLD_S[kind] + 0.1)
    assert gate.screen() is CueKind.STATUS
    gate.after(9.8)
    assert gate.screen() is None
    gate.after(0.3)
    assert gate.screen() is CueKind.READY
    assert gate.shown == [CueKind.READY, kind, CueKind.READY]


def test_a_waiting_status_is_given_up_for_the_next_visitor() -> None:
    gate = Gate()
    gate.post(ACCEPTED, STATUS, Cue(CueKind.REFUSED))
    gate.after(3.1)
    assert gate.screen() is CueKind.READY


def test_one_moment_goes_before_a_status() -> None:
    gate = Gate()
    gate.post(STATUS, PENDING)
    gate.after(0.41)
    assert gate.screen() is CueKind.PENDING


def test_under_a_status_the_lamp_shows_a_trouble_at_once_and_the_screen_afterwards() -> None:
    gate = Gate()
    gate.post(STATUS)
    gate.screen()
    gate.post(TROUBLE)
    assert gate.shown == [CueKind.READY, CueKind.TROUBLE]
    assert gate.screen() is None
    gate.after(10)
    assert gate.screen() is CueKind.TROUBLE


def test_a_hint_does_not_take_the_place_of_a_status() -> None:
    gate = Gate()
    gate.post(STATUS, FAR)
    assert gate.screen() is CueKind.STATUS
    gate.after(10)
    assert gate.screen() is CueKind.HINT


def test_a_signal_that_fails_and_recovers_is_told_once_each() -> None:
    gate = Gate(Lamp(broken="no power"))
    gate.post(ACCEPTED, ACCEPTED)
    gate.signals[0].broken = ""
    gate.post(ACCEPTED, ACCEPTED)
    assert gate.told == [("lamp", "no power"), ("lamp", "")]


def test_a_slow_signal_that_fails_and_recovers_is_told_once_each() -> None:
    clock, mailbox, screen = FakeClock(), Mailbox[Cue](), Lamp("oled", absent="not there")
    told: list[tuple[str, str]] = []
    worker = showing(mailbox, screen, clock, 0, lambda *each: told.append(each))
    mailbox.put(READY)
    step(worker, 3)
    screen.absent = ""
    clock.pass_(5)
    step(worker, 3)
    assert told == [("lamp", "not there"), ("lamp", "")]


def test_the_light_comes_first_then_relay_then_buzzer() -> None:
    diary: list[tuple[str, Cue | None]] = []
    gate = Gate(Lamp("lamp", diary), Lamp("relay", diary), Lamp("buzzer", diary))
    diary.clear()
    gate.post(ACCEPTED)
    assert diary == [("lamp", ACCEPTED), ("relay", ACCEPTED), ("buzzer", ACCEPTED)]
    diary.clear()
    gate.worker.close()
    assert diary == [("buzzer", None), ("relay", None), ("lamp", None)]


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    ours = [record for record in caplog.records if record.name == "gatepost.signalling"]
    return [(record.message, vars(record)["fields"]) for record in ours]


def test_how_long_the_light_took_is_logged_whatever_the_buzzer_takes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    gate = Gate(Lamp(), Lamp("buzzer"))
    lamp, buzzer = gate.signals
    lamp.clock, lamp.takes_s = gate.clock, 0.02
    buzzer.clock, buzzer.takes_s = gate.clock, 1.0
    taken = gate.clock.now - 0.1
    gate.post(Cue(CueKind.ACCEPTED, reader="in", taken=taken))
    told = {"cue": "accepted", "reader": "in", "taken_s": taken, "after_ms": 120.0}
    assert logged(caplog) == [("lit", told)]
    gate.post(ACCEPTED)  # answers no frame
    assert len(logged(caplog)) == 1


def test_a_lamp_that_is_dark_is_not_logged_as_lit(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gate = Gate(Lamp(broken="no power"))
    gate.post(Cue(CueKind.ACCEPTED, taken=1.0))
    assert [message for message, _ in logged(caplog)] == ["signal failed"]


def test_a_broken_signal_is_logged_once_and_the_others_still_show(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    gate = Gate(Lamp(), Lamp("buzzer", broken="no power"))
    lamp, buzzer = gate.signals
    gate.post(ACCEPTED, ACCEPTED)
    assert [cue for _, cue in lamp.diary] == [READY, ACCEPTED, ACCEPTED]
    buzzer.broken = ""
    gate.post(ACCEPTED)
    failed = ("signal failed", {"signal": "lamp", "why": "no power"})
    assert logged(caplog) == [failed, ("signal recovered", {"signal": "lamp"})]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_device_that_cannot_be_opened_is_tried_again_every_5_s() -> None:
    gate = Gate(Lamp(), Lamp("relay", absent="no pins"))
    relay = gate.signals[1]
    relay.absent = ""
    gate.post(ACCEPTED)  # not tried yet
    assert relay.diary == []
    gate.after(4.9)
    assert relay.diary == []
    gate.after(0.2)
    assert relay.diary == [("relay", READY)]


def test_a_device_that_comes_back_never_gets_a_verdict_late() -> None:
    gate = Gate(Lamp(), Lamp("relay", absent="no pins"))
    relay = gate.signals[1]
    gate.after(4.5)
    gate.post(ACCEPTED)
    relay.absent = ""
    gate.after(1)
    assert relay.diary == []
    gate.after(1.1)
    assert relay.diary == [("relay", READY)]


def test_closing_never_fails_over_a_device_and_closes_the_others() -> None:
    gate = Gate(Lamp(), Lamp("buzzer"))
    gate.signals[1].broken = "stuck"
    gate.worker.close()
    assert [signal.is_open for signal in gate.signals] == [False, False]


def test_slow_signals_get_the_newest_cue_only() -> None:
    gate = Gate()
    screen = Lamp("oled")
    worker = showing(gate.mailbox, screen, gate.clock, wait_s=0)
    gate.post(ACCEPTED, Cue(CueKind.REFUSED))
    step(worker, 3)
    assert screen.diary == [("oled", Cue(CueKind.REFUSED))]
    worker.close()
    assert not screen.is_open


def test_a_slow_signal_that_went_away_has_its_picture_when_it_comes_back() -> None:
    clock, mailbox, screen = FakeClock(), Mailbox[Cue](), Lamp("oled", absent="not there")
    worker = showing(mailbox, screen, clock, wait_s=0)
    mailbox.put(READY)
    step(worker, 2)
    screen.absent = ""
    clock.pass_(5)
    step(worker, 2)
    assert screen.diary == [("oled", READY)]


def test_the_cue_that_stands_is_shown_again_every_5_s() -> None:
    clock, mailbox, screen = FakeClock(), Mailbox[Cue](), Lamp("oled")
    worker = showing(mailbox, screen, clock, wait_s=0)
    mailbox.put(READY)
    for _ in range(20):
        step(worker, 1)
        clock.pass_(0.5)
    assert len(screen.diary) == 2


def step(worker: Generator[None, None, None], times: int) -> None:
    for _ in range(times):
        next(worker)
