"""The decoder of a camera: what it tries on which frame, and that it keeps its time."""

from __future__ import annotations

import numpy as np
import pytest

from gatepost.decoding import LiveDecoder, build_live
from gatepost.decoding.costs import Costs, sample
from gatepost.decoding.looks import Look, Pass
from gatepost.decoding.regions import code_like
from gatepost.decoding.rotation import Rotation
from gatepost.decoding.watching import Watch
from gatepost.demo.clips import Take, empty_frames, plan_clip, render_clip
from gatepost.demo.visitors import make_visitors
from gatepost.model import Frame
from unit.pictures import Luma, ManualClock, placed, rendered
from unit.scripted import FROZEN, Scripted, passes, reads
from unit.test_zbar_pass import finder_patterns

FPS = 30
GREY = np.full((720, 1280), 128, np.uint8)
CODE = placed(rendered("torn", scale=6), height=720, width=1280, top=200, left=500)


def live(*ways: Pass, clock: ManualClock = FROZEN, budget_s: float | None = None) -> LiveDecoder:
    return LiveDecoder(passes(*ways), clock=clock.boottime, budget_s=budget_s)


def passes_tried(decoder: LiveDecoder, lumas: list[Luma]) -> list[tuple[str, ...]]:
    tried = []
    for index, luma in enumerate(lumas):
        decoder.decode(Frame(luma, index / FPS))
        tried.append(decoder.view.passes)
    return tried


def moving(luma: Luma, frames: int) -> list[Luma]:
    return [np.roll(luma, 9 * index, axis=1) for index in range(frames)]


# what is looked at


def test_an_empty_scene_is_looked_at_three_times_a_second_and_never_deeper() -> None:
    frames = list(empty_frames(4 * FPS, 5, Take(difficulty="usual")))
    deep = Scripted("deep", Look())
    decoder = live(Scripted("first", Look()), deep)
    tried = passes_tried(decoder, frames)
    assert 9 <= sum(map(bool, tried[FPS:])) <= 12  # in three seconds
    gaps = np.diff([index for index, names in enumerate(tried) if names])
    assert gaps.max() <= FPS / 3
    assert not deep.planes


