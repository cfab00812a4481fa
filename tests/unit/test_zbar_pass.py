from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatepost.decoding.limits import NEVER, Limit
from gatepost.decoding.passes import ZxingPass
from gatepost.decoding.zbar_pass import ZbarPass
from unit.pictures import Luma, placed, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

VIETNAMESE = "Nguyễn Thị Ánh Đặng Ước|079201012345"


@pytest.fixture
def zbar() -> Iterator[ZbarPass]:
    way = ZbarPass(limit_s=20.0)
    yield way
    way.close()


def finder_patterns(side: int, height: int, width: int) -> Luma:
    """A picture of nothing but finder patterns, `side` pixels a module."""
    one = np.full((8, 8), 255, np.uint8)
    one[:7, :7] = 0
    one[1:6, 1:6] = 255
    one[2:5, 2:5] = 0
    tile = np.kron(one, np.ones((side, side), np.uint8))
    times = (height // tile.shape[0] + 1, width // tile.shape[1] + 1)
    return np.ascontiguousarray(np.tile(tile, times)[:height, :width])


@pytest.mark.parametrize("text", [VIETNAMESE, "café", "é", "Ñandú", "Đặng Ước", "plain", "日本語"])
def test_it_gives_back_the_utf8_that_it_took_for_something_else(zbar: ZbarPass, text: str) -> None:
    (found,) = zbar.look(rendered(text, encoding="utf-8")).symbols
    assert (found.text, found.data) == (text, text.encode())


def test_it_agrees_with_zxing_on_corners(zbar: ZbarPass) -> None:
    luma = placed(rendered("where"), height=300, width=400, top=70, left=30)
    (first,) = ZxingPass().look(luma).symbols
    (second,) = zbar.look(luma).symbols
    assert np.abs(np.array(first.corners) - np.array(second.corners)).max() <= 3


def test_a_picture_larger_than_a_pipe_arrives_whole(zbar: ZbarPass) -> None:
    luma = placed(rendered("far corner"), height=1500, width=2000, top=1300, left=1800)
    (found,) = zbar.look(luma).symbols
    assert found.data == b"far corner"


def test_what_keeps_it_busy_for_minutes_is_stopped_and_it_rests() -> None:
    way = ZbarPass(limit_s=0.2)
    way.look(rendered("the process has begun"))
    child = way._child
    assert child is not None
    with pytest.raises(TimeoutError, match="in time"):
        way.look(finder_patterns(3, 360, 640))
    assert child.poll() == -signal.SIGKILL
    assert way.look(rendered("it rests")).symbols == ()


def test_a_process_that_ended_is_an_error_and_it_begins_anew_after_its_rest() -> None:
    way = ZbarPass(limit_s=20.0)
    way.look(rendered("begin"))
    assert way._child is not None
    os.kill(way._child.pid, signal.SIGFPE)
    way._child.wait()
    with pytest.raises(OSError, match=r"ended|pipe"):
        way.look(rendered("lost"))
    way._rests_until = 0.0
    (found,) = way.look(rendered("again")).symbols
    assert found.data == b"again"
    way.close()


def test_its_process_ends_with_its_input() -> None:
    way = ZbarPass(limit_s=20.0)
    way.look(rendered("begin"))
    child = way._child
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=20) == 0
    way.close()


def test_closing_twice_and_closing_what_never_began() -> None:
    way = ZbarPass()
    way.close()
    way.close()


def test_where_a_frame_waits_nobody_waits_for_its_process_to_begin() -> None:
    limit, code = Limit(), rendered("hurry")
    way = ZbarPass(20.0, limit)
    limit.until = time.monotonic() + 100
    assert way.look(code).symbols == ()
    child = way._child
    assert child is not None
    limit.until = NEVER
    (found,) = way.look(code).symbols  # the same process: it was begun ahead
    assert found.data == b"hurry"
    assert way._child is child
    way.close()


def test_it_is_stopped_at_the_limit_of_its_frame() -> None:
    limit = Limit()
    way = ZbarPass(600.0, limit)
    way.look(rendered("the process has begun"))
    limit.until = time.monotonic() + 0.05
    with pytest.raises(TimeoutError, match="in time"):
        way.look(finder_patterns(3, 360, 640))
