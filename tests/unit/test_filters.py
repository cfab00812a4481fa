"""Filters: luma in, luma out; what each is for, on the least picture that shows it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatepost.decoding import filters
from unit.pictures import Luma, rendered

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = rendered("filtered", scale=4)
SAME_SIZE: list[Callable[[Luma], Luma]] = [
    partial(filters.blurred, sigma=1.0),
    partial(filters.sharpened, sigma=1.5, amount=1.5),
    filters.darkened,
    filters.equalised,
    filters.locally_contrasted,
    filters.flattened,
    filters.thresholded,
]


@pytest.mark.parametrize("change", SAME_SIZE)
@pytest.mark.parametrize("shape", [(11, 11), (11, 400), (300, 12), (1, 1)])
def test_any_plane_is_taken_and_left_as_it_was(
    change: Callable[[Luma], Luma], shape: tuple[int, int]
) -> None:
    plane = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    before = plane.copy()
    plane.flags.writeable = False
    changed = change(plane)
    assert (changed.shape, changed.dtype) == (shape, np.uint8)
    assert np.array_equal(plane, before)


def test_enlarged_and_halved_have_their_sizes_and_bounds() -> None:
    plane = np.zeros((30, 50), np.uint8)
    assert filters.enlarged(plane).shape == (60, 100)
    assert filters.halved(plane).shape == (15, 25)
    assert filters.halved(np.zeros((1, 1), np.uint8)).shape == (1, 1)
    large = filters.enlarged(np.zeros((1500, 2000), np.uint8))
    assert 0.99 * filters.MOST_PIXELS <= large.size <= filters.MOST_PIXELS
    huge = np.zeros((2000, 2500), np.uint8)
    assert filters.enlarged(huge).shape == huge.shape


def test_blurring_takes_noise_away_and_sharpening_brings_edges_back() -> None:
    noise = np.random.default_rng(1).normal(128, 30, (80, 80)).clip(0, 255).astype(np.uint8)
    assert filters.blurred(noise, 2.0).std() < 0.3 * noise.std()
    soft = filters.blurred(CODE, 1.5)
    sharp = filters.sharpened(soft, 1.5, 1.5)
    assert np.abs(sharp.astype(int) - CODE).mean() < 0.7 * np.abs(soft.astype(int) - CODE).mean()


def test_darkening_gives_contrast_to_what_is_bright() -> None:
    washed = np.uint8(200) + CODE // 8
    assert np.ptp(filters.darkened(washed)) > 1.5 * np.ptp(washed)


def test_equalising_gives_contrast_to_what_is_dim() -> None:
    assert np.ptp(filters.equalised(CODE // 16)) == 255


@pytest.mark.parametrize("change", [filters.flattened, filters.locally_contrasted])
def test_uneven_light_is_evened(change: Callable[[Luma], Luma]) -> None:
    ramp = np.linspace(0, 150, CODE.shape[1])
    uneven = (ramp + CODE / 4).astype(np.uint8)
    right = change(uneven)[:, -40:].mean(), change(uneven)[:, :40].mean()
    assert abs(right[0] - right[1]) < 0.7 * abs(uneven[:, -40:].mean() - uneven[:, :40].mean())


def test_flattening_makes_nothing_of_faint_noise() -> None:
    faint = np.random.default_rng(2).integers(126, 131, (60, 60), np.uint8)
    assert filters.flattened(faint).std() < 60


def test_thresholding_leaves_black_and_white() -> None:
    uneven = (np.linspace(0, 150, CODE.shape[1]) + CODE / 4).astype(np.uint8)
    changed = filters.thresholded(uneven)
    assert set(np.unique(changed).tolist()) == {0, 255}
    assert (changed == CODE).mean() > 0.85
