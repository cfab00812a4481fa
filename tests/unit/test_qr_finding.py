from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from gatepost.decoding.looks import Trace
from gatepost.decoding.qr.finding import MOST_TRACES, find, search
from unit.qr_scenes import Scene, View, noise


def off(trace: Trace, scene: Scene) -> float:
    """How far the three corners that have a finder pattern are off at most, modules."""
    gap = np.array(trace.corners, np.float64) - np.array(scene.corners())
    return float(np.abs(gap[[0, 1, 3]]).max() / scene.view.module_px)


@pytest.mark.parametrize("turn", [0, 30, 45, 90, 135, 200, 290])
def test_a_code_turned_by_any_angle_is_found_first(turn: int) -> None:
    scene = Scene(View(turn_deg=turn))
    best = find(scene.plane)[0]
    assert best.modules == scene.n
    assert off(best, scene) < 1.5


@pytest.mark.parametrize("version", [1, 2, 7, 14, 25, 40])
def test_a_code_of_any_version_is_found_with_its_modules_counted(version: int) -> None:
    scene = Scene(View(version=version, module_px=3.0, tilt=0.04))
    best = find(scene.plane)[0]
    assert best.modules == scene.n
    assert off(best, scene) < 2.5


@pytest.mark.parametrize("module_px", [2.4, 4.0, 9.0, 18.0])
def test_small_and_large_modules_are_found(module_px: float) -> None:
    scene = Scene(View(module_px=module_px, turn_deg=10))
    best = find(scene.plane)[0]
    assert best.modules == scene.n
    assert off(best, scene) < 1.5


def test_a_code_blurred_by_half_a_module_is_found() -> None:
    scene = Scene(View(blur=0.5, noise=4, module_px=4))
    assert off(find(scene.plane)[0], scene) < 1.5


def test_light_on_dark_is_found_in_the_inverted_picture() -> None:
    scene = Scene(View())
    assert off(find(255 - (255 - scene.plane))[0], scene) < 1.5
    assert not [it for it in find(255 - scene.plane) if off(it, scene) < 1.5]


def test_a_mirrored_code_is_found_as_its_transposed_self() -> None:
    scene = Scene(View(turn_deg=0, tilt=0))
    best = find(np.ascontiguousarray(scene.plane.T))[0]
    assert best.modules == scene.n
    assert off(best, scene) < 1.5


def test_two_codes_in_a_picture_are_both_found() -> None:
    one, two = Scene(View(seed=1)), Scene(View(seed=2, turn_deg=70))
    plane = np.hstack([one.plane, two.plane])
    found = find(plane)
    assert min(off(it, one) for it in found) < 1.5
    shift = one.plane.shape[1]
    moved = [Trace(tuple((x - shift, y) for x, y in it.corners), it.modules) for it in found]
    assert min(off(it, two) for it in moved) < 1.5


def test_a_picture_of_25_megapixels_is_searched_and_its_code_found() -> None:
    scene = Scene(View(module_px=12, turn_deg=5))
    plane = np.full((5000, 5000), 170, np.uint8)
    height, width = scene.plane.shape
    plane[2000 : 2000 + height, 1000 : 1000 + width] = scene.plane
    found = find(plane)
    moved = [Trace(tuple((x - 1000, y - 2000) for x, y in it.corners), it.modules) for it in found]
    assert min(off(it, scene) for it in moved) < 1.5


@pytest.mark.parametrize("shape", [(11, 11), (11, 400), (400, 11), (21, 21), (64, 64)])
@pytest.mark.parametrize("luma", [0, 128, 255])
def test_nothing_is_found_in_flat_pictures_of_any_shape(shape: tuple[int, int], luma: int) -> None:
    assert find(np.full(shape, luma, np.uint8)) == []


@pytest.mark.parametrize("blur", [0.0, 1.0, 2.5])
def test_noise_gives_few_traces_of_a_possible_size(blur: float) -> None:
    plane = noise(480, 640, 3)
    if blur:
        soft = cv2.GaussianBlur(plane, (0, 0), blur)
        plane = cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    found = find(plane)
    assert len(found) <= MOST_TRACES
    assert all(21 <= it.modules <= 177 and it.modules % 4 == 1 for it in found)


def test_a_chessboard_and_stripes_hold_no_code() -> None:
    y, x = np.mgrid[0:480, 0:640]
    assert find((((x // 8 + y // 8) % 2) * 255).astype(np.uint8)) == []
    assert find(((x // 5 % 2) * 255).astype(np.uint8)) == []


@pytest.mark.parametrize("module_px", [2.4, 4.0, 9.0, 18.0])
def test_a_search_comes_upon_what_find_finds(module_px: float) -> None:
    scene = Scene(View(module_px=module_px, turn_deg=10))
    assert min(off(trace, scene) for trace in search(scene.plane)) < 1.5


def test_a_search_tells_no_trace_twice() -> None:
    scene = Scene(View(module_px=8))
    traces = list(search(scene.plane))
    near = [trace for trace in traces if off(trace, scene) < 1.5]
    assert len(near) == 1
    assert len(traces) <= MOST_TRACES


def test_a_search_of_the_same_picture_tells_the_same_in_every_thread() -> None:
    planes = [Scene(View(seed=seed, noise=6)).plane for seed in range(8)]
    alone = [list(search(plane)) for plane in planes]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda plane: list(search(plane)), planes))
    assert together == alone
