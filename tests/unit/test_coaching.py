"""Coaching: the reason that a frame gives, on rendered visitors, and the hint that stands."""

from __future__ import annotations

import io
import queue
import random
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import segno

from fakes import FakeClock
from gatepost.coaching import FAILING_S, QUIET_S, STAYS_S, Coach
from gatepost.conditions import Conditions
from gatepost.config import OledConfig
from gatepost.decoding.coaching import Seen, judge
from gatepost.decoding.looks import Trace
from gatepost.demo.scene import DIFFICULTIES, Appearance, Hall
from gatepost.demo.visitors import make_visitors
from gatepost.drivers.oled import Oled
from gatepost.drivers.panel import Panel
from gatepost.mailbox import Mailbox
from gatepost.model import Cue, CueKind, Direction, Frame, Hint, View
from gatepost.presentations import FrameReader
from gatepost.reading import reading
from gatepost.screen import render
from gatepost.signalling import showing, signalling
from unit.pictures import placed, rendered
from unit.test_oled import FakeBus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from gatepost.model import Box, Corners, Symbol
    from unit.pictures import Luma

USUAL = DIFFICULTIES["usual"]
TEXT = "******123456|NGUYEN VAN A|1990-**-**|0|QID000100001|1"
SIZE = (1280, 720)
HELD_S = (0.9, 1.1, 1.3, 1.5)
SEEDS = (1, 2, 3)


class Visit:
    """A visitor with a phone, filmed as `conditions` differ from the usual ones."""

    def __init__(self, seed: int, *, held: tuple[float, float] | None = None, **wrong: Any) -> None:
        visitor = make_visitors(1, seed)[0]
        module = wrong.pop("module_px", visitor.presentation.module_px)
        shown = replace(
            visitor.presentation, approach_s=0.5, hold_s=1.2, module_px=module, glare=1.0
        )
        self.hall = Hall(seed, SIZE, replace(USUAL, **{"glare": 60} | wrong))
        self.visitor = replace(visitor, presentation=shown)
        self.appearance = Appearance(self.visitor, self.hall)
        self.appearance.motion._glare = (0.0, 0.0)  # the lamp's image lies on the code
        if held:
            self.appearance.motion._held = np.array(held) * SIZE

    def frame(self, at_s: float) -> Luma:
        return self.hall.expose(self.appearance.draw(at_s, 1.0), round(at_s * 30))

    def code(self, at_s: float) -> tuple[Corners, int]:
        """Where the code is, and how many modules it has a side."""
        drawn = self.appearance._drawn
        height, width = drawn.luma.shape
        sheet = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        pose = self.appearance.motion.pose(at_s)
        turn = cv2.getPerspectiveTransform(sheet, self.appearance.corners(pose))
        modules = segno.make_qr(self.visitor.text.encode(), error="m", boost_error=False)
        half = modules.symbol_size(border=0)[0] / 2 * drawn.module
        square = np.array([[(-half, -half), (half, -half), (half, half), (-half, half)]])
        places = cv2.perspectiveTransform((square + drawn.centre).astype(np.float32), turn)[0]
        first, second, third, fourth = ((int(x), int(y)) for x, y in places)
        return (first, second, third, fourth), modules.symbol_size(border=0)[0]

    def seen(self, at_s: float, *, traced: bool) -> Seen:
        corners, modules = self.code(at_s)
        before = np.mean(self.code(at_s - 1 / 30)[0], axis=0)
        frame = self.frame(at_s)
        traces = (Trace(corners, modules),) if traced else ()
        shift = float(np.hypot(*(np.mean(corners, axis=0) - before)))
        return seen_in(frame, around(corners), traces=traces, shift=shift)


def around(corners: Corners) -> Box:
    xs, ys = zip(*corners, strict=True)
    return max(0, min(xs)), max(0, min(ys)), min(SIZE[0], max(xs)), min(SIZE[1], max(ys))


