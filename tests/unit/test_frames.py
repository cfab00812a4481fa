from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatepost.clock import SystemClock
from gatepost.drivers.frames import FrameReplay, open_clip
from gatepost.errors import PictureError
from unit.pictures import Luma, ManualClock, recorded, saved

if TYPE_CHECKING:
    from pathlib import Path


def level(number: int) -> Luma:
    """Frame `number`, told by its grey."""
    return np.full((48, 64), 10 + 5 * number, np.uint8)


def number_of(luma: Luma) -> int:
    return round((float(luma.mean()) - 10) / 5)


@pytest.fixture(params=["folder", "video"])
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Twelve frames at 10 a second."""
    frames = [level(number) for number in range(12)]
    if request.param == "video":
        return recorded(tmp_path / "clip.avi", frames, 10.0)
    folder = tmp_path / "clip"
    folder.mkdir()
    for number, frame in enumerate(frames):
        saved(folder / f"frame{number}.png", frame)  # frame10 comes after frame9
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_fast_gives_every_frame_with_the_time_it_was_taken(clip: Path) -> None:
    clock = ManualClock(50.0)
    with FrameReplay(clip, clock=clock, pace="fast", fps=10) as source:
        assert source.started is None
        given = []
        while not source.ended:
            clock.now += 1.0
            frame = source.next_frame(0)
            if frame is not None:
                assert frame.taken == clock.now
                assert frame.luma.dtype == np.uint8
                given.append(number_of(frame.luma))
        assert given == list(range(12))
        assert source.started == 51.0
        assert source.next_frame(0) is None


def test_real_gives_the_frame_due_and_skips_those_passed(clip: Path) -> None:
    clock = ManualClock(50.0)
    with FrameReplay(clip, clock=clock, pace="real", fps=10) as source:
        seen = []
        for now in (50.0, 50.05, 50.1, 50.58, 50.6, 51.05):
            clock.now = now
            frame = source.next_frame(0)
            seen.append(None if frame is None else (number_of(frame.luma), round(frame.taken, 6)))
        assert seen == [(0, 50.0), None, (1, 50.1), (5, 50.5), (6, 50.6), (10, 51.0)]
        assert source.started == 50.0
        assert not source.ended


def test_real_ends_when_the_last_frame_has_passed(clip: Path) -> None:
    clock = ManualClock(50.0)
    with FrameReplay(clip, clock=clock, fps=10) as source:
        assert source.next_frame(0) is not None
        clock.now = 60.0
        assert source.next_frame(0) is None
        assert source.ended
        assert source.next_frame(0) is None


def test_real_waits_for_the_frame_that_is_due(clip: Path) -> None:
    with FrameReplay(clip, clock=SystemClock(), fps=10) as source:
        first, second = source.next_frame(1), source.next_frame(1)
    assert first is not None
    assert second is not None
    assert second.taken - first.taken == pytest.approx(0.1)


def test_real_waits_no_longer_than_asked(clip: Path) -> None:
    clock = SystemClock()
    with FrameReplay(clip, clock=clock, fps=10) as source:
        source.next_frame(0)
        begun = clock.boottime()
        assert source.next_frame(0.01) is None
        assert clock.boottime() - begun < 0.09


@pytest.mark.parametrize("pace", ["real", "fast"])
def test_loop_begins_again_and_time_goes_on(clip: Path, pace: str) -> None:
    clock = ManualClock(0.0)
    with FrameReplay(clip, clock=clock, pace=pace, fps=10, loop=True) as source:
        given = []
        for step in range(30):
            clock.now = step / 10
            frame = source.next_frame(0)
            assert frame is not None
            assert frame.taken == pytest.approx(clock.now)
            given.append(number_of(frame.luma))
        assert given == [*range(12), *range(12), *range(6)]
        assert not source.ended


def test_loop_finds_its_place_after_a_long_gap(clip: Path) -> None:
    clock = ManualClock(0.0)
    with FrameReplay(clip, clock=clock, fps=10, loop=True) as source:
        source.next_frame(0)
        clock.now = 12 * 1_000_000 / 10 + 0.7
        frame = source.next_frame(0)
        assert frame is not None
        assert number_of(frame.luma) == 7


def test_start_and_end_are_logged(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gatepost.drivers.frames")
    with FrameReplay(clip, clock=ManualClock(5.0), pace="fast", fps=10) as source:
        while not source.ended:
            source.next_frame(0)
    assert [record.message for record in caplog.records] == ["replay started", "replay ended"]
    fields = vars(caplog.records[0])["fields"]
    assert fields == {"path": clip.name, "frames": 12, "fps": 10.0, "boot_s": 5.0}


def test_a_video_brings_its_own_pace(tmp_path: Path) -> None:
    path = recorded(tmp_path / "clip.avi", [level(0)], 25.0)
    assert open_clip(path, fps=7).fps == 25.0


def test_a_video_cut_in_half_gives_what_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 120, 160), np.uint8)
    path = recorded(tmp_path / "clip.avi", list(noise), 25.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    given = 0
    with FrameReplay(path, clock=ManualClock(), pace="fast") as source:
        while not source.ended:
            given += source.next_frame(0) is not None
    assert 15 <= given <= 25
    assert f"ends after {given} of 40 frames" in caplog.text


def test_a_broken_picture_in_a_folder_is_a_lost_frame(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path / "1.png", level(1))
    (tmp_path / "2.png").write_bytes(b"torn")
    saved(tmp_path / "3.png", level(3))
    given = []
    with FrameReplay(tmp_path, clock=ManualClock(), pace="fast") as source:
        while not source.ended:
            frame = source.next_frame(0)
            given += [] if frame is None else [number_of(frame.luma)]
    assert given == [1, 3]
    assert "2.png" in caplog.text


def test_one_picture_is_a_clip(tmp_path: Path) -> None:
    path = saved(tmp_path / "only.png", level(4))
    clock = ManualClock()
    with FrameReplay(path, clock=clock, loop=True) as source:
        for _ in range(3):
            frame = source.next_frame(0)
            assert frame is not None
            assert number_of(frame.luma) == 4
            clock.now += 1.0


@pytest.mark.parametrize("kind", ["missing", "empty-folder", "text.png", "text.avi", "text.bin"])
def test_what_is_no_clip_is_told_with_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "empty-folder":
        path.mkdir()
    elif kind != "missing":
        path.write_text("neither a picture nor a video")
    with pytest.raises(PictureError, match=kind), FrameReplay(path, clock=ManualClock()):
        pass


def test_after_its_end_it_gives_nothing(clip: Path) -> None:
    source = FrameReplay(clip, clock=ManualClock())
    assert source.next_frame(0) is None
    with source:
        assert source.next_frame(0) is not None
    assert source.next_frame(0) is None
