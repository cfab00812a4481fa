"""Frames or texts -> presentations of codes, each of them once.

As long as a code stays before the camera it is the same presentation, and it counts again after
it was gone for a set time. A USB reader knows no "gone": there, the same text within a window is
the same presentation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.coaching import Coach
from gatepost.errors import DeviceError
from gatepost.model import Direction, Scan, Symbol
from gatepost.ports import ReaderCounts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from gatepost.model import Frame, Hint, Read
    from gatepost.ports import Clock, Closing, Decoder, FrameSource, TextSource

_ABSENT_GONE_S = 10.0  # longer than a camera takes to be restarted in place


class Presentations:
    """Which codes stand before the camera, and since when each was not seen."""

    def __init__(self, gone_s: float) -> None:
        self._gone_s = gone_s
        self._unseen_since: dict[bytes, float | None] = {}

    def seen(self, codes: Iterable[bytes], chosen: bytes | None, at: float) -> bool:
        """Take one examined frame of time `at`; is `chosen` a new presentation?

        A code is gone when the frames of `gone_s` seconds showed it no more: a camera that
        gives no frames proves nothing.
        """
        present = set(codes)
        for known, since in list(self._unseen_since.items()):
            if since is not None and at - since >= self._gone_s:
                del self._unseen_since[known]
            elif known in present:
                self._unseen_since[known] = None
            elif since is None:
                self._unseen_since[known] = at
        if chosen is None or chosen in self._unseen_since:
            return False
        self._unseen_since[chosen] = None
        return True

    def forget(self, code: bytes) -> None:
        """Let `code` count again at once: its scan could not be taken."""
        self._unseen_since.pop(code, None)


def nearest(symbols: Iterable[Symbol], shape: tuple[int, ...]) -> Symbol | None:
    """The symbol nearest to the centre of the guide box, which is the picture's own centre."""
    middle_x, middle_y = shape[1] / 2, shape[0] / 2

    def distance(symbol: Symbol) -> float:
        x = sum(corner[0] for corner in symbol.corners) / 4
        y = sum(corner[1] for corner in symbol.corners) / 4
        return (x - middle_x) ** 2 + (y - middle_y) ** 2

    return min(symbols, key=distance, default=None)


def safe_text(text: str) -> str:
    """Text without lone surrogates, which no UTF-8 can carry on."""
    return text.encode("utf-8", "replace").decode()


class _Opened:
    """Opened and closed with its source."""

    __slots__ = ()
    source: Closing

    def __enter__(self) -> Self:
        self.source.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.source.__exit__(kind, error, trace)


@dataclass(slots=True)
class FrameReader(_Opened):
    """A camera with a decoder behind it."""

    name: str
    direction: Direction
    source: FrameSource
    decoder: Decoder
    gone_s: float
    clock: Clock
    counts: ReaderCounts = field(default_factory=ReaderCounts)
    working: bool = False
    hint: Hint | None = None
    _absent_since: float | None = None
    _presentations: Presentations = field(init=False)
    _coach: Coach = field(init=False, default_factory=Coach)

    def __post_init__(self) -> None:
        self._presentations = Presentations(self.gone_s)

    def next_scan(self, wait_s: float) -> Scan | None:
        """Examine the newest frame. Raises DeviceError, DeviceAbsent as the source does."""
        try:
            frame = self.source.next_frame(wait_s)
        except DeviceError:
            self._missing()
            raise
        if frame is None:
            return None
        self.working, self._absent_since = True, None
        self.counts.frames += 1
        return self._examine(frame)

    def _missing(self) -> None:
        """No camera. A short while proves nothing; after a long one everybody is somebody new."""
        now = self.clock.boottime()
        self.hint = None
        self._coach.clear()
        if self.working or self._absent_since is None:
            self.working, self._absent_since = False, now
        elif now - self._absent_since >= _ABSENT_GONE_S:
            self._presentations = Presentations(self.gone_s)

    def _examine(self, frame: Frame) -> Scan | None:
        symbols = self.decoder.decode(frame)
        self.counts.decoded += bool(symbols)
        self.hint = self._coach.take(self.decoder.view.hint, frame.taken, read=bool(symbols))
        chosen = nearest(symbols, frame.luma.shape)
        data = chosen.data if chosen else None
        new = self._presentations.seen((s.data for s in symbols), data, frame.taken)
        if chosen is None or not new:
            return None
        self.counts.scans += 1
        self.counts.by_pass[chosen.pass_name] += 1
        self.counts.last_at = frame.taken if chosen.taken is None else chosen.taken
        return Scan(
            data=chosen.data,
            text=safe_text(chosen.text),
            symbology=chosen.symbology,
            reader=self.name,
            direction=self.direction,
            taken=self.counts.last_at,
        )

    def again(self, scan: Scan) -> None:
        self._presentations.forget(scan.data)


@dataclass(slots=True)
class TextReader(_Opened):
    """A USB reader. `repeat_s`: the same text within it is the same presentation."""

    name: str
    direction: Direction
    source: TextSource
    repeat_s: float
    counts: ReaderCounts = field(default_factory=ReaderCounts)
    working: bool = False
    hint: Hint | None = None  # it has no picture: it knows of a code only what it read
    _last: Read | None = None

    def next_scan(self, wait_s: float) -> Scan | None:
        """The next code that is no repeat. Raises DeviceError, DeviceAbsent as the source does."""
        try:
            read = self.source.next_text(wait_s)
        except DeviceError:
            self.working = False  # only now: others look at it while it waits
            raise
        finally:
            self.counts.dropped = self.source.dropped
        self.working = True
        if read is None or not read.data:
            return None
        self.counts.decoded += 1
        repeats = self._repeats(read)
        self._last = read
        if repeats:
            return None
        self.counts.scans += 1
        self.counts.last_at = read.taken
        self.counts.lossy += read.lossy
        return Scan(
            data=read.data,
            text=safe_text(read.text),
            symbology="unknown",  # a keyboard or serial reader does not tell it
            reader=self.name,
            direction=self.direction,
            taken=read.taken,
            lossy=read.lossy,
        )

    def _repeats(self, read: Read) -> bool:
        """A whole read after a lossy one is news, whatever it says: only it counts."""
        last = self._last
        if last is None or (last.lossy and not read.lossy):
            return False
        return last.data == read.data and read.taken - last.taken < self.repeat_s

    def again(self, scan: Scan) -> None:
        if self._last and self._last.data == scan.data:
            self._last = None
