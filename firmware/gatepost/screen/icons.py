"""The icons: each cue's shape, told apart without colour and without reading.

Drawn on a canvas four times as fine, then thresholded: round shapes stay round in 1 bit.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from gatepost.model import CueKind, Hint

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 32
_FINE = 4
_INK = 255


class _Pen:
    """Draws in pixels of the finished icon, on the fine canvas."""

    def __init__(self) -> None:
        self.canvas = Image.new("L", (SIZE * _FINE, SIZE * _FINE))
        self._draw = ImageDraw.Draw(self.canvas)

    def line(self, *points: tuple[float, float], width: float) -> None:
        """A line with round ends and joints."""
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(fine, fill=_INK, width=round(width * _FINE), joint="curve")
        for x, y in points:
            self.dot(x, y, width / 2)

    def dot(self, x: float, y: float, radius: float) -> None:
        self._draw.ellipse(_fine(x - radius, y - radius, x + radius, y + radius), fill=_INK)

    def box(self, x: float, y: float, right: float, bottom: float, ink: int = _INK) -> None:
        self._draw.rectangle(_fine(x, y, right, bottom, inside=True), fill=ink)

    def shape(self, *points: tuple[float, float], ink: int = _INK) -> None:
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], fill=ink)

    def arc(
        self,
        centre: tuple[float, float],
        radius: float,
        turn: tuple[float, float],
        width: float = 4,
    ) -> None:
        """Part of a ring, `turn` degrees clockwise from three o'clock."""
        (x, y), outer = centre, radius + width / 2
        box = _fine(x - outer, y - outer, x + outer, y + outer)
        self._draw.arc(box, *turn, fill=_INK, width=round(width * _FINE))

    def finished(self) -> Image.Image:
        small = self.canvas.resize((SIZE, SIZE), Image.Resampling.BOX)
        return small.point(lambda level: _INK if level >= 128 else 0).convert("1")


def _fine(
    x: float, y: float, right: float, bottom: float, *, inside: bool = False
) -> tuple[float, float, float, float]:
    less = 1 if inside else 0  # a rectangle's last row and column belong to it
    return (x * _FINE, y * _FINE, right * _FINE - less, bottom * _FINE - less)


def _finder(pen: _Pen, x: float, y: float) -> None:
    """One of the three corner marks by which everyone knows a QR code."""
    pen.box(x, y, x + 7, y + 7)
    pen.box(x + 1, y + 1, x + 6, y + 6, ink=0)
    pen.box(x + 2, y + 2, x + 5, y + 5)


def _code(pen: _Pen, x: float, y: float) -> None:
    _finder(pen, x, y)
    _finder(pen, x + 9, y)
    _finder(pen, x, y + 9)
    for dx, dy in ((9, 9), (13, 9), (11, 11), (9, 13), (13, 13)):
        pen.box(x + dx, y + dy, x + dx + 2, y + dy + 2)


def _ready(pen: _Pen) -> None:
    for x, dx in ((1, 7), (31, -7)):
        for y, dy in ((1, 7), (31, -7)):
            pen.line((x + dx, y), (x, y), (x, y + dy), width=2)
    _code(pen, 8, 8)


def _pending(pen: _Pen) -> None:
    for y in (1, 28):
        pen.box(5, y, 27, y + 3)
    pen.shape((7, 4), (25, 4), (25, 8), (17.5, 16), (25, 24), (25, 28), (7, 28), (7, 24))
    pen.shape((7, 24), (14.5, 16), (7, 8))
    pen.shape((7, 8), (14.5, 16), (7, 24), ink=0)
    pen.shape((9.5, 5.5), (22.5, 5.5), (22.5, 8), (9.5, 8), ink=0)
    pen.shape((9.5, 23.5), (16, 17), (22.5, 23.5), ink=0)


def _accepted(pen: _Pen) -> None:
    pen.line((4, 17), (12, 26), (28, 6), width=6)


def _repeated(pen: _Pen) -> None:
    pen.line((2.5, 18), (8, 25), (19, 8), width=4)
    pen.line((15, 22.5), (17.5, 25), (29, 8), width=4)


def _refused(pen: _Pen) -> None:
    pen.line((6, 6), (26, 26), width=6)
    pen.line((26, 6), (6, 26), width=6)


def _not_understood(pen: _Pen) -> None:
    pen.arc((16, 9.5), 6.5, (165, 70 + 360))
    pen.dot(9.6, 9.8, 2)
    pen.line((18.3, 15.4), (16, 18), (16, 21), width=4)
    pen.dot(16, 28, 2.6)