def test_a_code_held_still_in_an_unmoved_picture_is_read_within_a_third_of_a_second() -> None:
    decoder = live(
        Scripted("first", lambda plane: reads(b"still") if plane.max() > 200 else Look())
    )
    quiet = [GREY] * (3 * FPS)
    faint = GREY.copy()
    faint[::40, ::40] = 255  # too little for the motion gate to see
    read = [
        bool(decoder.decode(Frame(luma, at / FPS))) for at, luma in enumerate(quiet + [faint] * 30)
    ]
    assert not any(read[: 3 * FPS])
    assert any(read[3 * FPS : 3 * FPS + FPS // 3 + 1])


def test_every_frame_is_looked_at_while_something_moves_and_for_two_seconds_after() -> None:
    decoder = live(Scripted("first", Look()))
    passes_tried(decoder, [GREY] * (3 * FPS))
    hand = GREY.copy()
    hand[300:500, 400:600] = 60
    tried = []
    for index in range(3 * FPS):
        decoder.decode(Frame(hand, 3 + index / FPS))
        tried.append(bool(decoder.view.passes))
    assert all(tried[: 2 * FPS])
    assert not all(tried[2 * FPS + 10 :])


def test_a_lamp_that_is_switched_on_is_a_change() -> None:
    watch = Watch()
    for index in range(3 * FPS):
        watch.see(GREY, index / FPS)
    assert watch.see(GREY + np.uint8(20), 3.0).occupied


def test_a_clip_that_begins_again_is_looked_at_at_once() -> None:
    watch = Watch()
    for index in range(3 * FPS):
        watch.see(GREY, index / FPS)
    assert watch.see(GREY, 0.0).attempt


@pytest.mark.parametrize("fps", [2, 4, 5, 8, 15, 25, 60, 120])
def test_a_still_scene_is_looked_at_three_times_a_second_or_as_often_as_there_are_frames(
    fps: int,
) -> None:
    watch = Watch()
    looked_at = [at / fps for at in range(20 * fps) if watch.see(GREY, at / fps).attempt]
    assert np.diff(looked_at).max() <= max(1 / 3, 1 / fps) + 1e-6
    assert len(looked_at) <= 20 * 5 + fps


def test_times_that_are_none_or_stand_still_hide_nothing() -> None:
    for taken in (float("nan"), float("inf"), 7.0):
        watch = Watch()
        assert all(watch.see(GREY, taken).attempt for _ in range(5))
        assert all(watch.see(GREY, 8.0 + at / 3).attempt for at in range(5))


# what is tried


def test_deeper_passes_come_in_turn_while_something_code_like_is_there() -> None:
    ways = [Scripted(f"deep {number}", Look()) for number in range(5)]
    decoder = live(Scripted("first", Look()), *ways)
    tried = passes_tried(decoder, moving(CODE, 5))
    names = [name for each in tried for name in each if name != "first"]
    assert names == [f"deep {number % 5}" for number in range(20)]


def test_what_read_last_is_tried_first_on_the_next_frame() -> None:
    ways = [Scripted("a", Look()), Scripted("b", reads(b"x")), Scripted("c", Look())]
    decoder = live(Scripted("first", Look()), *ways)
    assert passes_tried(decoder, moving(CODE, 3)) == [("first", "a", "b"), *[("first", "b")] * 2]


def test_the_same_frames_and_costs_give_the_same_passes() -> None:
    visitors = make_visitors(2, 3)
    frames = list(render_clip(visitors, 3, Take(difficulty="hard", gap_s=0.1)))[::4]

    def run() -> list[tuple[str, ...]]:
        clock = ManualClock()
        ways = [
            Scripted(f"deep {number}", Look(), ns_per_pixel=80, clock=clock) for number in range(4)
        ]
        first = Scripted("first", Look(), ns_per_pixel=9, clock=clock)
        return passes_tried(live(first, *ways, clock=clock, budget_s=0.033), frames)

    assert run() == run()


def test_a_deep_pass_gets_the_part_that_is_code_like_and_its_corners_are_the_frames() -> None:
    deep = Scripted("deep", reads(b"x"))
    decoder = live(Scripted("first", Look()), deep)
    (found,) = decoder.decode(Frame(CODE, 0.0))
    assert deep.planes[0][0] < 300
    assert deep.planes[0][1] < 300
    assert all(400 <= x <= 720 and 100 <= y <= 420 for x, y in found.corners)


def test_a_pass_that_raises_is_skipped_and_counted_and_the_others_go_on() -> None:
    decoder = live(Scripted("first", None), Scripted("bad", None), Scripted("good", reads(b"x")))
    assert [found.data for found in decoder.decode(Frame(CODE, 0.0))] == [b"x"]
    assert decoder.failures == {"first": 1, "bad": 1}


def test_rotation_goes_on_after_its_favourite_failed() -> None:
    a, b, c = (Scripted(name, Look()) for name in "abc")
    rotation = Rotation([a, b, c])
    assert rotation.turn(2) == (a, b)
    rotation.tried(a, read=False)
    rotation.tried(b, read=True)
    assert rotation.turn(3) == (b, c, a)
    rotation.tried(b, read=False)
    assert rotation.turn(3) == (c, a, b)


def test_what_takes_longer_than_there_ever_is_keeps_nobody_from_their_turn() -> None:
    clock = ManualClock()
    dear = Scripted("dear", Look(), ns_per_pixel=10_000, clock=clock)
    ways = [Scripted(f"{number}", Look(), ns_per_pixel=60, clock=clock) for number in range(7)]
    first = Scripted("first", Look(), ns_per_pixel=9, clock=clock)
    decoder = live(first, dear, *ways, clock=clock, budget_s=0.033)
    passes_tried(decoder, moving(CODE, 12))
    assert not dear.planes
    assert all(way.planes for way in ways)


def test_what_there_was_no_time_left_for_comes_first_on_the_next_frame() -> None:
    clock = ManualClock()
    ways = [Scripted(f"{number}", Look(), ns_per_pixel=400, clock=clock) for number in range(3)]
    first = Scripted("first", Look(), ns_per_pixel=9, clock=clock)
    decoder = live(first, *ways, clock=clock, budget_s=0.033)
    tried = passes_tried(decoder, moving(CODE, 3))
    assert tried == [("first", "0"), ("first", "1"), ("first", "2")]


def test_small_parts_are_priced_as_what_a_pass_takes_at_least() -> None:
    clock = ManualClock()
    deep = Scripted("deep", Look(), ns_per_pixel=1000, clock=clock)
    small = GREY.copy()
    small[300:360, 600:660] = np.random.default_rng(1).integers(0, 256, (60, 60), np.uint8)
    first = Scripted("first", Look(), ns_per_pixel=9, clock=clock)
    decoder = live(first, deep, clock=clock, budget_s=0.033)
    passes_tried(decoder, [small, GREY, small])
    assert decoder.view.region is not None
    assert not deep.planes  # 12,000 pixels of 1 us, in 25 ms: never that little


def test_a_crowded_part_is_cut_down_for_deeper_passes_and_corners_stay_the_frames() -> None:
    clock = ManualClock()
    crowd = GREY.copy()
    crowd[100:500, 100:900] = finder_patterns(1, 400, 800)
    first = Scripted("first", Look(), ns_per_pixel=1, clock=clock)
    deep = Scripted("deep", reads(b"x"), ns_per_pixel=1, clock=clock)
    decoder = live(first, deep, clock=clock, budget_s=0.1)
    (found,) = decoder.decode(Frame(crowd, 0.0))
    assert deep.planes[0][0] < 350
    assert all(150 <= x <= 850 and 110 <= y <= 490 for x, y in found.corners)


# beside


def test_beside_the_first_pass_a_worker_looks_deeper_and_says_when_it_was_taken() -> None:
    deep = Scripted("deep", reads(b"late"))
    decoder = LiveDecoder(passes(Scripted("first", Look()), deep), beside=True)
    worker = decoder.deepening()
    next(worker)
    assert decoder.decode(Frame(CODE, 1.0)) == ()
    assert not deep.planes
    next(worker)
    (found,) = decoder.decode(Frame(GREY, 1.5))
    assert (found.data, found.taken) == (b"late", 1.0)
    worker.close()


def test_the_worker_takes_the_newest_frame_only() -> None:
    deep = Scripted("deep", lambda plane: reads(b"%d" % plane.max()))
    decoder = LiveDecoder(passes(Scripted("first", Look()), deep), beside=True)
    worker = decoder.deepening()
    next(worker)
    for index, luma in enumerate(moving(CODE, 4)):
        decoder.decode(Frame(luma, index / FPS))
    next(worker)
    assert len(deep.planes) == 1
    assert [found.taken for found in decoder.decode(Frame(GREY, 1.0))] == [3 / FPS]
    worker.close()


# its time


@pytest.mark.parametrize("slow", [1.0, 12.0])
@pytest.mark.parametrize("budget_s", [0.033, 0.1])
def test_a_frame_keeps_to_its_budget_on_slow_machines_too(slow: float, budget_s: float) -> None:
    clock = ManualClock()
    first = Scripted("first", Look(), ns_per_pixel=9, slow=slow, clock=clock)
    deep = [
        Scripted(f"deep {number}", Look(), ns_per_pixel=60, slow=slow, clock=clock)
        for number in range(6)
    ]
    decoder = live(first, *deep, clock=clock, budget_s=budget_s)
    decoder.decode(Frame(GREY, 0.0))  # the machine is measured
    took = []
    for index, luma in enumerate(moving(CODE, 40)):
        begun = clock.now
        decoder.decode(Frame(luma, 1 + index / FPS))
        took.append(clock.now - begun)
    assert max(took) <= 1.1 * budget_s
    assert all(first.planes)
    assert any(way.planes for way in deep) or slow * budget_s < 0.5


def test_noise_after_quiet_frames_stays_below_three_budgets() -> None:
    clock = ManualClock()
    budget_s = 0.033
    first = Scripted("first", Look(), ns_per_pixel=9, slow=12, clock=clock)
    deep = Scripted("deep", Look(), ns_per_pixel=60, slow=12, clock=clock)
    decoder = live(first, deep, clock=clock, budget_s=budget_s)
    decoder.decode(Frame(GREY, 0.0))  # the machine is measured, on noise
    first.slow = 0.1 * 12
    for index in range(1, 90):
        decoder.decode(Frame(GREY, index / FPS))
    first.slow = 12
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280), np.uint8)
    begun = clock.now
    decoder.decode(Frame(noise, 4.0))
    assert clock.now - begun <= 3 * budget_s


