"""Key events with their times -> whole codes. No I/O."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gatepost.drivers.framing import MOST_BYTES, TOO_LONG
from gatepost.drivers.keying import Keyboard, Stroke
from gatepost.model import Read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatepost.drivers.keymaps import Layout
    from gatepost.drivers.losses import Losses

SUFFIXES = {"enter": "\n", "tab": "\t", "none": ""}
UP, DOWN, REPEATED = 0, 1, 2  # values of a key event (linux/input.h)
HALF = "half a code, as its reader was plugged in or opened within it"
MISSED = "keys were lost: they came faster than they could be taken"
NO_SUFFIX = "it ended without the suffix that is configured"
NO_START = "it may be the rest of what ended without its suffix"
_SETTLED_S = 0.2  # after opening: slower than any reader types
_HALF_OF_PAIR = "half of a character"


class Typing:
    """One reader's keys. Text of one code is never more than MOST_BYTES.

    Args:
        suffix: one of SUFFIXES; a pause of `pause_s` seconds ends a code too, and where it took
            the place of the suffix, the code is lossy.
        prefix: what the reader types before each code; it is taken off.
        given: takes each code.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        suffix: str,
        pause_s: float,
        losses: Losses,
        given: Callable[[Read], None],
        prefix: str = "",
    ) -> None:
        self._layout = layout
        self._keyboard = Keyboard(layout)
        self._suffix = SUFFIXES[suffix]
        self._pause_s = pause_s
        self._prefix = prefix
        self._losses = losses
        self._given = given
        self._text: list[str] = []
        self._bytes = 0
        self._lost = ""  # why the code is lossy: the first reason
        self._skipped = ""  # why the rest of this code is not wanted
        self._torn = False  # what comes next may be the rest of what a pause ended
        self._opened = -math.inf  # when, until the first key came
        self._last = -math.inf

    @property
    def ends(self) -> float:
        """When a pause ends what is begun, seconds of boot time; infinity: nothing is begun."""
        return self._last + self._pause_s if self._begun else math.inf

    @property
    def _begun(self) -> bool:
        return bool(self._text or self._lost or self._skipped) or self._keyboard.midway

    def open(self, at: float, held: Iterable[int]) -> None:
        """The reader was opened: what was begun before is lost, and so is the rest of it."""
        held = list(held)
        self._keyboard = Keyboard(self._layout)
        self._keyboard.hold(held)
        self._clear()
        self._torn, self._opened, self._last = False, at, at
        self._skipped = HALF if held else ""

    def missed(self, at: float, held: Iterable[int]) -> None:
        """The kernel dropped events; these keys are held now."""
        self._keyboard.hold(held)
        self._opened, self._last = -math.inf, at
        self._doubt(MISSED)

    def vanish(self) -> bool:
        """The reader went away; returns whether it did so within a code."""
        begun = self._begun
        self._clear()
        return begun

    def key(self, code: int, value: int, at: float) -> None:
        """A key went down, up, or was repeated by the kernel, at `at` seconds of boot time."""
        self.pause(at)
        opened, self._opened = self._opened, -math.inf
        if (value != DOWN and opened > -math.inf) or at - opened < min(_SETTLED_S, self._pause_s):
            self._skipped = HALF  # no code begins so, nor as fast as that
        if value == DOWN:
            stroke = self._keyboard.press(code)
        elif value == UP:
            stroke = self._keyboard.release(code)
        else:
            stroke = self._keyboard.repeat(code) if self._begun else Stroke()
        if self._begun or stroke != Stroke():
            self._last = at if value != REPEATED else self._last
        self._take(stroke, at)

    def pause(self, at: float) -> None:
        """It is `at` seconds now: a pause that was long enough ended what is begun."""
        if at >= self.ends:
            if self._suffix:
                self._doubt(NO_SUFFIX)
            self._end(self._last)
            self._torn = bool(self._suffix)

    def _take(self, stroke: Stroke, at: float) -> None:
        if stroke.lost:
            self._doubt(stroke.lost)  # first: the text may be the end of the code
        for char in stroke.text:
            if self._suffix and char.replace("\r", "\n") == self._suffix:
                self._end(at)
            else:
                self._add(char)

    def _add(self, char: str) -> None:
        if self._skipped:
            return
        self._text.append(char)
        self._bytes += len(char.encode("utf-8", "surrogatepass"))
        if self._bytes > MOST_BYTES + len(self._prefix.encode()):
            self._clear()
            self._skipped = TOO_LONG

    def _doubt(self, why: str) -> None:
        self._lost = self._lost or why

    def _end(self, at: float) -> None:
        if self._torn:
            self._doubt(NO_START)
        self._torn = False
        unfinished = self._keyboard.finish().lost
        if unfinished:
            self._doubt(unfinished)
        text, lost, skipped = "".join(self._text), self._lost, self._skipped
        self._clear()
        if skipped:
            self._losses.drop(skipped)
        elif text or lost:
            self._give(text, lost, at)

    def _give(self, text: str, lost: str, at: float) -> None:
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\ufffd" in whole and "\ufffd" not in text:
            lost = lost or _HALF_OF_PAIR
        text = whole.removeprefix(self._prefix)
        if not text:
            if lost:
                self._losses.drop(lost)
            return
        if lost:
            self._losses.say("lossy", lost)
        self._given(Read(text.encode(), text, at, lossy=bool(lost)))

    def _clear(self) -> None:
        self._text.clear()
        self._bytes = 0
        self._lost = self._skipped = ""
