"""Where things stand: the icon and the large words above, the small lines below."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageChops, ImageDraw

from gatepost.errors import UsageError
from gatepost.model import CueKind
from gatepost.screen import icons
from gatepost.screen.fitting import HEIGHT, WIDTH, Text, fitted_line, measured
from gatepost.screen.fonts import Face
from gatepost.screen.reading import lines
from gatepost.screen.texts import TEXTS
from gatepost.screen.words import say

if TYPE_CHECKING:
    from gatepost.model import Cue
    from gatepost.screen.words import Saying

_HEAD_X = icons.SIZE + 4
_HEAD_SIZES = (21, 20, 19, 18, 17, 16, 15, 14)  # below 14 the marks of bold letters close up
_GAPS = (3, 2)  # rows without ink between any two lines: wished for, and at least
_HEAD_GAP, _LINE_GAP = 6, 4  # where there is room, between large lines, between small ones
_BELOW = 1  # rows without ink at the lower edge


class _Place(NamedTuple):
    """A text with the left top corner of its ink."""

    text: Text
    x: int
    y: int


def render(cue: Cue, language: str) -> Image.Image:
    """`cue` as a picture, mode "1", 128x64; `language` is the first one, "vi" or "en".

    Raises UsageError when a font is not installed, or for another language.
    """
    if language not in TEXTS:
        raise UsageError(f"no texts in {language!r}; there are {', '.join(TEXTS)}")
    if cue.kind is CueKind.STATUS:
        return lines("", cue.detail.splitlines())
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
def _fitted(saying: Saying) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """The large words at the largest size at which no line touches another, and the small lines.

    Where even the smallest large words leave no room, the last small line is left out.
    """
    kept = [saying.kept, *("" for _ in saying.lines)]
    lines = tuple(map(fitted_line, saying.lines, kept))
    while True:
        for gap, size in itertools.product(_GAPS, _HEAD_SIZES):
            head = tuple(measured(words, Face.HEAD, size) for words in saying.head)
            wide = max(text.width for text in head)
            if wide < WIDTH - _HEAD_X and _spare((*head, *lines), gap) >= 0:
                return head, lines
        if len(lines) <= 1:
            return head, lines
        lines = lines[:-1]


def _spare(texts: tuple[Text, ...], gap: int) -> int:
    """The rows that are left when all stand `gap` apart."""
    return HEIGHT - _BELOW - sum(text.height for text in texts) - gap * (len(texts) - 1)


def _placed_lines(head: tuple[Text, ...], lines: tuple[Text, ...]) -> list[_Place]:
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


def _placed_head(head: tuple[Text, ...], room: int) -> list[_Place]:
    """Where the large words stand: beside the icon, in the middle of the upper `room` rows."""
    ink = sum(text.height for text in head)
    gap = max(_GAPS[-1], min(_HEAD_GAP, (room - ink) // len(head)))
    y = max(0, (room - ink - gap * (len(head) - 1)) // 2)
    places = []
    for text in head:
        places.append(_Place(text, _HEAD_X, y))
        y += text.height + gap
    return places
