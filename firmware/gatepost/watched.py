"""What a decoder saw, for others than its reader: the camera that it came from, and the light."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatepost.model import Frame, Symbol, View
    from gatepost.ports import Decoder


class Watched:
    """A Decoder that shows its view of each frame to `watchers`, in its reader's thread."""

    def __init__(self, decoder: Decoder, watchers: Sequence[Callable[[View], None]]) -> None:
        self.view = decoder.view
        self._decoder = decoder
        self._watchers = watchers

    def decode(self, frame: Frame) -> Sequence[Symbol]:
        """As the decoder does; its watchers know of it when this returns."""
        symbols = self._decoder.decode(frame)
        self.view = self._decoder.view
        for watch in self._watchers:
            watch(self.view)
        return symbols
