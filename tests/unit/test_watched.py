from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatepost.model import Frame, Symbol, View
from gatepost.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Sequence

SYMBOL = Symbol(b"x", "x", "qr", ((0, 0), (1, 0), (1, 1), (0, 1)), "test")


class CountingDecoder:
    """Its view is as bright as the number of its frames."""

    def __init__(self) -> None:
        self.view = View()

    def decode(self, frame: Frame) -> Sequence[Symbol]:
        assert frame.taken == 7.0
        self.view = View(brightness=self.view.brightness + 1)
        return (SYMBOL,)


def test_each_view_is_shown_to_all_in_turn() -> None:
    seen: list[tuple[str, float]] = []
    watchers = [
        lambda view: seen.append(("camera", view.brightness)),
        lambda view: seen.append(("light", view.brightness)),
    ]
    watched = Watched(CountingDecoder(), watchers)
    frame = Frame(np.zeros((20, 20), np.uint8), 7.0)
    assert watched.view == View()
    assert list(watched.decode(frame)) == [SYMBOL]
    assert watched.view.brightness == 1
    watched.decode(frame)
    assert seen == [("camera", 1), ("light", 1), ("camera", 2), ("light", 2)]
