"""Recorded visitors: the same for the same seed, readable, and described truthfully."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import zxingcpp

from gatepost.demo.carriers import TITLES, plain
from gatepost.demo.clips import (
    ONLY_QR,
    Take,
    empty_frames,
    main,
    plan_clip,
    play_clip,
    reads,
    render_clip,
    write_clip,
    write_frames,
)
from gatepost.demo.scene import DIFFICULTIES, Appearance
from gatepost.demo.troubles import ANY, DRAW, NAMES, NONE, OF_CARRIER, trouble_of
from gatepost.demo.visitors import Visitor, make_visitors
from gatepost.errors import PictureError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.carriers import Pixels

SHORT = Take(gap_s=0.2)
SMALL = Take(size=(640, 360), gap_s=0.1, fps=15, difficulty="easy")


def someone(kind: str, seed: int = 3) -> Visitor:
    return next(visitor for visitor in make_visitors(8, seed) if visitor.kind.value == kind)


def bytes_of(seed: int, visitors: list[Visitor]) -> bytes:
    return b"".join(frame.tobytes() for frame in render_clip(visitors, seed, SMALL))


def whole(visitors: list[Visitor], take: Take) -> list[Pixels]:
    return list(render_clip(visitors, 1, take))


def test_the_same_seed_gives_the_same_bytes() -> None:
    visitors = make_visitors(1, 5)
    assert bytes_of(1, visitors) == bytes_of(1, visitors)


@pytest.mark.parametrize(
    ("text", "bare"),
    [("HỘ CHIẾU VẮC-XIN", "HO CHIEU VAC-XIN"), ("THỰC ĐƠN", "THUC DON"), ("đ 14:05", "d 14:05")],
)
def test_without_a_font_the_titles_lose_their_marks_only(text: str, bare: str) -> None:
    assert plain(text) == bare


def test_every_title_has_a_bare_form() -> None:
    for title in chain.from_iterable(TITLES.values()):
        assert len(plain(title)) == len(title)


def test_another_seed_gives_another_hall_and_other_noise() -> None:
    first, second = (next(empty_frames(1, seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_frames_are_luma_of_the_size_asked_for() -> None:
    frame = next(render_clip([], 1, Take(size=(800, 600), gap_s=1)))
    assert frame.dtype == np.uint8
    assert frame.shape == (600, 800)


def test_noise_differs_from_frame_to_frame() -> None:
    first, second = empty_frames(2, 1)
    assert 1 < np.abs(first.astype(int) - second).mean() < 8


def test_every_visitor_of_the_usual_kind_is_readable() -> None:
    visitors = make_visitors(8, 4)
    for visitor in visitors:
        plan = plan_clip([visitor], 4, SHORT).visitors[0]
        middle = (plan.first_frame + plan.last_frame) // 2 + 2
        frames = enumerate(render_clip([visitor], 4, SHORT))
        near = [frame for index, frame in frames if middle - 8 <= index <= middle + 8]
        assert sum(reads(frame, visitor) for frame in near) >= 10, visitor.name


def test_between_visitors_the_hall_is_empty() -> None:
    visitors = make_visitors(2, 6)
    take = Take(size=(640, 360), fps=10, gap_s=1.6)
    plan = plan_clip(visitors, 1, take)
    frames = whole(visitors, take)
    assert len(frames) == plan.frames
    first, second = plan.visitors
    assert first.first_frame == 16
    assert second.first_frame - first.last_frame - 1 == 16
    assert plan.frames - second.last_frame - 1 == 16
    empty = np.mean(frames[:16], axis=0)
    for index, frame in enumerate(frames):
        there = any(v.first_frame <= index <= v.last_frame for v in plan.visitors)
        changed = bool(np.abs(cv2.blur(frame, (9, 9)) - empty).max() > 60)
        assert there or not changed, index


def test_a_visitor_is_seen_from_the_first_frame_to_the_last() -> None:
    visitors = [someone("dcc")]
    frames = whole(visitors, SMALL)
    truth = plan_clip(visitors, 1, SMALL).visitors[0]
    before = frames[truth.first_frame - 1].astype(int)
    for index in (truth.first_frame + 1, truth.last_frame - 1):
        assert np.abs(cv2.blur(frames[index] - before, (9, 9))).max() > 15


def test_harder_conditions_make_harder_frames() -> None:
    visitor = someone("cccd")
    counts = []
    for difficulty in ("easy", "hard"):
        take = Take(gap_s=0, fps=10, difficulty=difficulty)
        counts.append(sum(reads(frame, visitor) for frame in render_clip([visitor], 1, take)))
    assert counts[0] > counts[1]


def middle_frame(visitor: Visitor, take: Take) -> Pixels:
    """Amid the hold, without the sensor's noise."""
    shown = visitor.presentation
    return Appearance(visitor, take.hall(1)).draw(shown.approach_s + shown.hold_s / 2, 1.0)


def carried(carrier: str) -> Visitor:
    return next(visitor for visitor in make_visitors(8, 3) if visitor.carrier == carrier)


