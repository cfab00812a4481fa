"""The camera's driver on a real Picamera2, where its Debian was built before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from camera_root import HOW, VirtualCamera, cached, lacking, run_within

if TYPE_CHECKING:
    from pathlib import Path

GREYS = (80, 160)


def virtual_camera(folder: Path, grey: int) -> VirtualCamera:
    """A camera that shows one grey: four pictures, which are opened soon."""
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.jpg"), np.full((720, 1280, 3), grey, np.uint8))
    return VirtualCamera(folder)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if why := lacking():
        pytest.skip(f"no real Picamera2 here: {why}")
    if (files := cached()) is None:
        pytest.skip(f"no Debian with a Picamera2 yet: {HOW}")
    folder = tmp_path_factory.mktemp("cameras")
    cameras = [virtual_camera(folder / str(grey), grey) for grey in GREYS]
    ran = run_within(files, cameras, "camera_trouble", bound_s=110)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_frames_come_whole_and_in_order(told: dict[str, Any]) -> None:
    found = told["frames"]
    assert found["shapes"] == [[720, 1280]]
    assert found["in_order"]


def test_a_camera_that_stops_is_restarted_in_place(told: dict[str, Any]) -> None:
    assert "gave no frame for 1.5 s" in told["restarted"]["told"]
    assert told["restarted"]["without_s"] > 1.5  # how much more: make bench-camera


def test_the_process_is_left_after_two_restarts_that_were_no_help(told: dict[str, Any]) -> None:
    assert told["left"]["errors"] == ["DeviceError", "DeviceError", "DeviceStuck"]


def test_a_camera_that_cannot_be_closed_is_left_with_the_process(told: dict[str, Any]) -> None:
    first, *_, last = told["unclosable"]["errors"]
    assert first.startswith("DeviceError: camera 0: gave no frame")
    assert last == "DeviceStuck: camera 0: hangs and cannot be closed: only a restart helps"


def test_a_camera_that_is_not_there_is_absent(told: dict[str, Any]) -> None:
    assert told["absent"] == {"error": "DeviceAbsent", "left_open": 0}


def test_a_camera_in_use_is_told_and_taken_when_it_is_free(told: dict[str, Any]) -> None:
    found = told["in_use"]
    assert "busy" in found["told"]
    assert found["left_open"] == 0
    assert found["then"] == [720, 1280]


def test_two_cameras_each_give_their_own_pictures(told: dict[str, Any]) -> None:
    assert sorted(told["two"]["greys"]) == pytest.approx(GREYS, abs=2)  # in any order


def test_opening_again_and_again_leaves_nothing_open(told: dict[str, Any]) -> None:
    assert told["reopened"]["left_open"] <= 0
