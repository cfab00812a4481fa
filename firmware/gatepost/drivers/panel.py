"""The virtual panel: lamp, buzzer and the OLED's very pixels, in a terminal."""

from __future__ import annotations

import codecs
import os
from typing import IO, TYPE_CHECKING

import numpy as np

from gatepost.drivers.patterns import LIGHTS, OFF, Colour, sound_words
from gatepost.errors import DeviceError, UsageError
from gatepost.screen import HEIGHT, WIDTH, printable, render

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from PIL import Image

    from gatepost.model import Cue

_BRAILLE = 0x2800
# Bit of each dot in a braille letter, 4 rows of 2 (Unicode, Braille Patterns)
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.int64)
_COLUMNS = WIDTH // 2
_FRAME = _COLUMNS + 2
_NEEDED = "⠿│╭♪█"
_HIDE, _SHOW, _CLEAR = "\x1b[?25l", "\x1b[?25h", "\x1b[K"


class Panel:
    """Draws each cue in place where `stream` is a terminal that can; else one plain line a cue.

    It can when it has every letter of the picture, moves its cursor, and is wide enough. What
    the stream's encoding lacks becomes "?". A plain line may end in a journal: it holds nothing
    of the visitor.

    Args:
        stream: where to; not closed here.
        language: first language of the screen, "vi" or "en".
        title: stands above; may have several lines.
        width: columns of the terminal, at most.
    """

    def __init__(
        self, stream: IO[str], language: str, title: str = "gatepost", width: int = 80
    ) -> None:
        self._stream = stream
        self._language = language
        self._title = title
        self._width = width
        self._columns = width
        self._in_place = False
        self._above = 0
        self._shown: Cue | None = None

    def __enter__(self) -> Self:
        """Look what the stream is, and hide the cursor. Raises DeviceError."""
        self._columns = min(self._width, _columns_of(self._stream) or self._width)
        self._in_place = self._draws()
        self._above = 0
        self._shown = None
        if self._in_place:
            self._write(_HIDE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._in_place:
            self._write(_SHOW)

    def _draws(self) -> bool:
        """Whether the stream is a terminal on which a picture can be drawn in place."""
        try:
            if not self._stream.isatty():
                return False
            _NEEDED.encode(self._encoding())
        except ValueError:  # it was closed, or cannot encode them
            return False
        known = os.environ.get("TERM", "") not in {"", "dumb"}
        return known and self._columns >= _FRAME

    def _encoding(self) -> str:
        """The stream's encoding; ASCII when Python does not know it."""
        name = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            codecs.lookup(name)
        except LookupError:
            return "ascii"
        return name

    def show(self, cue: Cue) -> None:
        """Draw `cue`, unless it stands there already.

        Raises DeviceError when the stream cannot be written or a font is missing.
        """
        if cue == self._shown:
            return
        if self._in_place:
            lines = self._picture(cue)
            up = f"\x1b[{self._above}A\r" if self._above else ""
            self._write(up + "".join(f"{line}{_CLEAR}\n" for line in lines))
            self._above = len(lines)
        else:
            self._write(self._plain(cue) + "\n")
        self._shown = cue

    def _picture(self, cue: Cue) -> list[str]:
        try:
            screen = render(cue, self._language)
        except UsageError as error:
            raise DeviceError(f"panel: {error}") from error
        light = LIGHTS[cue.kind]
        blocks = "".join(_block(colour) for colour in _colours(cue))
        plain = len("lamp    ") + 4 * len(_colours(cue)) + 1
        said = self._cut(" " * plain + f"{_name(cue).upper()}: {light.words}")[plain:]
        lamp = f"lamp    {blocks} {said}"
        return [
            *(self._cut(printable_line(line)) for line in self._title.splitlines()),
            lamp,
            self._cut(f"buzzer  {sound_words(cue.kind)}"),
            "╭" + "─" * _COLUMNS + "╮",
            *(f"│{row}│" for row in braille(screen)),
            "╰" + "─" * _COLUMNS + "╯",
        ]

    def _plain(self, cue: Cue) -> str:
        words = f"{_name(cue)}: lamp {LIGHTS[cue.kind].words}; buzzer {sound_words(cue.kind)}"
        detail = printable(cue.detail)
        return f"{words}; {detail}" if detail else words

    def _cut(self, line: str) -> str:
        return line if len(line) <= self._columns else line[: self._columns - 1] + "…"

    def _write(self, text: str) -> None:
        """Raises DeviceError when the stream is closed or cannot be written."""
        # Letters that it does not have become question marks, not the end of the station.
        encoding = self._encoding()
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: it was closed
            raise DeviceError(f"panel: {error}") from error


def _columns_of(stream: IO[str]) -> int:
    """How wide the terminal of `stream` is; 0 when there is none or it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # ValueError: it was closed
        return 0


def braille(picture: Image.Image) -> list[str]:
    """A 128x64 picture as 16 lines of 64 braille letters: each dot is one pixel."""
    cells = np.asarray(picture, dtype=np.int64).reshape(HEIGHT // 4, 4, _COLUMNS, 2)
    codes = np.einsum("rycx,yx->rc", cells, _DOTS) + _BRAILLE
    return ["".join(map(chr, row)) for row in codes]


def printable_line(line: str) -> str:
    """A line of the title, harmless to a terminal; unlike `printable` it keeps its length."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _name(cue: Cue) -> str:
    """The cue, with its hint or its reason: none of them says who the visitor is."""
    if cue.hint:
        return f"{cue.kind.value} {cue.hint.value}"
    return f"{cue.kind.value} ({cue.reason.value})" if cue.reason else cue.kind.value


def _colours(cue: Cue) -> list[Colour]:
    """The colours of the cue's light, each once, in their order."""
    return [*dict.fromkeys(colour for colour, _ in LIGHTS[cue.kind].steps if colour != OFF)]


def _block(colour: Colour) -> str:
    red, green, blue = (round(255 * part) for part in colour)
    return f"\x1b[48;2;{red};{green};{blue}m    \x1b[0m"
