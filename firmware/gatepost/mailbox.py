"""A box for one value: the newest wins. For what only its newest state matters of."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds the newest value put in until it is taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._values: list[T] = []

    def put(self, value: T) -> None:
        """Replace what is in the box."""
        with self._changed:
            self._values[:] = [value]
            self._changed.notify()

    def take(self, wait_s: float) -> T | None:
        """The newest value, or None when none came within `wait_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._values), wait_s)
            return self._values.pop() if self._values else None
