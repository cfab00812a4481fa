"""Networks that are cut, on a wire between two namespaces: nothing tells either end of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from network_ground import Centre, Post, proved
from network_wire import FAR, GOOD, Line, Wire, why_not

from brokers import mosquitto_at, needs_mosquitto
from dated import Fleet
from gatepost.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHY_NOT = why_not()
pytestmark = [needs_mosquitto, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "none")]
PORT = 8883


@contextmanager
def ground(folder: Path) -> Iterator[tuple[Wire, Post, Centre]]:
    files = Fleet(folder).files(hosts=(FAR,))
    with (
        Wire() as wire,
        mosquitto_at(folder, wire.far, FAR, PORT, files),
        Centre(files, FAR, PORT, place=wire.at_far) as centre,
        Post(folder / "data", files, FAR, PORT, place=wire.at_near) as post,
    ):
        newest = post.add(3)
        assert centre.until(lambda: len(centre.seen) == newest), post.broker.problems()
        yield wire, post, centre


@pytest.mark.parametrize(
    "line",
    [Line(up=False, down=False), Line(up=False), Line(down=False)],
    ids=["both ways", "ours do not arrive", "theirs do not arrive"],
)
def test_packets_that_vanish_are_noticed_and_all_is_delivered_when_they_go_again(
    tmp_path: Path, line: Line
) -> None:
    with ground(tmp_path) as (wire, post, centre):
        wire.line = line
        post.add(5)
        assert post.broker.until(lambda: bool(post.broker.told))
        assert post.broker.told[0][1].problem is Problem.KEEP_ALIVE
        newest = post.add(5)
        wire.line = GOOD
        proved(post, centre, newest)


def test_a_cable_that_is_pulled_is_told_and_all_is_delivered_when_it_is_back(
    tmp_path: Path,
) -> None:
    with ground(tmp_path) as (wire, post, centre):
        wire.pull()
        post.add(5)
        broker = post.broker
        assert broker.until(lambda: Problem.UNREACHABLE in broker.problems()), broker.told
        newest = post.add(5)
        wire.plug()
        proved(post, centre, newest)
