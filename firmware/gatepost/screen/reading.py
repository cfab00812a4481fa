"""Screens for who looks after the station: lines of text, and help while a camera is aimed.

A line is Unifont at 16 pixels, 16 letters wide, four to a screen: drawn for these very pixels, it
is what reads best close by, with every Vietnamese letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw

from gatepost.errors import UsageError
from gatepost.screen.fitting import HEIGHT, WIDTH, fitted_line
from gatepost.screen.words import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = 16  # pixels
_ROWS = HEIGHT // ROW
_BASE = 14  # of Unifont's 16 rows, those above the line that letters stand on
_INK = 255
_BAR = (44, 102)  # between the word and the number
_BAR_HEIGHT = 10


@dataclass(frozen=True, slots=True)
class _Words:
    """What stands beside the bar and the two judgements, and how these are called."""

    read: str
    unread: str
    focus: str
    light: str
    distance: str
    judged: dict[str, str]


_WORDS = {
    "vi": _Words(
        *("Đã đọc được mã", "Chưa đọc được"),
        *("Nét", "Sáng", "Cách"),
        {
            "ok": "vừa",
            "dark": "tối quá",
            "bright": "sáng quá",
            "glare": "bị lóa",
            "near": "gần quá",
            "far": "xa quá",
            "none": "chưa thấy",
        },
    ),
    "en": _Words(
        *("Code is read", "Not read yet"),
        *("Focus", "Light", "Dist."),
        {
            "ok": "good",
            "dark": "too dark",
            "bright": "too bright",
            "glare": "glare",
            "near": "too near",
            "far": "too far",
            "none": "no code",
        },
    ),
}


def lines(title: str, texts: Sequence[str]) -> Image.Image:
    """Up to four lines, or three below a title in black on white; more are left out.

    Without a title, one or two stand in the middle. Mode "1", 128x64. What is too wide is set
    narrower, then cut. Raises UsageError without fonts.
    """
    picture = Image.new("1", (WIDTH, HEIGHT))
    first = (_ROWS - min(len(texts), _ROWS)) // 2
    if title:
        picture.paste(_title(title))
        first = 1
    for row, text in enumerate(texts[: _ROWS - first], first):
        _write(picture, row, text)
    return picture


def aim(
    focus: float, light: str, distance: str, *, code_read: bool, language: str = "vi"
) -> Image.Image:
    """How well a camera sees the code before it: mode "1", 128x64.

    Args:
        focus: 0 to 100.
        light: "ok", "dark", "bright", "glare".
        distance: "ok", "near", "far"; "none" while no code is seen. As `decoding.scoring` says.
        code_read: said above, in black on white once it is.
        language: "vi" or "en".

    Raises UsageError for another word or language, and without fonts.
    """
    if language not in _WORDS:
        raise UsageError(f"no texts in {language!r}; there are {', '.join(_WORDS)}")
    words = _WORDS[language]
    unknown = {light, distance} - set(words.judged)
    if unknown:
        raise UsageError(f"nothing is called {', '.join(sorted(unknown))}")
    picture = Image.new("1", (WIDTH, HEIGHT))
    if code_read:
        picture.paste(_title(words.read))
    else:
        _write(picture, 0, words.unread)
    _write(picture, 1, words.focus)
    _bar(picture, 1, min(100, max(0, round(focus))))
    _write(picture, 2, f"{words.light:<5} {words.judged[light]}")
    _write(picture, 3, f"{words.distance:<5} {words.judged[distance]}")
    return picture


def _title(text: str) -> Image.Image:
    row = Image.new("1", (WIDTH, ROW))
    _write(row, 0, text)
    return ImageChops.invert(row)


def _bar(picture: Image.Image, row: int, share: int) -> None:
    """A bar of `share` hundredths, and the number."""
    canvas = ImageDraw.Draw(picture)
    left, right = _BAR
    top = row * ROW + (ROW - _BAR_HEIGHT) // 2
    canvas.rectangle((left, top, right, top + _BAR_HEIGHT - 1), outline=_INK)
    filled = (right - left - 4) * share // 100
    if filled:
        box = (left + 2, top + 2, left + 1 + filled, top + _BAR_HEIGHT - 3)
        canvas.rectangle(box, fill=_INK)
    _write(picture, row, f"{share:>3}", WIDTH - 3 * 8)


def _write(picture: Image.Image, row: int, text: str, x: int = 0) -> None:
    fitted = fitted_line(_harmless(text))
    canvas = ImageDraw.Draw(picture)
    canvas.fontmode = "1"
    at = (x, row * ROW + _BASE)
    canvas.text(at, fitted.words, fill=_INK, font=fitted.font, anchor="ls")


def _harmless(text: str) -> str:
    """As `printable`, but blanks at its begin and between words stay where they are."""
    return "".join(printable(letter) or " " for letter in text[:64])
