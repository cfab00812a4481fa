"""How `gatepost decode` tells what it read: lines for machines, or rows for people."""

from __future__ import annotations

import json
import re
import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.model import Symbol, View

# Valid in JSON, but lines end at some of these for some readers, terminals obey some, and lone
# surrogates (of broken file names) are no UTF-8.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MOST_NAME = 48  # columns


@dataclass(slots=True)
class Counts:
    """What was done so far."""

    read: int = 0
    empty: int = 0
    failed: int = 0
    cut: int = 0
    times_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class ClipResult:
    """What came of a clip: its frames, in how many something was read, and the texts in order.

    `error`: why frames of it lack, or "".
    """

    clip: str
    frames: int = 0
    frames_read: int = 0
    first_read_frame: int | None = None
    texts: dict[str, None] = field(default_factory=dict)
    error: str = ""


class Report(Protocol):
    """Where results go."""

    def picture(self, name: str, symbols: Sequence[Symbol], ms: float, view: View) -> None:
        """A picture was decoded in `ms` milliseconds, and looked like `view`."""

    def failure(self, name: str, error: str) -> None:
        """A picture could not be opened."""

    def clip(self, result: ClipResult) -> None:
        """A clip ended."""

    def end(self, counts: Counts) -> None:
        """All is done."""


class _Progress:
    """How many pictures are done, on standard error, where nothing else shows it."""

    def __init__(self) -> None:
        self._done = 0
        self._shown = sys.stderr.isatty() and not sys.stdout.isatty()

    def more(self) -> None:
        """One more picture."""
        self._done += 1
        if self._shown:
            print(f"\r{self._done} ", end="", file=sys.stderr, flush=True)

    def gone(self) -> None:
        """Make room for something else."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class JsonReport:
    """One JSON object a line."""

    def __init__(self) -> None:
        self._progress = _Progress()

    def picture(self, name: str, symbols: Sequence[Symbol], ms: float, view: View) -> None:
        found = [
            {
                "text": symbol.text,
                "symbology": symbol.symbology,
                "corners": symbol.corners,
                "pass": symbol.pass_name,
            }
            for symbol in symbols
        ]
        texts = [symbol.text for symbol in symbols]
        told = {"image": name, "texts": texts, "symbols": found, "ms": round(ms, 2)}
        self._line(told | {"hint": view.hint, "passes": view.passes})
        self._progress.more()

    def failure(self, name: str, error: str) -> None:
        self._line({"image": name, "error": error})
        self._progress.more()

    def clip(self, result: ClipResult) -> None:
        told = {
            "clip": result.clip,
            "frames": result.frames,
            "frames_read": result.frames_read,
            "first_read_frame": result.first_read_frame,
            "texts": list(result.texts),
        }
        self._line(told | ({"error": result.error} if result.error else {}))

    def end(self, counts: Counts) -> None:  # noqa: ARG002 - each line stands for itself
        self._progress.gone()

    def _line(self, value: dict[str, Any]) -> None:
        line = json.dumps(value, ensure_ascii=False)
        line = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
        if not _shown_by_stdout(line):
            line = json.dumps(value)
        print(line, flush=True)


class TextReport:
    """For people: one row a code, then a summary."""

    def __init__(self) -> None:
        self._progress = _Progress()

    def picture(self, name: str, symbols: Sequence[Symbol], ms: float, view: View) -> None:
        time_ms = f"{ms:8.1f} ms"
        if not symbols:
            why = f": {view.hint}" if view.hint else ""
            self._row(name, "-", "-", time_ms, f"nothing read{why}")
        for symbol in symbols:
            self._row(name, symbol.symbology, symbol.pass_name, time_ms, symbol.text)

    def failure(self, name: str, error: str) -> None:
        self._row(name, "error", "-", " " * 11, error)

    def clip(self, result: ClipResult) -> None:
        first = result.first_read_frame
        since = "" if first is None else f", the first is number {first}"
        self._print(f"{result.clip}: {result.frames} frames, {result.frames_read} read{since}")
        if result.error:
            self._progress.gone()
            print(f"gatepost decode: {result.clip!r}: {result.error}", file=sys.stderr)

    def end(self, counts: Counts) -> None:
        self._progress.gone()
        total = counts.read + counts.empty + counts.failed
        middle = f"{statistics.median(counts.times_ms):.1f} ms" if counts.times_ms else "-"
        self._print(
            f"{total} pictures: {counts.read} read, {counts.empty} without a code that could be "
            f"read, {counts.failed} not opened; half of them within {middle}"
        )

    def _row(self, name: str, symbology: str, way: str, time_ms: str, text: str) -> None:
        self._print(f"{name:{_MOST_NAME}} {symbology:8} {way:6} {time_ms}  {text}")
        self._progress.more()

    def _print(self, line: str) -> None:
        from gatepost.decoding.texts import printable

        encoding = sys.stdout.encoding
        print(printable(line).encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _shown_by_stdout(line: str) -> bool:
    try:
        line.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True
