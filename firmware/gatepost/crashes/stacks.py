"""Where each thread is: file, line and function alone. No values, no lines of code."""

from __future__ import annotations

import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from gatepost.crashes.records import Threads

_MOST_FRAMES = 24


def stacks(besides: frozenset[int] = frozenset()) -> Threads:
    """Every thread but those with the idents `besides`, its calls from the innermost outwards."""
    names = {each.ident: each.name for each in threading.enumerate()}
    frames = sys._current_frames()  # noqa: SLF001 - its documented way: "should be used for debugging"
    return tuple(
        (names.get(ident, "unknown"), calls(frame))
        for ident, frame in frames.items()
        if ident not in besides
    )


def calls(frame: FrameType | None) -> tuple[str, ...]:
    """The calls that led to a frame, from the innermost outwards."""
    told: list[str] = []
    while frame is not None and len(told) < _MOST_FRAMES:
        told.append(call(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return tuple(told)


def calls_of(trace: TracebackType | None) -> tuple[str, ...]:
    """The same of an exception: where it was raised, from there outwards."""
    steps = [
        call(frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(trace)
    ]
    return tuple(reversed(steps[-_MOST_FRAMES:]))


def call(file: str, line: int | None, function: str) -> str:
    """One call. Of the path the last two parts: which module, not where it is installed."""
    return f"{'/'.join(Path(file).parts[-2:])}:{line or 0}:{function}"
