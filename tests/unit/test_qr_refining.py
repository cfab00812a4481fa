from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatepost.decoding.looks import Trace
from gatepost.decoding.qr.following import sought
from gatepost.decoding.qr.refining import preference, refine, refinements
from unit.qr_scenes import Places, Scene, View, noise

if TYPE_CHECKING:
    from gatepost.decoding.qr.placing import Placement


def worst(placed: Placement | None, scene: Scene) -> float:
    """How far a module is off at most, modules."""
    assert placed is not None
    assert placed.modules == scene.n
    gap = placed.middles() - scene.middles()
    return float(np.linalg.norm(gap, axis=2).max() / scene.view.module_px)


def trace(scene: Scene, off: Places | None = None, more: int = 0) -> Trace:
    return Trace(scene.corners(off), scene.n + more)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [1, 2, 6, 7, 14, 25, 40])
@pytest.mark.parametrize("module_px", [1.8, 3.0])
def test_every_module_is_placed_within_a_third(version: int, module_px: float) -> None:
    scene = Scene(View(version=version, module_px=module_px))
    assert worst(refine(scene.plane, trace(scene)), scene) < 0.35


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("version", [1, 3, 10])
def test_corners_off_by_a_module_and_the_last_by_three_are_mended(version: int, seed: int) -> None:
    scene = Scene(View(version=version, seed=seed, module_px=5))
    rng = np.random.default_rng(seed)
    off = rng.uniform(-0.8, 0.8, (4, 2)) * 5
    off[2] = rng.choice([-1, 1], 2) * 2.0 * 5
    placed = refine(scene.plane, trace(scene, off))
    assert worst(placed, scene) < 0.35
    assert placed is not None
    assert placed.score > 0.9


@pytest.mark.parametrize("more", [-4, 4])
@pytest.mark.parametrize("version", [3, 9, 20])
def test_a_wrong_number_of_modules_is_mended_by_the_timing_patterns(
    version: int, more: int
) -> None:
    scene = Scene(View(version=version, module_px=4))
    assert worst(refine(scene.plane, trace(scene, more=more)), scene) < 0.35


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("version", [4, 8, 15])
def test_waving_paper_is_followed_module_by_module(version: int, seed: int) -> None:
    scene = Scene(View(version=version, seed=seed, module_px=4, curl=0.8))
    placed = refine(scene.plane, trace(scene))
    assert placed is not None
    assert placed.bend is not None
    gap = np.linalg.norm(placed.middles() - scene.middles(), axis=2) / 4
    assert np.percentile(gap, 90) < 0.35
    rigid = placed._replace(bend=None)
    assert worst(rigid, scene) > 0.6


def test_glare_and_blur_leave_the_placement_right() -> None:
    scene = Scene(View(version=6, blur=0.4, glare=120, noise=4))
    assert worst(refine(scene.plane, trace(scene)), scene) < 0.35


def test_the_score_tells_a_symbol_from_none() -> None:
    scene = Scene(View())
    placed = refine(scene.plane, trace(scene))
    assert placed is not None
    assert placed.score > 0.9
    for plane in (noise(*scene.plane.shape, seed=5), np.full_like(scene.plane, 90)):
        other = refine(plane, trace(scene))
        assert other is None or other.score < 0.6


@pytest.mark.parametrize(
    "corners",
    [
        ((0, 0), (0, 0), (0, 0), (0, 0)),
        ((10, 10), (50, 10), (90, 10), (130, 10)),
        ((0, 0), (100, 100), (100, 0), (0, 100)),
        ((0, 0), (100, 0), (20, 20), (0, 100)),
    ],
)
def test_corners_of_no_square_give_no_placement(corners: tuple[tuple[int, int], ...]) -> None:
    plane = noise(120, 160, seed=1)
    assert refine(plane, Trace(corners, 25)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("modules", [0, 11, 20, 22, 181, -17])
def test_a_size_that_no_version_has_gives_no_placement(modules: int) -> None:
    scene = Scene(View())
    assert refine(scene.plane, Trace(scene.corners(), modules)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("shift", [-5000, 5000, 100_000])
def test_a_trace_outside_of_the_picture_gives_no_placement_of_worth(shift: int) -> None:
    scene = Scene(View())
    corners = tuple((x + shift, y) for x, y in scene.corners())
    placed = refine(scene.plane, Trace(corners, scene.n))  # type: ignore[arg-type]
    assert placed is None or (placed.score < 0.6 and np.isfinite(placed.matrix).all())


@pytest.mark.parametrize("modules", [21, 177])
def test_the_smallest_pictures_are_taken(modules: int) -> None:
    for plane in (noise(11, 11, seed=2), np.zeros((11, 11), np.uint8)):
        placed = refine(plane, Trace(((0, 0), (11, 0), (11, 11), (0, 11)), modules))
        assert placed is None or np.isfinite(placed.middles()).all()


def test_a_symbol_is_followed_as_it_moves_and_turns_a_little() -> None:
    before = Scene(View(version=5))
    after = Scene(View(version=5, turn_deg=23))
    placed = refine(before.plane, trace(before))
    assert placed is not None
    rolled = np.roll(after.plane, (14, -9), axis=(0, 1))
    guess = sought(rolled[10:], placed, before.plane)
    assert guess is not None
    found = refine(rolled[10:], guess)
    assert found is not None
    gap = np.linalg.norm(found.middles() - after.middles() - (-9, 4), axis=2) / 4
    assert gap.max() < 0.35


def test_a_symbol_that_went_away_is_followed_no_more() -> None:
    scene = Scene(View())
    placed = refine(scene.plane, trace(scene))
    assert placed is not None
    gone = np.full_like(scene.plane, 150)
    assert sought(gone, placed, scene.plane) is None
    assert sought(noise(*gone.shape, seed=9), placed, scene.plane) is None
    assert sought(gone[:50, :50], placed, scene.plane) is None


def test_flat_paper_is_told_before_any_bend() -> None:
    scene = Scene(View(version=6))
    told = list(refinements(scene.plane, trace(scene)))
    assert [it.bend is None for it in told] == [True]


def test_waving_paper_is_told_with_its_bend() -> None:
    scene = Scene(View(version=8, seed=0, module_px=4, curl=0.8))
    told = list(refinements(scene.plane, trace(scene)))
    assert any(it.bend is not None for it in told)
    best = max(told, key=preference)
    assert best.bend is not None


@pytest.mark.parametrize("seed", range(4))
def test_blur_wider_than_half_a_module_does_not_bend_flat_paper(seed: int) -> None:
    scene = Scene(View(version=5, module_px=5, blur=0.62, noise=1, seed=seed))
    assert worst(refine(scene.plane, trace(scene)), scene) < 0.35
