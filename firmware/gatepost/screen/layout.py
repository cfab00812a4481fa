"""Where things stand: the icon and the large words above, the small lines below."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw

from gatepost.errors import UsageError
from gatepost.model import CueKind
from gatepost.screen import fonts, icons
from gatepost.screen.fonts import Face
from gatepost.screen.words import TEXTS, say

if TYPE_CHECKING:
    from PIL import ImageFont

    from gatepost.model import Cue
    from gatepost.screen.words import Saying

WIDTH, HEIGHT = 128, 64
_HEAD_X = icons.SIZE + 4
_HEAD_SIZES = (21, 20, 19, 18, 17, 16, 15, 14)  # below 14 the marks of bold letters close up
_LINES = ((Face.LINE, 16), (Face.SMALL, 12), (Face.SMALL, 11))
_LEAST_GAP, _MOST_GAP = 2, 6  # between large lines
_INK = 255


@dataclass(frozen=True, slots=True)
class _Text:
    """Words in a font: `box` is the ink's left, top, right, bottom from where it is drawn."""

    words: str
    font: ImageFont.FreeTypeFont
    box: tuple[int, int, int, int]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    def draw(self, canvas: ImageDraw.ImageDraw, x: int, y: int) -> None:
        """Draw it with the left top corner of its ink at (x, y)."""
        canvas.text((x - self.box[0], y - self.box[1]), self.words, fill=_INK, font=self.font)


def render(cue: Cue, language: str) -> Image.Image:
    """`cue` as a picture, mode "1", 128x64; `language` is the first one, "vi" or "en".

    Raises UsageError when a font is not installed, or for another language.
    """
    if language not in TEXTS:
        raise UsageError(f"no texts in {language!r}; there are {', '.join(TEXTS)}")
    saying = say(cue, language)
    picture = Image.new("1", (WIDTH, HEIGHT))
    canvas = ImageDraw.Draw(picture)
    canvas.fontmode = "1"
    room = _draw_lines(canvas, saying)
    _draw_head(canvas, saying.head, room)
    icon_y = max(0, (room - icons.SIZE) // 2)
    picture.paste(icons.icon(cue.kind), (0, icon_y))
    # White on black for all, black on white for a refusal: seen from afar, by everyone.
    return ImageChops.invert(picture) if cue.kind is CueKind.REFUSED else picture


def _draw_lines(canvas: ImageDraw.ImageDraw, saying: Saying) -> int:
    """Draw the small lines from the bottom up; return the height that is left above them."""
    crowded = len(saying.head) > 1 and len(saying.lines) > 1
    gap = 1 if crowded else 4
    bottom = HEIGHT - (1 if crowded else 2)
    for words in reversed(saying.lines):
        text = _fitted_line(words)
        bottom -= text.height
        text.draw(canvas, (WIDTH - text.width) // 2, bottom)
        bottom -= gap
    return bottom


def _draw_head(canvas: ImageDraw.ImageDraw, head: tuple[str, ...], room: int) -> None:
    texts = _fitted_head(head, room)
    ink = sum(text.height for text in texts)
    gap = min(_MOST_GAP, (room - ink) // len(texts))
    y = max(0, (room - ink - gap * (len(texts) - 1)) // 2)
    for text in texts:
        text.draw(canvas, _HEAD_X, y)
        y += text.height + gap


@functools.cache
def _fitted_head(head: tuple[str, ...], room: int) -> tuple[_Text, ...]:
    """The large words at the largest size that fits into the width and `room` pixels of height."""
    for size in _HEAD_SIZES:
        texts = tuple(_measured(words, Face.HEAD, size) for words in head)
        high = sum(text.height for text in texts) + _LEAST_GAP * len(texts)
        if max(text.width for text in texts) < WIDTH - _HEAD_X - 1 and high <= room:
            break
    return texts


def _fitted_line(words: str) -> _Text:
    """A small line in the first font that has room for all of it, else cut with an ellipsis."""
    for face, size in _LINES:
        text = _measured(words, face, size)
        if text.width <= WIDTH:
            return text
    cut = words
    while text.width > WIDTH:
        cut = cut[:-1]
        text = _measured(cut.rstrip() + "\N{HORIZONTAL ELLIPSIS}", face, size)
    return text


def _measured(words: str, face: Face, size: int) -> _Text:
    """`words` with the box of their ink: drawn and looked at, for fonts round their own boxes."""
    font = fonts.load(face, size)
    scratch = Image.new("1", (WIDTH * 4, size * 3))
    canvas = ImageDraw.Draw(scratch)
    canvas.fontmode = "1"
    canvas.text((size, size), words, fill=_INK, font=font)
    left, top, right, bottom = scratch.getbbox() or (size, size, size, size)
    return _Text(words, font, (left - size, top - size, right - size, bottom - size))
