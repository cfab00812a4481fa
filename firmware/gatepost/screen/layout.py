"""Where things stand: the icon and the large words above, the small lines below."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageChops, ImageDraw

from gatepost.errors import UsageError
from gatepost.model import CueKind
from gatepost.screen import fonts, icons
from gatepost.screen.fonts import Face
from gatepost.screen.texts import TEXTS
from gatepost.screen.words import say

if TYPE_CHECKING:
    from PIL import ImageFont

    from gatepost.model import Cue
    from gatepost.screen.words import Saying

WIDTH, HEIGHT = 128, 64
_HEAD_X = icons.SIZE + 4
_HEAD_SIZES = (21, 20, 19, 18, 17, 16, 15, 14)  # below 14 the marks of bold letters close up
_LINES = ((Face.LINE, 16), (Face.SMALL, 12), (Face.SMALL, 11))
_GAPS = (3, 2)  # rows without ink between any two lines: wished for, and at least
_HEAD_GAP, _LINE_GAP = 6, 4  # where there is room, between large lines, between small ones
_BELOW = 1  # rows without ink at the lower edge
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


class _Place(NamedTuple):
    """A text with the left top corner of its ink."""

    text: _Text
    x: int
    y: int


def render(cue: Cue, language: str) -> Image.Image:
    """`cue` as a picture, mode "1", 128x64; `language` is the first one, "vi" or "en".

    Raises UsageError when a font is not installed, or for another language.
    """
    if language not in TEXTS:
        raise UsageError(f"no texts in {language!r}; there are {', '.join(TEXTS)}")
    places, room = _placed(say(cue, language))
    picture = Image.new("1", (WIDTH, HEIGHT))
    canvas = ImageDraw.Draw(picture)
    canvas.fontmode = "1"
    for place in places:
        place.text.draw(canvas, place.x, place.y)
    icon_y = max(0, (room - icons.SIZE) // 2)
    picture.paste(icons.icon(cue.kind, cue.hint), (0, icon_y))
    # White on black for all, black on white for a refusal: seen from afar, by everyone.
    return ImageChops.invert(picture) if cue.kind is CueKind.REFUSED else picture


def _placed(saying: Saying) -> tuple[list[_Place], int]:
    """Where everything stands, from above, and the height that is left above the small lines."""
    head, lines = _fitted(saying)
    below = _placed_lines(head, lines)
    room = below[-1].y - _GAPS[-1] if below else HEIGHT
    return [*_placed_head(head, room), *reversed(below)], room


@functools.lru_cache(64)
def _fitted(saying: Saying) -> tuple[tuple[_Text, ...], tuple[_Text, ...]]:
    """The large words at the largest size at which no line touches another, and the small lines.

    Where even the smallest large words leave no room, the last small line is left out.
    """
    kept = [saying.kept, *("" for _ in saying.lines)]
    lines = tuple(map(_fitted_line, saying.lines, kept))
    while True:
        for gap, size in itertools.product(_GAPS, _HEAD_SIZES):
            head = tuple(_measured(words, Face.HEAD, size) for words in saying.head)
            wide = max(text.width for text in head)
            if wide < WIDTH - _HEAD_X and _spare((*head, *lines), gap) >= 0:
                return head, lines
        if len(lines) <= 1:
            return head, lines
        lines = lines[:-1]


def _spare(texts: tuple[_Text, ...], gap: int) -> int:
    """The rows that are left when all stand `gap` apart."""
    return HEIGHT - _BELOW - sum(text.height for text in texts) - gap * (len(texts) - 1)


def _placed_lines(head: tuple[_Text, ...], lines: tuple[_Text, ...]) -> list[_Place]:
    """Where the small lines stand, from the bottom up, in the room that `head` leaves them."""
    texts, least = (*head, *lines), _GAPS[-1]
    spare = _spare(texts, least)
    gap = min(_LINE_GAP, least + spare // len(texts))
    bottom = HEIGHT - _BELOW - (1 if spare > len(texts) * _LINE_GAP else 0)
    beside_icon = bottom - icons.SIZE - least - sum(text.height for text in lines)
    gap = max(least, min(gap, beside_icon // max(1, len(lines) - 1)))
    places = []
    for text in reversed(lines):
        bottom -= text.height
        places.append(_Place(text, (WIDTH - text.width) // 2, bottom))
        bottom -= gap
    return places


def _placed_head(head: tuple[_Text, ...], room: int) -> list[_Place]:
    """Where the large words stand: beside the icon, in the middle of the upper `room` rows."""
    ink = sum(text.height for text in head)
    gap = max(_GAPS[-1], min(_HEAD_GAP, (room - ink) // len(head)))
    y = max(0, (room - ink - gap * (len(head) - 1)) // 2)
    places = []
    for text in head:
        places.append(_Place(text, _HEAD_X, y))
        y += text.height + gap
    return places


def _fitted_line(words: str, kept: str) -> _Text:
    """A small line in the first font that has room for all of it, else cut before `kept`."""
    for face, size in _LINES:
        text = _measured(words, face, size)
        if text.width <= WIDTH:
            return text
    cut = words.removesuffix(kept)
    while text.width > WIDTH:
        cut = cut[:-1]
        text = _measured(cut.rstrip() + "\N{HORIZONTAL ELLIPSIS}" + kept, face, size)
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
