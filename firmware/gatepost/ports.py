"""The seams: what the workers need from the world, at most three methods each.

Drivers implement them, `build.py` alone puts one to the other. Each raises one error.
Everything with `__enter__` opens its device there and closes it in `__exit__`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from gatepost.model import Cue, Frame, Hint, Message, Read, Scan, Symbol, View


class Closing(Protocol):
    """Something that is opened and closed by `with`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Clock(Protocol):
    """Time. `boottime` orders everything; wall time is an estimate with a bound."""

    def boottime(self) -> float:
        """Seconds since boot, also while suspended (CLOCK_BOOTTIME); never goes back."""

    def wall_us(self) -> int:
        """The wall clock, microseconds since 1970 UTC; may jump."""

    def bound_us(self) -> int | None:
        """By how much `wall_us` may be wrong, microseconds; None: nobody knows."""


@dataclass(slots=True)
class ReaderCounts:
    """What a reader has done since the start.

    Attributes:
        lossy: scans of which the reader lost a part.
        dropped: codes, or rests of them, that a USB reader sent and nobody got.
        by_pass: scans by the decoding pass that read them first.
        last_at: when the last scan's code was read, seconds of boot time; 0: none yet.
    """

    frames: int = 0
    decoded: int = 0
    scans: int = 0
    overflowed: int = 0
    lossy: int = 0
    dropped: int = 0
    by_pass: Counter[str] = field(default_factory=Counter)
    last_at: float = 0.0


class Reader(Closing, Protocol):
    """A source of presentations: a code, shown once, however long it is held there.

    Attributes:
        working: it gave something since its last failure.
        hint: what its visitor is to be told while nothing is read, or None.
    """

    name: str
    counts: ReaderCounts
    working: bool
    hint: Hint | None

    def next_scan(self, wait_s: float) -> Scan | None:
        """The next presentation, or None. Raises DeviceError, DeviceAbsent."""

    def again(self, scan: Scan) -> None:
        """`scan` could not be taken: it may come again."""


class FrameSource(Closing, Protocol):
    """A camera, or what stands for one. A slow caller loses old frames, never gets them late."""

    def next_frame(self, wait_s: float) -> Frame | None:
        """The newest frame not given yet, or None when none came within `wait_s` seconds.

        Raises DeviceError when the source failed or ended; DeviceAbsent while it is not there.
        """


class TextSource(Closing, Protocol):
    """A USB barcode reader: texts instead of frames.

    Attributes:
        dropped: how many codes, or rests of them, were lost so far.
    """

    @property
    def dropped(self) -> int: ...

    def next_text(self, wait_s: float) -> Read | None:
        """The next code, or None when none was complete within `wait_s` seconds.

        Raises DeviceError when the device failed; DeviceAbsent while it is not there.
        """


class Decoder(Protocol):
    """Finds the codes in a picture.

    Attributes:
        view: what the last frame looked like beside its codes.
    """

    view: View

    def decode(self, frame: Frame) -> Sequence[Symbol]:
        """Every code that was read in `frame`; empty where there is none. Raises nothing."""


class Signal(Closing, Protocol):
    """Something that a visitor sees or hears, or that acts on the door."""

    def show(self, cue: Cue) -> None:
        """Show `cue` until the next one. Raises DeviceError when the device failed."""


class Switch(Closing, Protocol):
    """Something that is on or off, as the light over the code."""

    def switch(self, *, on: bool) -> None:
        """Switch it. Raises DeviceError when the device failed."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a turn with the broker.

    Attributes:
        acknowledged: tokens that the broker took.
        received: messages of the topics that the driver was made for; each is of bounded size.
        refused: tokens that it refused for good (MQTT 5 tells; 3.1.1 cannot), and why.
    """

    acknowledged: tuple[int, ...]
    received: tuple[Message, ...]
    refused: tuple[tuple[int, str], ...] = ()


class Broker(Protocol):
    """A session with an MQTT broker. After any BrokerError the session is over."""

    def connect(self, will: Message) -> None:
        """Begin a session in which the broker says `will` if we vanish. Raises BrokerError.

        What the driver was made to listen to is asked for anew; a refusal of that is no error.
        """

    def exchange(self, batch: Sequence[Message], wait_s: float) -> Exchange:
        """Send `batch`, wait up to `wait_s` seconds for anything to come back.

        Returns at once when something did. Raises BrokerError when the session broke: what
        was not acknowledged by then counts as not sent.
        """

    def disconnect(self) -> None:
        """End the session cleanly: the will is not said. Does nothing without a session."""
