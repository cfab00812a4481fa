"""Pictures full of finder patterns: they are seen, and cut down to what there is time for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatepost.decoding import LiveDecoder
from gatepost.decoding.crowds import HIT, NOISE, finder_rows, uncrowded
from gatepost.decoding.passes import ZxingPass
from gatepost.decoding.planes import cut
from gatepost.model import Frame
from unit.pictures import Luma, ManualClock, rendered
from unit.scripted import Scripted, passes
from unit.test_zbar_pass import finder_patterns

if TYPE_CHECKING:
    from collections.abc import Callable

GREY = np.full((720, 1280), 128, np.uint8)


def thinned(plane: Luma, room: float) -> Luma:
    return cut(plane, uncrowded(plane, room))


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_a_picture_full_of_finder_patterns_is_cut_down_to_what_there_is_room_for(side: int) -> None:
    crowd = finder_patterns(side, 720, 1280)
    most = crowd.size / NOISE + 100
    assert finder_rows(crowd) > 3 * most
    assert finder_rows(thinned(crowd, 100 * HIT)) <= 1.5 * most


def dim(plane: Luma) -> Luma:
    return plane // 12 + np.uint8(100)


def beside_black(plane: Luma) -> Luma:
    plane = plane // 2 + np.uint8(128)
    plane[:, :800] = 0
    return plane


def every_thirteenth_row_blank(plane: Luma) -> Luma:
    plane[6::13] = plane[7::13] = 255
    return plane


@pytest.mark.parametrize("change", [dim, beside_black, every_thirteenth_row_blank])
def test_a_crowd_is_seen_however_it_hides(change: Callable[[Luma], Luma]) -> None:
    crowd = change(finder_patterns(1, 720, 1280))
    assert finder_rows(crowd) > 1000


def test_a_patch_of_a_crowd_is_seen_and_a_large_picture_has_as_many_to_the_inch() -> None:
    patch = GREY.copy()
    patch[200:500, 300:800] = finder_patterns(1, 300, 500)
    assert finder_rows(patch) > 300
    large = finder_rows(finder_patterns(3, 2880, 5120))
    assert large == pytest.approx(16 * finder_rows(finder_patterns(3, 720, 1280)), rel=0.2)


def test_fifty_codes_are_no_crowd_nor_is_noise() -> None:
    rows = [[rendered(f"code {row} {column}") for column in range(10)] for row in range(5)]
    codes = np.vstack([np.hstack(row) for row in rows])
    assert thinned(codes, 200 * HIT).shape == codes.shape
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280), np.uint8)
    assert thinned(noise, 0.0).size >= 0.8 * noise.size


def test_a_code_in_the_middle_of_a_crowd_is_where_it_was_in_the_frame() -> None:
    crowd, clock = finder_patterns(4, 720, 1280), ManualClock()
    crowd[300:416, 580:696] = rendered("amid")
    first = Scripted("first", ZxingPass().look, ns_per_pixel=9, clock=clock)
    decoder = LiveDecoder(passes(first), clock=clock.boottime, budget_s=0.033)
    (found,) = decoder.decode(Frame(crowd, 0.0))
    assert first.planes[-1][0] < 500
    expected = ((596, 316), (680, 316), (680, 400), (596, 400))
    assert np.abs(np.array(found.corners) - np.array(expected)).max() <= 4