def seen_in(frame: Luma, region: Box | None, **more: Any) -> Seen:
    return Seen(frame, region, brightness=float(frame.mean()), **{"occupied": True} | more)


WRONG: list[tuple[Hint, dict[str, Any]]] = [
    (Hint.TOO_FAR, {"module_scale": 0.3}),
    (Hint.TOO_NEAR, {"module_px": 22}),
    (Hint.TOO_NEAR, {"module_px": 9.5, "soft_px": 6.5}),
    (Hint.TOO_DARK, {"gain": 0.07, "noise": 3}),
    (Hint.GLARE, {"glare": 240}),
    (Hint.MOVING, {"tremor_px": 90, "exposure_s": 0.03}),
    (Hint.CUT_OFF, {"held": (0.02, 0.5)}),
    (Hint.CUT_OFF, {"held": (0.5, 0.98)}),
]


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize(("hint", "wrong"), WRONG)
def test_most_frames_of_a_visitor_give_what_is_wrong(
    hint: Hint, wrong: dict[str, Any], traced: bool
) -> None:
    visits = [Visit(seed, **wrong) for seed in SEEDS]
    judged = [judge(visit.seen(at_s, traced=traced)) for visit in visits for at_s in HELD_S]
    # Without a trace, half of a small code beside a lamp's image is taken for one too far away.
    assert judged.count(hint) >= (0.75 if traced else 0.6) * len(judged), judged


def still(module: int = 4) -> tuple[Luma, Box, Trace]:
    """A good picture of a code, with where it is."""
    code = rendered(TEXT, scale=module)
    side = code.shape[0]
    left, top, inner = 500, 200, 4 * module
    frame = cv2.GaussianBlur(placed(code, height=720, width=1280, top=top, left=left), (0, 0), 0.7)
    near, far = left + inner, left + side - inner
    high, low = top + inner, top + side - inner
    trace = Trace(((near, high), (far, high), (far, low), (near, low)), side // module - 8)
    return frame, (left, top, left + side, top + side), trace


def test_nothing_is_said_of_a_frame_that_was_read() -> None:
    frame, region, trace = still()
    assert judge(seen_in(frame, region, traces=(trace,), read=True)) is None


@pytest.mark.parametrize("with_region", [True, False])
def test_nothing_is_said_where_nobody_is(with_region: bool) -> None:
    frame, region, trace = still(2)
    assert judge(seen_in(frame, region if with_region else None, occupied=False)) is None
    assert judge(seen_in(frame, region, traces=(trace,), occupied=False)) is None


def test_somebody_without_anything_code_like_is_asked_for_a_code() -> None:
    visit = Visit(1)
    frame = visit.hall.expose(visit.appearance._person, 0)
    assert judge(seen_in(frame, None)) is Hint.NO_CODE


def test_in_a_black_picture_it_is_the_light_that_is_missing() -> None:
    assert judge(seen_in(np.full((720, 1280), 4, np.uint8), None)) is Hint.TOO_DARK


def test_a_located_code_without_anything_wrong_is_not_judged() -> None:
    frame, region, trace = still()
    assert judge(seen_in(frame, region, traces=(trace,))) is None


@pytest.mark.parametrize(("module", "hint"), [(2, Hint.TOO_FAR), (4, None)])
def test_a_traces_modules_tell_how_far_it_is(module: int, hint: Hint | None) -> None:
    frame, region, trace = still(module)
    assert judge(seen_in(frame, region, traces=(trace,))) is hint


def test_words_are_no_code() -> None:
    frame = np.full((720, 1280), 210, np.uint8)
    for line, text in enumerate(("PC-COVID", "MA QR CA NHAN")):
        place = (500, 300 + 60 * line)
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.4, 40, 4, cv2.LINE_AA)
    assert judge(seen_in(frame, (480, 230, 900, 400))) is Hint.NO_CODE


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_a_smear_in_any_direction_is_motion(angle: int) -> None:
    frame, region, _ = still(6)
    turn = cv2.getRotationMatrix2D((7, 7), angle, 1)
    line = np.zeros((15, 15), np.float32)
    line[7] = 1
    kernel = cv2.warpAffine(line, turn, (15, 15))
    assert judge(seen_in(cv2.filter2D(frame, -1, kernel / kernel.sum()), region)) is Hint.MOVING


