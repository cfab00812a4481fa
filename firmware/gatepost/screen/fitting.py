"""Words in a font, and the font in which they fit across the screen."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from gatepost.screen import fonts
from gatepost.screen.fonts import Face

if TYPE_CHECKING:
    from PIL import ImageFont

WIDTH, HEIGHT = 128, 64
_LINES = ((Face.LINE, 16), (Face.SMALL, 12), (Face.SMALL, 11))
_INK = 255


@dataclass(frozen=True, slots=True)
class Text:
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


def fitted_line(words: str, kept: str = "") -> Text:
    """A small line in the first font that has room for all of it, else cut before `kept`."""
    for face, size in _LINES:
        text = measured(words, face, size)
        if text.width <= WIDTH:
            return text
    cut = words.removesuffix(kept)
    while text.width > WIDTH:
        cut = cut[:-1]
        text = measured(cut.rstrip() + "\N{HORIZONTAL ELLIPSIS}" + kept, face, size)
    return text


@functools.lru_cache(512)  # the large words of every cue, at every size that is tried
def measured(words: str, face: Face, size: int) -> Text:
    """`words` with the box of their ink: drawn and looked at, for fonts round their own boxes."""
    font = fonts.load(face, size)
    scratch = Image.new("1", (WIDTH * 4, size * 3))
    canvas = ImageDraw.Draw(scratch)
    canvas.fontmode = "1"
    canvas.text((size, size), words, fill=_INK, font=font)
    left, top, right, bottom = scratch.getbbox() or (size, size, size, size)
    return Text(words, font, (left - size, top - size, right - size, bottom - size))