@pytest.mark.parametrize(
    ("carrier", "trouble"), [(who, each) for who, names in OF_CARRIER.items() for each in names]
)
def test_every_trouble_changes_the_picture_the_same_way_each_time(
    carrier: str, trouble: str
) -> None:
    visitor = carried(carrier)
    size = (640, 360)
    take = Take(size=size, difficulty="usual", trouble=trouble)
    first, second = (middle_frame(visitor, take) for _ in range(2))
    assert np.array_equal(first, second)
    untroubled = middle_frame(visitor, Take(size=size, difficulty="usual"))
    assert np.abs(first.astype(int) - untroubled).max() > 25


def test_the_easier_difficulties_have_no_troubles() -> None:
    for name, conditions in DIFFICULTIES.items():
        assert conditions.trouble == (ANY if name == "hardest" else "")
    assert trouble_of("", "phone", 1) is NONE


def test_at_the_hardest_every_visitor_has_a_trouble_of_the_carrier() -> None:
    for carrier, suiting in OF_CARRIER.items():
        assert {trouble_of(ANY, carrier, seed).name for seed in range(80)} == set(suiting)


def test_every_trouble_is_somebodys_and_bears_its_name() -> None:
    assert set(DRAW) == set(NAMES) == {each for names in OF_CARRIER.values() for each in names}
    assert [trouble_of(name, "phone", 5).name for name in NAMES] == list(NAMES)


def test_in_dark_mode_the_modules_are_light() -> None:
    visitor = carried("phone")
    frame = middle_frame(visitor, Take(difficulty="easy", trouble="dark mode"))
    found = zxingcpp.read_barcodes(frame, formats=ONLY_QR)
    assert [code.text for code in found] == [visitor.text]
    assert not zxingcpp.read_barcodes(frame, formats=ONLY_QR, try_invert=False)


def test_what_is_too_far_comes_nearer_while_it_is_held() -> None:
    visitor = carried("card")
    motion = Appearance(visitor, Take(trouble="too far").hall(1)).motion
    begun = visitor.presentation.approach_s
    first, last = (motion.pose(begun + part * visitor.presentation.hold_s) for part in (0, 1))
    assert 1.05 < last.scale / first.scale < 1.3


def test_what_is_too_near_is_cut_off_or_blurred_at_first_and_readable_at_last() -> None:
    visitor = carried("paper")
    appearance = Appearance(visitor, Take(difficulty="easy", trouble="too near").hall(1))
    begun, held = visitor.presentation.approach_s, visitor.presentation.hold_s
    assert not reads(appearance.draw(begun, 1.0), visitor)
    assert reads(appearance.draw(begun + held, 1.0), visitor)


def test_the_truth_is_that_of_the_written_file(tmp_path: Path) -> None:
    visitors = make_visitors(2, 1)
    steps: list[tuple[int, int]] = []
    path = tmp_path / "clip.avi"
    truth = write_clip(
        path, visitors, 1, SHORT, progress=lambda done, frames: steps.append((done, frames))
    )
    frames = list(play_clip(path))
    assert len(frames) == truth.frames == steps[-1][0] == steps[-1][1]
    for seen in truth.visitors:
        window = range(seen.first_frame, seen.last_frame + 1)
        readable = [index for index in window if reads(frames[index], seen.visitor)]
        assert seen.first_readable == readable[0]
        assert len(readable) >= 10


def test_a_video_says_its_pace_and_keeps_its_pictures(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    truth = write_clip(path, [], 1, Take(fps=12.5, gap_s=1))
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == truth.frames == 13
    video.release()
    for written, rendered in zip(
        play_clip(path), render_clip([], 1, Take(fps=12.5, gap_s=1)), strict=True
    ):
        assert np.abs(written.astype(int) - rendered).mean() < 3


def test_a_folder_of_pictures_loses_nothing(tmp_path: Path) -> None:
    visitors = [someone("pc-covid")]
    truth = write_frames(tmp_path / "frames", visitors, 1, SMALL, suffix=".pgm")
    pictures = sorted((tmp_path / "frames").iterdir())
    assert len(pictures) == truth.frames
    for path, frame in zip(pictures, render_clip(visitors, 1, SMALL), strict=True):
        assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), frame)
    readable = truth.visitors[0].first_readable
    assert readable is not None
    assert reads(cv2.imread(str(pictures[readable]), cv2.IMREAD_GRAYSCALE), visitors[0])


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    path.write_bytes(b"not a video")
    with pytest.raises(PictureError, match=r"clip\.avi"):
        next(play_clip(path))


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be written"):
        write_clip(tmp_path / "missing" / "clip.avi", [], 1, SMALL)
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match="cannot be written"):
        write_frames(tmp_path / "file", [], 1, SMALL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fps": 0},
        {"size": (10, 10)},
        {"gap_s": -1},
        {"difficulty": "impossible"},
        {"trouble": "rain"},
    ],
)
def test_what_cannot_be_filmed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Take(**wrong)  # type: ignore[arg-type]


def test_the_command_prints_the_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "clip.avi"
    assert main([str(out), "--visitors", "1", "--fps", "10", "--gap", "0.1"]) == 0
    truth = json.loads(capsys.readouterr().out)
    assert truth["visitors"][0]["visitor"]["kind"] == "pc-covid"
    assert truth["visitors"][0]["first_readable"] is not None
    assert out.exists()


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "clip.avi"), "--visitors", "-1"]) == 2
    assert main([str(tmp_path / "missing" / "clip.avi"), "--visitors", "0"]) == 1
    assert "missing" in capsys.readouterr().err