def odd() -> Iterator[Seen]:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (480, 640), np.uint8)
    outside: Corners = ((-50, -40), (-10, -40), (-10, -5), (-50, -5))
    nowhere: Corners = ((0, 0), (0, 0), (0, 0), (0, 0))
    for plane in (noise, np.zeros((480, 640), np.uint8), np.full((480, 640), 255, np.uint8)):
        for region in ((0, 0, 640, 480), (0, 0, 1, 1), (630, 470, 640, 480), (5, 5, 5, 5), None):
            yield seen_in(plane, region)
        for corners in (outside, nowhere):
            yield seen_in(plane, None, traces=(Trace(corners),))
    yield seen_in(noise[::2, ::3], (0, 0, 213, 240))
    yield seen_in(noise[:12, :12], (0, 0, 12, 12))
    yield seen_in(rng.integers(0, 256, (1080, 1920), np.uint8), (0, 0, 1920, 1080))


@pytest.mark.parametrize("seen", list(odd()))
def test_no_frame_is_too_odd(seen: Seen) -> None:
    before = seen.plane.copy()
    assert judge(seen) in {None, *Hint}
    assert np.array_equal(seen.plane, before)


def told(votes: list[Hint | None], step_s: float = 0.1, coach: Coach | None = None) -> list[Any]:
    """What a coach shows after each of `votes`, `step_s` apart."""
    coach = coach or Coach()
    return [coach.take(vote, index * step_s) for index, vote in enumerate(votes)]


@dataclass
class Station:
    """A camera on a visitor, and a decoder that reads nothing and judges each frame."""

    visit: Visit
    clock: FakeClock = field(default_factory=FakeClock)
    view: View = field(default_factory=View)
    frames: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def next_frame(self, wait_s: float) -> Frame | None:  # noqa: ARG002 - frames are at once
        self.clock.pass_(0.1)
        self.frames += 1
        return Frame(self.visit.frame(0.8 + self.frames / 50), self.clock.now)

    def decode(self, _frame: Frame) -> tuple[Symbol, ...]:
        self.view = View(hint=judge(self.visit.seen(0.8 + self.frames / 50, traced=False)))
        return ()


def test_from_the_picture_to_the_oled_and_the_terminal_in_a_second() -> None:
    station, bus, stream = Station(Visit(1, module_scale=0.3)), FakeBus(), io.StringIO()
    reader = FrameReader("door", Direction.IN, station, station, 1.0, station.clock)
    inbox: queue.Queue[Cue] = queue.Queue()
    slow = Mailbox[Cue](), Mailbox[Cue]()
    screens = Oled(OledConfig(), "vi", station.clock, bus.open), Panel(stream, "vi")
    workers = [
        reading(reader, queue.Queue(), inbox.put, Conditions(inbox.put)),
        signalling(inbox, [], slow, station.clock, wait_s=0),
        *(
            showing(box, screen, station.clock, wait_s=0)
            for box, screen in zip(slow, screens, strict=True)
        ),
    ]
    sent = []
    for _ in range(13):
        for worker in workers:
            next(worker)
        sent.append(bus.pictures)
    hint = Cue(CueKind.HINT, reader="door", hint=Hint.TOO_FAR)
    assert np.array_equal(bus.pixels(), np.asarray(render(hint, "vi")))
    assert "hint too-far: lamp a dim white heartbeat; buzzer silent" in stream.getvalue()
    assert sent[-1] == sent[1] + 1  # after ready, the hint, once
    for worker in workers:
        worker.close()


