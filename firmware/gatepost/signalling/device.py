"""A signal that may be missing or fail."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

from gatepost.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from gatepost.model import Cue
    from gatepost.ports import Clock, Signal

    Told: TypeAlias = Callable[[str, str], object]

_LOG = logging.getLogger("gatepost.signalling")
RETRY_S = 5.0


def unheard(part: str, problem: str) -> None:
    """Where nobody wants to know which signals fail."""


class Device:
    """A signal that may be missing or fail: opened when it can be, its failures logged once."""

    def __init__(self, signal: Signal, clock: Clock, told: Told) -> None:
        self._signal = signal
        self._clock = clock
        self._told = told
        self._name = type(signal).__name__.lower()
        self._opened = ExitStack()
        self._open = False
        self._failure = ""
        self._tried = -RETRY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._opened.close()
        except DeviceError as failure:
            self._failed(failure)

    def show(self, cue: Cue) -> bool:
        """Show `cue`; False when the signal cannot. One that is not open waits for its time."""
        if not self._open and not self._may_retry():
            return False
        self._tried = self._clock.boottime()
        try:
            if not self._open:
                self._opened.enter_context(self._signal)
                self._open = True
            self._signal.show(cue)
        except DeviceError as failure:
            self._failed(failure)
            return False
        self._works()
        return True

    def retry(self, cue: Cue) -> None:
        """Show `cue` to a signal that failed the last time, every 5 s."""
        if self._failure:
            self.refresh(cue)

    def refresh(self, cue: Cue) -> None:
        """Show `cue` when the last time was 5 s ago."""
        if self._may_retry():
            self.show(cue)

    def _may_retry(self) -> bool:
        return self._clock.boottime() - self._tried >= RETRY_S

    def _failed(self, failure: DeviceError) -> None:
        if str(failure) != self._failure:
            self._failure = str(failure)
            self._log(logging.WARNING, "signal failed", why=self._failure)
            self._told(self._name, self._failure)

    def _works(self) -> None:
        if self._failure:
            self._failure = ""
            self._log(logging.INFO, "signal recovered")
            self._told(self._name, "")

    def _log(self, level: int, message: str, **fields: str) -> None:
        _LOG.log(level, message, extra={"fields": {"signal": self._name, **fields}})