def test_what_a_machine_takes_is_learnt_and_forgotten() -> None:
    costs, way = Costs(), Scripted("way", Look(), ns_per_pixel=10)
    costs.measured(way, 12 * 10 * sample().size / 1e9)
    assert costs.worst_s(way, 1_000_000) == pytest.approx(0.12)
    for _ in range(60):
        costs.took(way, 1_000_000, 0.03)
    assert costs.usual_s(way, 1_000_000) == pytest.approx(0.03, rel=0.01)
    assert costs.worst_s(way, 1_000_000) == pytest.approx(0.12, rel=0.01)  # never below what it is
    assert costs.affordable(way, 0.03) == pytest.approx(500_000, rel=0.05)  # noise: twice of it


def test_a_single_look_that_was_interrupted_does_not_shrink_the_first_pass() -> None:
    clock = ManualClock()
    first = Scripted("first", Look(), ns_per_pixel=9, clock=clock)
    decoder = live(first, clock=clock, budget_s=0.033)
    for index, luma in enumerate(moving(CODE, 20)):
        first.slow = 40.0 if index in {1, 11} else 1.0
        decoder.decode(Frame(luma, index / FPS))
    assert {shape for shape in first.planes if shape != sample().shape} == {CODE.shape}


# where to look


def test_a_code_is_found_in_a_hall_and_nothing_in_an_empty_one() -> None:
    visitors, take = make_visitors(3, 11), Take(difficulty="hard", gap_s=0.1)
    frames = list(render_clip(visitors, 11, take))
    for truth in plan_clip(visitors, 11, take).visitors:
        held = code_like(frames[(truth.first_frame + truth.last_frame) // 2])
        assert held is not None
        assert 60 <= held[2] - held[0] <= 500
    for frame in empty_frames(20, 11, take):
        assert code_like(frame) is None


@pytest.mark.parametrize("shape", [(11, 11), (11, 1280), (720, 11), (31, 31), (33, 33)])
def test_small_planes_have_no_region_that_is_out_of_them(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    box = code_like(plane)
    assert box is None or (box[0] >= 0 and box[2] <= shape[1] and box[3] <= shape[0])


# real passes


def test_a_hard_clip_is_read_where_plain_zxing_reads_nothing() -> None:
    visitors, take = make_visitors(2, 5)[1:], Take(difficulty="hard", gap_s=0.1)
    (card,) = visitors
    with build_live() as decoder:
        found = {
            each.data
            for index, luma in enumerate(render_clip(visitors, 5, take))
            for each in decoder.decode(Frame(luma, index / FPS))
        }
        assert found == {card.text.encode()}
        assert not decoder.failures


def test_sizes_that_alternate_and_frames_that_are_none() -> None:
    small = placed(rendered("small"), height=200, width=240, top=20, left=20)
    large = placed(rendered("large", scale=8), height=1500, width=2000, top=300, left=300)
    read = []
    with build_live(budget_s=0.5) as decoder:
        for index, luma in enumerate(
            [small, large, small[::-1, ::-1], np.zeros((1, 1), np.uint8)] * 3
        ):
            read += [found.text for found in decoder.decode(Frame(luma, index / FPS))]
        assert decoder.decode(Frame([[1], [2, 3]], 9.0)) == ()  # type: ignore[arg-type]
        assert decoder.failures == {"frame": 1}
    assert read == ["small", "large", "small"] * 3