FAR, DARK = Hint.TOO_FAR, Hint.TOO_DARK


@pytest.mark.parametrize("step_s", [1 / 30, 0.1, 0.33])
def test_a_hint_comes_after_one_second_of_failing_and_not_before(step_s: float) -> None:
    shown = told([FAR] * 100, step_s)
    first = shown.index(FAR) * step_s
    assert FAILING_S <= first < FAILING_S + 2 * step_s
    assert set(shown[shown.index(FAR) :]) == {FAR}


def test_two_frames_are_no_second_of_failing() -> None:
    assert told([FAR] * 2, 0.9) == [None, None]


def test_frames_before_a_pause_say_nothing_of_now() -> None:
    coach = Coach()
    told([FAR] * 9, coach=coach)
    assert [coach.take(FAR, 5 + index / 10) for index in range(9)] == [None] * 9


def test_a_hint_goes_with_the_frames_that_it_came_from() -> None:
    coach = Coach()
    assert told([FAR] * 12, coach=coach)[-1] is FAR
    assert coach.take(FAR, 10) is None


def test_the_reason_of_most_frames_wins() -> None:
    assert told([FAR, FAR, DARK] * 10)[-1] is FAR
    assert set(told([FAR, DARK, Hint.GLARE] * 30)) == {None}


def test_a_hint_stands_for_its_time_and_then_goes_when_nobody_is_there() -> None:
    shown = told([FAR] * 11 + [None] * 40)
    assert shown.index(FAR) == 10
    gone = shown.index(None, 10)
    assert STAYS_S <= round((gone - 10) * 0.1, 3) <= STAYS_S + 0.2
    assert set(shown[gone:]) == {None}


def test_another_reason_must_win_clearly() -> None:
    shown = told([FAR] * 20 + [DARK, FAR] * 40 + [DARK] * 20)
    assert set(shown[20:100]) == {FAR}
    assert shown[-1] is DARK


def test_a_read_clears_it_at_once_and_its_visitor_is_left_in_peace() -> None:
    coach = Coach()
    assert told([FAR] * 12, coach=coach)[-1] is FAR
    assert coach.take(FAR, 1.2, read=True) is None
    later = [coach.take(Hint.NO_CODE, 1.2 + index / 10) for index in range(1, 60)]
    assert round((later.index(Hint.NO_CODE) + 1) / 10, 3) == QUIET_S


def test_a_camera_that_is_gone_clears_it() -> None:
    coach = Coach()
    told([FAR] * 12, coach=coach)
    coach.clear()
    assert coach.shown is None
    assert coach.take(FAR, 1.3) is None


@pytest.mark.parametrize("seed", range(20))
def test_it_never_flickers_whatever_the_frames_say(seed: int) -> None:
    rng = random.Random(seed)
    coach, shown, at = Coach(), [], 0.0
    votes: list[Hint | None] = [None, *Hint]
    few = rng.sample(votes, rng.randint(2, 4))
    while at < 120:
        at += rng.choice([0.03, 0.1, 0.3])
        held = rng.random() < 0.5 and rng.choice(few)
        for _ in range(rng.randint(1, 25)):
            at += rng.choice([0.03, 0.04])
            shown.append((at, coach.take(held or rng.choice(few), at)))
    changes = [at for (_, before), (at, now) in pairwise(shown) if now is not before]
    assert changes
    assert min((after - before for before, after in pairwise(changes)), default=9) >= STAYS_S


@pytest.mark.parametrize("period", [1, 2, 5, 15, 30])
def test_reasons_that_alternate_do_not_make_it_alternate_faster(period: int) -> None:
    votes = ([FAR] * period + [DARK] * period) * (900 // period)
    shown = told(votes, 1 / 30)
    changes = [index / 30 for index, (one, two) in enumerate(pairwise(shown)) if one is not two]
    assert min((b - a for a, b in pairwise(changes)), default=9) >= STAYS_S - 1 / 30
