"""Timed values on a pin: the one thread that lamp, buzzer and relay each own.

And the border for gpiozero's errors, which stop here.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from gpiozero.exc import BadPinFactory, GPIOZeroError, PinUnknownPi

from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Value = TypeVar("Value")
_IDLE_S = 0.5
_JOIN_S = 1.0


def _foreign() -> tuple[type[Exception], ...]:
    """What gpiozero raises, and what it lets through from the library below it, once loaded."""
    lgpio = sys.modules.get("lgpio")
    return (GPIOZeroError, OSError) + ((lgpio.error,) if lgpio else ())


@contextlib.contextmanager
def pin_errors(part: str) -> Iterator[None]:
    """Translate what gpiozero raises about `part`.

    Raises DeviceAbsent where there are no pins at all, DeviceError for anything else.
    """
    try:
        yield
    except DeviceError as error:  # ours already, but for the part
        raise type(error)(f"{part}: {error}") from error
    except (BadPinFactory, PinUnknownPi) as error:
        raise DeviceAbsent(f"{part}: no pins here: {error}") from error
    except _foreign() as error:
        raise DeviceError(f"{part}: {error}") from error


class Player(Generic[Value]):
    """Gives a device one value after the other, each for its time.

    The first value is set by the caller's own thread, before `play` returns; a thread that
    lives from `start` to `stop` sets the others. Only one of them ever touches the device.

    Args:
        part: its name in errors and as the thread's.
        apply: sets one value; may raise DeviceError.
    """

    def __init__(self, part: str, apply: Callable[[Value], None]) -> None:
        self._part = part
        self._apply = apply
        self._turn = threading.Condition()
        self._steps: Sequence[tuple[Value, float]] = ()
        self._repeat = False
        self._next = 0
        self._due = 0.0
        self._failure: DeviceError | None = None
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._stopping = False
        self._failure = None
        self._thread = threading.Thread(target=self._run, name=self._part, daemon=True)
        self._thread.start()

    def play(
        self,
        steps: Sequence[tuple[Value, float]],
        *,
        repeat: bool = False,
        begin: Value | None = None,
    ) -> None:
        """Set the first value now and the others in their time, in place of what was playing.

        Each step is a value and its seconds; the last value stays unless they `repeat`. `begin`
        stands for the first value this once.
        Raises DeviceError, also for a step of the former pattern that failed meanwhile.
        """
        with self._turn:
            self._steps, self._repeat, self._next = steps, repeat, 0
            failure, self._failure = self._failure, None
            self._advance(begin)
            self._turn.notify()
        if failure is not None:
            raise failure

    def finished(self, wait_s: float) -> bool:
        """Whether the last value was set within `wait_s` seconds; never while they repeat."""
        with self._turn:
            return self._turn.wait_for(lambda: self._next >= len(self._steps), wait_s)

    def stop(self) -> None:
        """End the thread where it is. Raises DeviceError when it does not end."""
        with self._turn:
            self._steps, self._next, self._stopping = (), 0, True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                raise DeviceError(f"{self._part}: its thread did not end within {_JOIN_S} s")
            self._thread = None

    def _run(self) -> None:
        with self._turn:
            while not self._stopping:
                left = self._due - time.monotonic()
                if self._next >= len(self._steps) or left > 0:
                    self._turn.wait(left if self._next < len(self._steps) else _IDLE_S)
                    continue
                try:
                    self._advance()
                except DeviceError as error:
                    self._failure = error  # told by the next `play`, to whoever can act on it

    def _advance(self, instead: Value | None = None) -> None:
        """Set the value that is due; its place is left before it can fail.

        Its time counts from when it stands: a request to open is never shorter than it should be.
        """
        if not self._steps:
            return
        value, seconds = self._steps[self._next]
        self._next += 1
        if self._repeat:
            self._next %= len(self._steps)
        self._turn.notify_all()
        try:
            self._apply(value if instead is None else instead)
        finally:
            self._due = time.monotonic() + seconds
