"""Motion blur: which way it goes, and that it is undone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gatepost.decoding.gradients import tensor_of
from gatepost.decoding.limits import Limit
from gatepost.decoding.looks import Look
from gatepost.decoding.passes import ZxingPass
from gatepost.decoding.smears import LENGTHS, SmearPass, _line, undone
from unit.pictures import Luma, ManualClock, rendered
from unit.scripted import Scripted, reads

CODE = rendered("moved by hand", scale=5)


def direction(luma: Luma) -> tuple[float, float]:
    tensor = tensor_of(cv2.GaussianBlur(luma, (0, 0), 1.0).astype(np.float32))
    return tensor.level, tensor.evenness


def smeared(plane: Luma, length: float, degrees: float) -> Luma:
    """Moved by `length` pixels while the shutter was open, in the direction of `degrees`."""
    kernel = np.fft.fftshift(_line(round(length * 4), round(degrees), (41, 41)))
    return np.asarray(cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 165])
def test_the_direction_of_a_smear_shows(degrees: int) -> None:
    angle, evenness = direction(smeared(CODE, 13, degrees))
    apart = (np.degrees(angle) - degrees + 90) % 180 - 90
    assert abs(apart) < 12
    assert evenness < 0.6


def test_a_code_held_still_has_none_and_is_not_looked_at() -> None:
    assert direction(CODE)[1] > 0.75
    inner = Scripted("inner", reads(b"x"))
    assert SmearPass(inner, inner, Limit()).look(CODE) == Look()
    assert not inner.planes


def test_a_flat_plane_has_none() -> None:
    assert direction(np.full((60, 80), 99, np.uint8)) == (np.pi / 2, 1.0)


@pytest.mark.parametrize("degrees", [0, 45, 120])
@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_undone_is_nearer_to_what_it_was(length: float, degrees: int) -> None:
    blurred = smeared(CODE, length, degrees)
    sharp = undone(blurred, length, np.radians(degrees))
    assert sharp.shape == CODE.shape
    before, after = (np.abs(plane.astype(int) - CODE).mean() for plane in (blurred, sharp))
    assert after < 0.7 * before


@pytest.mark.parametrize("shape", [(11, 11), (11, 400), (300, 12), (1, 90)])
def test_planes_of_any_shape_are_undone(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    assert undone(plane, 13.0, 0.7).shape == shape


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_a_smeared_code_is_read_that_is_not_as_it_is(degrees: int) -> None:
    plain = ZxingPass()
    blurred = smeared(CODE, 13, degrees)
    assert not plain.look(blurred).symbols
    (found,) = SmearPass(plain, plain, Limit()).look(blurred).symbols
    assert (found.data, found.pass_name) == (b"moved by hand", "smear")
    (left, top), _, (right, bottom), _ = found.corners
    assert (left, top, right, bottom) == pytest.approx((20, 20, 125, 125), abs=10)


def test_each_length_is_tried_and_a_thorough_look_at_one_that_is_another_each_time() -> None:
    quick, thorough = Scripted("quick", Look()), Scripted("thorough", Look())
    way = SmearPass(quick, thorough, Limit())
    for turn in (1, 2):
        assert way.look(smeared(CODE, 9, 0)) == Look()
        assert len(quick.planes) == 3 * turn
        assert len(thorough.planes) == turn


def test_no_further_length_is_tried_after_the_limit() -> None:
    clock = ManualClock(0.0)
    limit = Limit(clock.boottime)
    limit.until = 1.0
    quick = Scripted("quick", Look(), ns_per_pixel=1e9 / (4 * CODE.size), clock=clock)
    thorough = Scripted("thorough", Look())
    assert SmearPass(quick, thorough, limit).look(smeared(CODE, 9, 0)) == Look()
    assert len(quick.planes) == 1
    assert not thorough.planes
