"""Exceptions that nobody took: told by place alone, for their texts may quote a visitor."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatepost.crashes.stacks import calls_of
from gatepost.errors import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatepost.crashes.records import Threads
    from gatepost.crashes.watching import Crashes

    Keep = Callable[[str, Threads], None]

_LOG = logging.getLogger(__name__)
_MOST = 8


@contextmanager
def hooked(crashes: Crashes) -> Iterator[None]:
    """Note what fails in threads that are no workers, and where nothing can be raised.

    At most 8 times a run: a thread that fails again and again must not wear the card.
    """
    former = threading.excepthook, sys.unraisablehook
    left = iter(range(_MOST))

    def note(error: BaseException | None, what: str, keep: Keep) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        why = f"{what} failed: {told(error)}"
        _LOG.error("not caught", extra={"fields": {"why": why}})
        if next(left, None) is not None:
            keep(why, ((what, calls_of(error.__traceback__)),))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "unknown"
        note(args.exc_value, f"thread {name}", crashes.note)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        note(args.exc_value, "clean-up", crashes.note_later)  # never the object's own words

    threading.excepthook, sys.unraisablehook = in_thread, unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = former
