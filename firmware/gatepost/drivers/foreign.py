"""A call of foreign code that may never come back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.ports import Clock

T = TypeVar("T")


class Task(Generic[T]):
    """`work`, begun at once in a thread of its own; whoever waits for it does so within a bound.

    A thread that hangs in C code cannot be ended: it is left behind, and ends with the process.
    """

    def __init__(self, name: str, work: Callable[[], T], clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._begun = clock.boottime()
        self._ended = threading.Event()
        self._given: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            self._given.append(self._work())
        except BaseException as error:  # noqa: BLE001 - `result` raises it, where it belongs
            self._error = error
        finally:
            self._ended.set()

    @property
    def age_s(self) -> float:
        """Seconds since it was begun."""
        return self._clock.boottime() - self._begun

    def ended(self, wait_s: float) -> bool:
        """Whether it came back, waiting for that up to `wait_s` seconds."""
        return self._ended.wait(wait_s)

    def result(self) -> T:
        """What it gave; raises what it raised. Only once it `ended`."""
        if self._error is not None:
            raise self._error
        return self._given[0]
