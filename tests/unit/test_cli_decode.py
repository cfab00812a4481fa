from __future__ import annotations

import argparse
import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gatepost.cli import decode
from unit.pictures import placed, recorded, rendered, saved

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = np.full((120, 160), 200, np.uint8)


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    decode.add_parser(parser.add_subparsers())
    args = parser.parse_args(["decode", *argv])
    return int(args.run(args))


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Four frames of one camera: nobody, a visitor, nobody, another visitor."""
    folder = tmp_path / "gate"
    folder.mkdir()
    first = placed(rendered("Nguyễn"), height=200, width=200, top=40, left=40)
    second = placed(rendered("Trần"), height=200, width=200, top=40, left=40)
    for number, luma in {1: EMPTY, 2: first, 3: EMPTY, 10: second}.items():
        saved(folder / f"frame{number}.png", luma)
    return folder


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_gives_a_line_a_picture(gate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(gate), "--json") == 0
    told = lines(capsys)
    assert [each["image"] for each in told] == [f"{gate}/frame{n}.png" for n in (1, 2, 3, 10)]
    assert [each["texts"] for each in told] == [[], ["Nguyễn"], [], ["Trần"]]
    assert set(told[0]) == {"image", "texts", "symbols", "ms", "hint", "passes"}
    (found,) = told[1]["symbols"]
    assert set(found) == {"text", "symbology", "corners", "pass"}
    assert (found["symbology"], found["pass"]) == ("qr", "zxing")
    assert np.array(found["corners"]).shape == (4, 2)


def test_folders_are_walked_and_paths_are_given_as_found(
    tmp_path: Path, gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (gate / "notes.txt").write_text("no picture")
    deep = tmp_path / "all" / "b10" / "c"
    deep.mkdir(parents=True)
    saved(deep / "x.JPG".lower(), EMPTY)
    saved(tmp_path / "all" / "b2.png", EMPTY)
    assert run(str(tmp_path / "all") + "/", str(gate / "frame2.png"), "--json") == 0
    assert [each["image"] for each in lines(capsys)] == [
        f"{tmp_path}/all/b2.png",
        f"{tmp_path}/all/b10/c/x.jpg",
        f"{gate}/frame2.png",
    ]


def test_a_clip_is_frames_in_order_and_nothing_is_carried_over(
    gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--clip", str(gate), "--json") == 0
    *frames, end = lines(capsys)
    assert [each["texts"] for each in frames] == [[], ["Nguyễn"], [], ["Trần"]]
    assert end == {
        "clip": str(gate),
        "frames": 4,
        "frames_read": 2,
        "first_read_frame": 1,
        "texts": ["Nguyễn", "Trần"],
    }


def test_several_clips_and_one_without_any_code(
    tmp_path: Path, gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = tmp_path / "still"
    still.mkdir()
    saved(still / "1.png", EMPTY)
    for argv in (
        ("--clip", str(gate), "--clip", str(still), "--json"),
        ("--clip", str(gate), str(still), "--json"),
        (str(gate), str(still), "--json", "--clip"),
    ):
        assert run(*argv) == 0
        ends = [each for each in lines(capsys) if "clip" in each]
        assert [each["first_read_frame"] for each in ends] == [1, None]
        assert ends[1]["texts"] == []


def test_pictures_and_clips_in_one_go(gate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(gate / "frame2.png"), "--clip", str(gate), "--json") == 0
    told = lines(capsys)
    assert [each.get("texts") for each in told[:2]] == [["Nguyễn"], []]
    assert told[-1]["frames"] == 4


@pytest.mark.parametrize("argv", [[], ["--json"], ["--clip"]])
def test_nothing_named_is_a_usage_error(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == 2
    assert "name a picture" in capsys.readouterr().err


def test_a_video_is_a_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = placed(rendered("moving", scale=6), height=240, width=320, top=20, left=60)
    path = recorded(tmp_path / "visit.avi", [np.full_like(code, 90), code, code], 10.0)
    assert run(str(path), "--json") == 0
    *frames, end = lines(capsys)
    assert [each["texts"] for each in frames] == [[], ["moving"], ["moving"]]
    assert frames[1]["image"] == f"{path}#1"
    assert (end["frames"], end["frames_read"], end["first_read_frame"]) == (3, 2, 1)


def cut_video(folder: Path) -> Path:
    """Half of the bytes of a video of 60 frames."""
    noise = np.random.default_rng(1)
    frames = [noise.integers(0, 255, (120, 160), np.uint8) for _ in range(60)]
    whole = recorded(folder / "whole.avi", frames, 10.0)
    half = folder / "half.avi"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return half


def test_a_video_that_is_cut_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cut_video(tmp_path)
    assert run(str(path), "--json") == 1
    *frames, end = lines(capsys)
    assert 20 < len(frames) < 40
    assert end["frames"] == len(frames)
    assert end["error"] == f"ends after {len(frames)} of 60 frames"
    assert run(str(path)) == 1
    assert capsys.readouterr().err == f"gatepost decode: {str(path)!r}: {end['error']}\n"


def test_a_clip_of_nothing_has_no_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--clip", str(tmp_path), "--json") == 1
    error, end = lines(capsys)
    assert error == {"image": str(tmp_path), "error": "no pictures in this folder"}
    assert (end["frames"], end["frames_read"], end["first_read_frame"]) == (0, 0, None)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_progress_is_shown_where_results_go_to_a_file(gate: Path, options: list[str]) -> None:
    ours, theirs = pty.openpty()
    with open(ours, "rb", 0) as terminal, (gate / "out").open("wb") as out:  # noqa: PTH123
        command = [sys.executable, "-m", "gatepost", "decode", str(gate), *options]
        done = subprocess.run(command, stdout=out, stderr=theirs, timeout=50, check=False)
        os.close(theirs)
        assert done.returncode == 0
        assert terminal.read(1000) == b"\r1 \r2 \r3 \r4 \r\x1b[K"
    assert (gate / "out").read_text().count("\x1b") == 0


def test_what_cannot_be_opened_is_told_and_the_rest_is_done(
    gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (gate / "frame3.png").write_bytes(b"torn")
    assert run(str(gate), "--json") == 1
    told = lines(capsys)
    assert told[2] == {"image": f"{gate}/frame3.png", "error": "not a picture that can be read"}
    assert told[3]["texts"] == ["Trần"]


@pytest.mark.parametrize("name", ["empty", "torn.avi"])
def test_a_folder_without_pictures_and_a_torn_video_are_told(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    else:
        path.write_bytes(b"RIFF")
    assert run(str(path), "--json") == 1
    assert lines(capsys)[0]["image"] == str(path)


def test_a_missing_path_is_a_usage_error(gate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(gate), str(gate / "nowhere"), "--json") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "nowhere" in told.err


@pytest.mark.parametrize("budget", ["0", "-1", "soon", "nan", "inf"])
def test_a_budget_that_is_none_is_a_usage_error(gate: Path, budget: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(str(gate), f"--budget-ms={budget}")
    assert caught.value.code == 2


def test_a_budget_is_taken(gate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(gate), "--json", "--budget-ms", "500") == 0
    assert lines(capsys)[1]["texts"] == ["Nguyễn"]


def test_people_get_rows_and_a_summary(gate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (gate / "frame3.png").unlink()
    saved(gate / "frame4.png", rendered("two\nlines \x1b[31m\u202etxt"))
    (gate / "frame5.png").write_bytes(b"torn")
    assert run(str(gate)) == 1
    told = capsys.readouterr()
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    assert r"two\nlines \x1b[31m\u202etxt" in told.out
    assert "nothing read" in told.out
    assert told.out.splitlines()[-1].startswith("5 pictures: 3 read, 1 without a code")
    assert told.err == ""


def test_people_see_what_came_of_a_clip(gate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--clip", str(gate)) == 0
    assert f"{gate}: 4 frames, 2 read, the first is number 1" in capsys.readouterr().out


def test_lines_stay_lines_whatever_texts_and_names_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    text = "a\u2028b\u0085c\x9bd"
    saved(tmp_path / "x.png", rendered(text, encoding="utf-8")).rename(broken)
    assert run(str(tmp_path), "--json") == 0
    told = capsys.readouterr().out
    assert len(told.splitlines()) == 1
    assert json.loads(told)["texts"] == [text]
    assert json.loads(told)["image"] == broken
    assert run(str(tmp_path)) == 0
    assert "caf\\udce9.png" in capsys.readouterr().out


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    assert "gatepost decode photos/ --json" in capsys.readouterr().out