def _poster(pen: _Pen) -> None:
    pen.box(4, 1, 28, 31)
    pen.box(6, 3, 26, 29, ink=0)
    _code(pen, 8, 5)
    pen.box(9, 23, 23, 24)
    pen.box(9, 26, 23, 27)
    pen.line((2, 30), (30, 2), width=3)


def _again(pen: _Pen) -> None:
    pen.arc((16, 16), 10.5, (-10, 290))
    pen.shape((17.5, 0), (27.5, 6), (17, 12))


def _lens(pen: _Pen) -> None:
    """The station's eye, at the right."""
    pen.arc((28, 16), 3, (0, 360), width=2)
    pen.dot(28, 16, 1)


def _too_far(pen: _Pen) -> None:
    _code(pen, 0, 8)
    _lens(pen)
    pen.shape((17.5, 11), (22.5, 16), (17.5, 21))


def _too_near(pen: _Pen) -> None:
    _code(pen, 0, 8)
    _lens(pen)
    pen.shape((22.5, 11), (17.5, 16), (22.5, 21))


def _too_dark(pen: _Pen) -> None:
    pen.dot(16, 16, 7)
    for x, y in ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7)):
        for way in (1, -1):
            begin, end = 10.5 * way, 14 * way
            pen.line((16 + x * begin, 16 + y * begin), (16 + x * end, 16 + y * end), width=2.6)


def _glare(pen: _Pen) -> None:
    _code(pen, 0, 15)
    for radius, ink in ((14, 0), (11, _INK)):
        thin = radius * 0.22
        star = ((0, -1), (thin / radius, -thin / radius), (1, 0), (thin / radius, thin / radius))
        around = (*star, (0, 1), (-thin / radius, thin / radius), (-1, 0))
        points = (*around, (-thin / radius, -thin / radius))
        pen.shape(*((20 + x * radius, 12 + y * radius) for x, y in points), ink=ink)


def _moving(pen: _Pen) -> None:
    _code(pen, 8, 8)
    for radius in (12, 15):
        for middle in (0, 180):
            pen.arc((16, 16), radius, (middle - 38, middle + 38), width=1.6)


def _cut_off(pen: _Pen) -> None:
    for x, dx in ((1, 6), (23, -6)):
        for y, dy in ((2, 6), (30, -6)):
            pen.line((x + dx, y), (x, y), (x, y + dy), width=2)
    _code(pen, 16, 8)
    pen.shape((3, 16), (9, 10), (9, 22))
    pen.box(9, 14.5, 14, 17.5)


def _no_code(pen: _Pen) -> None:
    pen.box(0, 0, 20, 32)
    pen.box(2, 3, 18, 29, ink=0)
    _code(pen, 2, 7)
    pen.shape((26.5, 5), (32, 13), (21, 13))
    pen.box(25, 13, 28, 27)


def _identify(pen: _Pen) -> None:
    pen.dot(16, 12, 11)
    pen.shape((6.2, 17), (25.8, 17), (16, 32))
    pen.canvas.paste(0, (12 * _FINE, 8 * _FINE, 20 * _FINE, 16 * _FINE))


def _trouble(pen: _Pen) -> None:
    pen.shape((16, 1), (31, 30), (1, 30))
    pen.shape((14, 11), (18, 11), (17.2, 21), (14.8, 21), ink=0)
    pen.box(14.5, 23.5, 17.5, 26.5, ink=0)


_DRAWN: dict[CueKind, Callable[[_Pen], None]] = {
    CueKind.READY: _ready,
    CueKind.PENDING: _pending,
    CueKind.ACCEPTED: _accepted,
    CueKind.REPEATED: _repeated,
    CueKind.REFUSED: _refused,
    CueKind.NOT_UNDERSTOOD: _not_understood,
    CueKind.POSTER: _poster,
    CueKind.AGAIN: _again,
    CueKind.IDENTIFY: _identify,
    CueKind.TROUBLE: _trouble,
    CueKind.HINT: _no_code,
}

_HINTS: dict[Hint, Callable[[_Pen], None]] = {
    Hint.TOO_FAR: _too_far,
    Hint.TOO_NEAR: _too_near,
    Hint.TOO_DARK: _too_dark,
    Hint.GLARE: _glare,
    Hint.MOVING: _moving,
    Hint.CUT_OFF: _cut_off,
    Hint.NO_CODE: _no_code,
}


@functools.cache
def icon(kind: CueKind, hint: Hint | None = None) -> Image.Image:
    """The icon of `kind`, and of `hint` where it is one: mode "1", 32x32."""
    pen = _Pen()
    draw = _HINTS[hint] if hint else _DRAWN[kind]
    draw(pen)
    return pen.finished()
