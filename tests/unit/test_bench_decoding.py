"""The decoding bench counts what it says it counts."""

from __future__ import annotations

import importlib
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.decoding_scores import Seen, lag, quantile, total
from unit.pictures import Luma, placed, rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BENCH = Path(__file__).parents[1] / "bench"
NEVER = float("inf")
Load = Any


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Load]:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module


def read_at(*frames: int, looked: int = 10) -> Seen:
    seen = Seen(looked=looked, cpu_ms=[2.0] * looked, wall_ms=[3.0] * looked)
    for frame in frames:
        seen.hit(frame, frame)
    return seen


def test_a_lag_is_counted_from_the_unions_first_read() -> None:
    assert lag(7, 4) == 3
    assert lag(2, 4) == -2
    assert lag(None, 4) == NEVER
    assert lag(7, None) is None


def test_a_sum_holds_frames_clips_and_lags() -> None:
    union = [read_at(2), read_at(5), read_at(0), read_at()]
    found = total([read_at(3, 4), read_at(), read_at(9), read_at(1)], union)
    assert (found.clips, found.once, found.looked, found.read) == (4, 3, 40, 4)
    assert found.lags == (1, NEVER, 9)
    assert found.soon == pytest.approx(1 / 3)
    assert (found.median_ms, found.longest_ms) == (2, 3)


def test_a_quantile_is_a_lag_that_came_about() -> None:
    assert quantile([3, 1, NEVER], 0.5) == 3
    assert quantile([3, 1, NEVER], 0.95) == NEVER
    assert np.isnan(quantile([], 0.5))


def test_a_late_word_counts_for_the_frame_it_was_read_in(load: Load) -> None:
    runs, contestants = load("decoding_runs"), load("decoding_contestants")

    @contextmanager
    def begin() -> Iterator[Any]:
        def look(frame: Luma, taken: float) -> list[Any]:
            told = {4: [("CODE", 2 / 30)], 5: [("CO DE", taken), ("NEVER SHOWN", taken)]}
            return [contestants.Read(*each) for each in told.get(int(frame[0, 0]), [])]

        yield look

    frames = [np.full((4, 4), index, np.uint8) for index in range(8)]
    player = contestants.Contestant("slow", begin)
    seen = runs._play(frames, [player], {"CODE"}, since=2)["slow"]
    assert (seen.read, seen.first, seen.looked) == ({2, 5}, 4, 6)
    assert seen.false == ["NEVER SHOWN"]
    assert len(seen.cpu_ms) == len(frames)


@pytest.mark.parametrize("live", [False, True])
def test_every_contestant_reads_a_plain_code_and_nothing_in_grey(load: Load, *, live: bool) -> None:
    everybody = load("decoding_contestants").contestants(live=live, opencv_every=1)
    contestants = [player for player in everybody if player.name != "in 33 ms"]  # a matter of luck
    code = placed(rendered("PLAIN"), height=240, width=320, top=40, left=60)
    grey = np.full_like(code, 128)
    runs = load("decoding_runs")
    for player in contestants:
        seen = runs._play([grey, *[code] * 12], [player], {"PLAIN"})[player.name]
        assert seen.read, player.name
        assert 0 not in seen.read
        assert not seen.false


def test_one_who_raises_read_nothing(load: Load) -> None:
    contestants = load("decoding_contestants")

    def fails(_luma: Luma) -> list[str]:
        raise ValueError

    with contestants._plain(lambda: fails)() as look:
        assert look(np.zeros((9, 9), np.uint8), 0.0) == []


def test_a_missed_aim_is_marked(load: Load) -> None:
    runs, tables = load("decoding_runs"), load("decoding_tables")
    table = runs.Table(("gatepost", "zxing-cpp", "union"))
    for ours in (read_at(1, 2, 3, 4), read_at()):
        row = {"gatepost": ours, "zxing-cpp": read_at(1, 2), "union": read_at(1, 2)}
        table.add("hardest/card, card/dusk", row)
    rows = {row.what.split(",")[0]: row for row in tables.of_clips(table)}
    assert rows["frames of the hardest clips read"].measured == "1.00"
    assert not rows["frames of the hardest clips read"].met
    assert rows["hardest clips read in the end"].cells()[2] == "1 of 2 (missed)"
    assert rows["texts in clips that nobody showed"].met


def test_the_clips_cover_every_level_code_and_trouble(load: Load) -> None:
    films = load("decoding_clips")
    troubles = importlib.import_module("gatepost.demo.troubles")
    clips = films.choose([1], quick=False)
    assert {clip.level for clip in clips} == set(films.LEVELS)
    assert {clip.trouble for clip in clips if clip.level == "hardest"} == set(troubles.NAMES)
    assert len({clip.name for clip in clips}) == len(clips)
    short = films.choose([1], quick=True)
    assert len({(clip.what, clip.visitor.carrier) for clip in short}) == 5
    assert {clip.level for clip in short} == set(films.LEVELS)


def test_a_written_clip_has_its_frames_and_its_truth(load: Load, tmp_path: Path) -> None:
    films, zxing = load("decoding_clips"), load("decoding_contestants").ZXING
    clip = films.choose([1], quick=True)[0]
    films.write(tmp_path, [clip], lambda _: None)
    truth = json.loads((tmp_path / "truth.json").read_text("utf-8"))[0]
    pictures = sorted((tmp_path / clip.name).iterdir())
    assert truth["frames"] == len(pictures) <= films.MOST
    assert truth["text"] == clip.visitor.text
    last = importlib.import_module("cv2").imread(str(pictures[-1]), 0)
    with zxing.begin() as look:
        assert [read.text for read in look(last, 0.0)] == [truth["text"]]


def test_noise_and_halls_are_frames_of_a_camera(load: Load) -> None:
    films = load("decoding_clips")
    for frames in (films.empty(1, 1, "hardest"), films.people(1, 1, "easy"), films.noise(2, 1)):
        for frame in frames:
            assert frame.shape == (720, 1280)
            assert frame.dtype == np.uint8
