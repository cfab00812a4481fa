from __future__ import annotations

import cv2
import numpy as np
import pytest

from gatepost.decoding.looks import Trace
from gatepost.decoding.qr.placing import Placement, Plane
from gatepost.decoding.qr.refining import refine
from gatepost.decoding.qr.sampling import opinions, sample
from unit.qr_scenes import Scene, View, noise


def placement(scene: Scene) -> Placement:
    placed = refine(scene.plane, Trace(scene.corners(), scene.n))  # type: ignore[arg-type]
    assert placed is not None
    return placed


def wrong(scene: Scene, plane: Plane | None = None, *, equal: bool = True) -> float:
    """The share of modules with the wrong sign."""
    soft = sample(scene.plane if plane is None else plane, placement(scene), equal=equal)
    return float(np.mean((soft > 0) != scene.dark))


@pytest.mark.parametrize("version", [1, 3, 8, 20, 40])
@pytest.mark.parametrize("module_px", [1.8, 3.0, 6.0])
def test_every_module_of_a_clear_symbol_has_its_sign(version: int, module_px: float) -> None:
    if version * module_px > 130:
        module_px = 2.4
    assert wrong(Scene(View(version=version, module_px=module_px))) < 0.003


def test_large_values_are_those_that_are_clear() -> None:
    scene = Scene(View())
    soft = sample(scene.plane, placement(scene))
    assert soft.dtype == np.float32
    assert soft.shape == (scene.n, scene.n)
    assert np.abs(soft).max() <= 1
    assert np.median(np.abs(soft)) > 0.8


@pytest.mark.parametrize("version", [3, 8])
def test_blur_over_several_modules_is_undone(version: int) -> None:
    scene = Scene(View(version=version, module_px=5, blur=0.5, noise=2))
    assert wrong(scene, equal=False) > 0.04
    assert wrong(scene) < 0.003


def test_blur_by_motion_is_undone() -> None:
    scene = Scene(View(version=4, module_px=4, turn_deg=0))
    smeared = cv2.blur(scene.plane, (8, 1))
    assert wrong(scene, smeared, equal=False) > 0.1
    assert wrong(scene, smeared) < 0.04


def test_a_gradient_of_light_changes_no_sign() -> None:
    scene = Scene(View(version=5))
    width = scene.plane.shape[1]
    light = np.linspace(0.15, 1.0, width)[None, :]
    assert wrong(scene, (scene.plane * light).astype(np.uint8)) < 0.01


def test_what_is_washed_out_is_unknown_and_the_rest_is_right() -> None:
    scene = Scene(View(version=5))
    placed = placement(scene)
    middles = placed.middles()
    flat = scene.plane.copy()
    x, y = middles[18, 18]
    cv2.circle(flat, (round(x), round(y)), 24, 255, -1)
    soft = sample(flat, placed)
    far = np.linalg.norm(middles - (x, y), axis=2)
    assert np.abs(soft[far < 8]).max() < 0.1
    assert np.mean(((soft > 0) != scene.dark)[far > 45]) < 0.01


def test_a_bright_spark_takes_only_its_neighbours_along() -> None:
    scene = Scene(View(version=5))
    placed = placement(scene)
    middles = placed.middles()
    dim = (scene.plane * 0.2).astype(np.uint8)
    x, y = middles[20, 20]
    cv2.circle(dim, (round(x), round(y)), 3, 255, -1)
    soft = sample(dim, placed)
    far = np.linalg.norm(middles - (x, y), axis=2) > 3 * scene.view.module_px
    assert np.mean(((soft > 0) != scene.dark)[far]) < 0.01


@pytest.mark.parametrize("luma", [0, 128, 255])
def test_a_flat_picture_gives_no_confident_module(luma: int) -> None:
    soft = sample(np.full((200, 200), luma, np.uint8), placement(Scene(View())))
    assert np.isfinite(soft).all()
    assert np.abs(soft).max() < 0.1


@pytest.mark.parametrize("shape", [(11, 11), (11, 300), (480, 640)])
@pytest.mark.parametrize("shift", [0.0, -400.0, 1e6])
def test_values_are_finite_wherever_the_symbol_is_said_to_be(
    shape: tuple[int, int], shift: float
) -> None:
    matrix = np.array([(3.0, 0.2, shift), (0.1, 3.0, shift), (1e-4, 0, 1)])
    bend = np.full((25, 25, 2), 0.4, np.float32)
    for placed in (Placement(matrix, 25), Placement(matrix, 25, bend=bend)):
        soft = sample(noise(*shape, seed=4), placed)
        assert np.isfinite(soft).all()
        assert np.abs(soft).max() <= 1


def test_the_second_opinion_undoes_wide_blur_better() -> None:
    scene = Scene(View(version=5, module_px=5, blur=0.66, noise=1))
    first, second = (
        np.mean((soft > 0) != scene.dark) for soft in opinions(scene.plane, placement(scene))
    )
    assert first > 0.004
    assert second < first * 0.8


def test_opinions_begin_with_the_sample_and_stay_within_their_range() -> None:
    scene = Scene(View())
    first, second = opinions(scene.plane, placement(scene))
    assert np.array_equal(first, sample(scene.plane, placement(scene)))
    assert np.abs(second).max() <= 1
    assert np.mean((second > 0) != scene.dark) < 0.003


@pytest.mark.parametrize("luma", [0, 255])
def test_opinions_of_a_flat_picture_are_finite(luma: int) -> None:
    flat = np.full((200, 200), luma, np.uint8)
    for soft in opinions(flat, placement(Scene(View()))):
        assert np.isfinite(soft).all()
