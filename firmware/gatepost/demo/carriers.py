"""What a code is shown on: a phone in a hand, a sheet of paper, a laminated card.

A carrier is drawn once, flat, as two planes, which OpenCV turns in half the time of one of two
channels: luma and opacity, the luma multiplied by it already, to be laid over any background.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import segno
from PIL import Image, ImageDraw

from gatepost.demo.troubles import NONE, Trouble
from gatepost.demo.wear import screen_curve, worn
from gatepost.errors import UsageError
from gatepost.model import Kind
from gatepost.screen import fonts
from gatepost.screen.fonts import Face

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import ImageFont

    from gatepost.demo.visitors import Visitor

Pixels: TypeAlias = npt.NDArray[np.uint8]

QUIET = 4  # modules around a QR code that stay light (ISO/IEC 18004)
EM = 1.37  # of DejaVu Sans, in heights of a capital
HEALTH_CARD = "shc:/"
FONT = cv2.FONT_HERSHEY_SIMPLEX
TITLES = {
    Kind.PC_COVID: ("PC-COVID", "MÃ QR CÁ NHÂN"),
    Kind.BHYT: ("THẺ BHYT", "BẢO HIỂM Y TẾ"),
    Kind.DCC: ("HỘ CHIẾU VẮC-XIN", "VACCINE PASSPORT"),
    Kind.SHC: ("SMART HEALTH CARD", "COVID-19"),
    Kind.NZCP: ("NZ COVID PASS", "VACCINE PASS"),
    Kind.PRETIX: ("VÉ VÀO CỬA", "TICKET"),
    Kind.PASS: ("THẺ RA VÀO", "GATE PASS"),
    Kind.MDOC: ("BẰNG LÁI XE", "DRIVING LICENCE"),
    Kind.SITE: ("QUÉT MÃ", "KHAI BÁO Y TẾ"),
    Kind.URL: ("THỰC ĐƠN", "Quét để xem"),
    Kind.UNKNOWN: ("THƯ VIỆN", "Nhãn sách"),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A carrier, drawn flat.

    Attributes:
        luma: uint8[H,W], multiplied by the opacity.
        opacity: uint8[H,W].
        module: size of the code's smallest square, pixels of the sheet.
        centre: of the code, (x, y) in pixels of the sheet.
    """

    luma: Pixels
    opacity: Pixels
    module: int
    centre: tuple[float, float]


class _Canvas:
    """The sheet while it is drawn; lengths are pixels, luma 0 to 255."""

    def __init__(self, width: int, height: int) -> None:
        self.luma: Pixels = np.zeros((height, width), np.uint8)
        self.opacity: Pixels = np.zeros((height, width), np.uint8)

    def drawn(self, module: int, centre: tuple[float, float]) -> Drawn:
        """Give what was drawn; the arm at its lower end fades out of focus."""
        height = self.luma.shape[0]
        rows = np.arange(height, 0, -1, dtype=np.float32) / (height * 0.12)
        fade = np.minimum(rows, 1)[:, None]
        luma, opacity = ((plane * fade).astype(np.uint8) for plane in (self.luma, self.opacity))
        return Drawn(luma, opacity, module, centre)

    def box(
        self, x: float, y: float, w: float, h: float, luma: int, *, round_px: float = 0
    ) -> None:
        left, top, right, bottom = int(x), int(y), int(x + w), int(y + h)
        r = int(round_px)
        middles = ((left + r, top + r), (right - r, top + r), (left + r, bottom - r))
        for plane, value in ((self.luma, luma), (self.opacity, 255)):
            cv2.rectangle(plane, (left + r, top), (right - r, bottom), value, -1)
            cv2.rectangle(plane, (left, top + r), (right, bottom - r), value, -1)
            for middle in (*middles, (right - r, bottom - r)):
                cv2.circle(plane, middle, r, value, -1, cv2.LINE_AA)

    def write(self, text: str, x: float, y: float, size: float, luma: int) -> None:
        """Write, capitals `size` pixels high; (x, y) is the left end of the base line."""
        font = _font(size)
        where = (int(x), int(y))
        if font is None:
            bold = max(1, round(size / 9))
            cv2.putText(self.luma, plain(text), where, FONT, size / 22, luma, bold, cv2.LINE_AA)
            return
        sheet = Image.fromarray(self.luma)
        ImageDraw.Draw(sheet).text(where, text, fill=luma, font=font, anchor="ls")
        self.luma = np.array(sheet)

    def centre(
        self, text: str, middle: float, y: float, room: float, size: float, luma: int
    ) -> None:
        """Write around `middle`, `size` high or as much smaller as `room` pixels ask for."""
        width = _width(text, size)
        share = min(1.0, room / width)
        self.write(text, middle - width * share / 2, y, size * share, luma)

    def lines(self, x: float, y: float, w: float, h: float, rng: np.random.Generator) -> None:
        """Fill an area with what looks like small print from here."""
        for base in np.arange(y, y + h - 6, max(9.0, h / 7)):
            at = x
            while (word := w * float(rng.uniform(0.06, 0.2))) + at < x + w:
                self.box(at, base, word, 4, int(rng.integers(70, 130)))
                at += word + w * 0.03

    def code(self, code: Pixels, x: float, y: float) -> tuple[float, float]:
        """Lay a code with its upper left corner at (x, y); give its centre."""
        left, top, side = int(x), int(y), code.shape[0]
        self.luma[top : top + side, left : left + side] = code
        return left + side / 2, top + side / 2

    def finger(self, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
        """Lay a finger over the sheet: its shadowed edge first, then the lit skin, the nail."""
        (begin, tip) = ((int(x), int(y)) for x, y in (start, end))
        cv2.line(self.opacity, begin, tip, 255, int(width), cv2.LINE_AA)
        for share in np.linspace(1.0, 0.2, 9):
            luma = int(154 - 50 * share**2)
            cv2.line(self.luma, begin, tip, luma, max(1, int(width * share)), cv2.LINE_AA)
        cv2.circle(self.luma, tip, int(width * 0.24), 166, -1, cv2.LINE_AA)

    def shade(self, low: float, rng: np.random.Generator) -> None:
        """Crumple: multiply the luma by a rough relief between `low` and 1."""
        height, width = self.luma.shape
        coarse = rng.uniform(low, 1.0, (7, 9)).astype(np.float32)
        fine = rng.uniform(0.97, 1.0, (40, 50)).astype(np.float32)
        relief = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        grain = cv2.resize(fine, (width, height), interpolation=cv2.INTER_CUBIC)
        self.luma = (self.luma * np.minimum(relief * grain, 1.0)).astype(np.uint8)


def _font(size: float) -> ImageFont.FreeTypeFont | None:
    """The font whose capitals are `size` pixels high; None where it is not installed."""
    try:
        return fonts.load(Face.HEAD, max(1, round(size * EM)))
    except UsageError:
        return None


def _width(text: str, size: float) -> float:
    font = _font(size)
    return font.getlength(text) if font else cv2.getTextSize(plain(text), FONT, size / 22, 1)[0][0]


def plain(text: str) -> str:
    """`text` in ASCII, without its marks: all that OpenCV's own letters can write."""
    bare = unicodedata.normalize("NFD", text.translate({ord("Đ"): "D", ord("đ"): "d"}))
    return bare.encode("ascii", "ignore").decode()


def code_picture(text: str, module: int, ink: int, ground: int) -> Pixels:
    """Draw the QR code of `text` with its quiet zone; `module` pixels a square.

    Level M; a health card as its specification has it: level L, its digits packed as digits.
    """
    card = text.startswith(HEALTH_CARD)
    content: Any = [HEALTH_CARD, text.removeprefix(HEALTH_CARD)] if card else text.encode()
    code = segno.make_qr(content, error="l" if card else "m", boost_error=False)
    dark = np.array([list(row) for row in code.matrix], np.uint8)
    dark = np.pad(dark, QUIET)
    grid = np.where(dark == 1, ink, ground).astype(np.uint8)
    return np.repeat(np.repeat(grid, module, axis=0), module, axis=1)


def _hold(canvas: _Canvas, body: tuple[float, float, float, float], *, front: bool) -> None:
    """Draw the hand that holds `body` (x, y, w, h): behind it, or the thumb in front of it."""
    x, y, w, h = body
    grip = min(w, h) * 0.17
    if front:
        canvas.finger((x + w + grip * 0.2, y + h * 0.99), (x + w - grip * 0.3, y + h * 0.7), grip)
        return
    for share in (0.55, 0.66, 0.77, 0.88):
        canvas.finger((x + w * 0.3, y + h * share), (x - grip * 0.3, y + h * (share - 0.02)), grip)
    below = canvas.luma.shape[0] - y - h
    canvas.finger((x + w * 0.66, y + h + below * 0.6), (x + w * 0.72, y + h * 0.8), grip * 3)
    sleeve = grip * 3.3
    canvas.box(x + w * 0.66 - sleeve / 2, y + h + below * 0.45, sleeve, below, 66)


def _phone(visitor: Visitor, module: int, rng: np.random.Generator, trouble: Trouble) -> Drawn:
    code = code_picture(visitor.text, module, 14, 238)
    side = code.shape[0]
    w, h = side * 1.26, side * 2.35
    x = y = w * 0.16
    canvas = _Canvas(int(w * 1.32), int(h * 1.35 + y))
    _hold(canvas, (x, y, w, h), front=False)
    canvas.box(x, y, w, h, 92, round_px=w * 0.1)
    canvas.box(x + 3, y + 3, w - 6, h - 6, 20, round_px=w * 0.095)
    left, top, inner, rim = x + w * 0.035, y + w * 0.035, w * 0.93, w * 0.07
    canvas.box(left, top, inner, h - w * 0.07, 232, round_px=rim)
    canvas.box(left, top, inner, side * 0.3, 88, round_px=rim)
    canvas.box(left, top + side * 0.15, inner, side * 0.19, 88)
    canvas.write("14:05", left + w * 0.06, top + w * 0.065, w * 0.04, 235)
    canvas.box(left + inner - w * 0.15, top + w * 0.03, w * 0.08, w * 0.035, 235)
    title, below = TITLES[visitor.kind]
    canvas.centre(title, x + w / 2, top + side * 0.26, w * 0.8, w * 0.095, 250)
    canvas.centre(below, x + w / 2, top + side * 0.47, w * 0.7, w * 0.06, 50)
    centre = canvas.code(code, x + (w - side) / 2, top + side * 0.53)
    canvas.lines(left + w * 0.12, top + side * 1.6, w * 0.7, side * 0.26, rng)
    canvas.box(left + w * 0.1, top + side * 1.95, w * 0.73, side * 0.16, 110, round_px=side * 0.07)
    if trouble.dark or trouble.screen < 1:
        lit = _Canvas(canvas.luma.shape[1], canvas.luma.shape[0])
        lit.box(left, top, inner, h - w * 0.07, 255, round_px=rim)
        curve = screen_curve(dark=trouble.dark, brightness=trouble.screen)
        canvas.luma = np.where(lit.opacity, curve[canvas.luma], canvas.luma)
    canvas.box(x + w * 0.36, top, w * 0.28, w * 0.05, 12, round_px=w * 0.025)
    _hold(canvas, (x, y, w, h), front=True)
    return canvas.drawn(module, centre)


def _paper(visitor: Visitor, module: int, rng: np.random.Generator, _trouble: Trouble) -> Drawn:
    code = code_picture(visitor.text, module, 44, 226)
    side = code.shape[0]
    w, h = side * float(rng.uniform(1.55, 2.0)), side * float(rng.uniform(2.0, 2.4))
    x = y = w * 0.14
    canvas = _Canvas(int(w * 1.3), int(h * 1.45 + y))
    _hold(canvas, (x, y, w, h), front=False)
    canvas.box(x, y, w, h, 226)
    title, below = TITLES[visitor.kind]
    if visitor.kind is Kind.SITE:
        canvas.box(x, y, w, side * 0.48, 80)
    ink, pale = (240, 205) if visitor.kind is Kind.SITE else (50, 105)
    canvas.centre(title, x + w / 2, y + side * 0.23, w * 0.84, side * 0.15, ink)
    canvas.centre(below, x + w / 2, y + side * 0.42, w * 0.7, side * 0.08, pale)
    centre = canvas.code(code, x + (w - side) / 2, y + side * 0.55)
    canvas.lines(x + w * 0.1, y + side * 1.6, w * 0.8, h - side * 1.75, rng)
    canvas.shade(0.72, rng)
    _hold(canvas, (x, y, w, h), front=True)
    return canvas.drawn(module, centre)


def _card(visitor: Visitor, module: int, rng: np.random.Generator, _trouble: Trouble) -> Drawn:
    code = code_picture(visitor.text, module, 40, 212)
    side = code.shape[0]
    # The real code is 11 mm wide on a card of 85.6 x 54 mm: the card fills the picture.
    px_mm = (side - 2 * QUIET * module) / 11
    w, h = 85.6 * px_mm, 54 * px_mm
    x = y = 5 * px_mm
    canvas = _Canvas(int(w + 14 * px_mm), int(h + 16 * px_mm))
    _hold(canvas, (x, y, w, h), front=False)
    canvas.box(x - px_mm, y - px_mm, w + 2 * px_mm, h + 2 * px_mm, 172, round_px=4 * px_mm)
    canvas.box(x, y, w, h, 204, round_px=3 * px_mm)
    _guilloche(canvas, (x, y, w, h))
    middle, room = x + w * 0.53, w * 0.52  # between the photo and the code
    canvas.centre("CỘNG HÒA VÍ DỤ", middle, y + h * 0.13, room, 2.2 * px_mm, 60)
    canvas.centre("CĂN CƯỚC CÔNG DÂN", middle, y + h * 0.26, room, 3.2 * px_mm, 44)
    canvas.box(x + w * 0.05, y + h * 0.35, w * 0.22, h * 0.5, 168)
    cv2.circle(canvas.luma, (int(x + w * 0.16), int(y + h * 0.52)), int(h * 0.1), 96, -1)
    canvas.box(x + w * 0.085, y + h * 0.66, w * 0.15, h * 0.19, 70, round_px=h * 0.07)
    canvas.write("099" + "0" * 9, x + w * 0.4, y + h * 0.42, 3.4 * px_mm, 50)
    canvas.lines(x + w * 0.32, y + h * 0.5, w * 0.6, h * 0.42, rng)
    centre = canvas.code(code, x + w * 0.83, y + h * 0.06)
    canvas.shade(0.93, rng)
    _hold(canvas, (x, y, w, h), front=True)
    return canvas.drawn(module, centre)


def _guilloche(canvas: _Canvas, body: tuple[float, float, float, float]) -> None:
    """Draw the fine waves that keep a card from being copied."""
    x, y, w, h = body
    along = np.arange(x + 12, x + w - 12, 6)
    for base in np.arange(y + h * 0.1, y + h * 0.92, h * 0.035):
        wave = base + h * 0.03 * np.sin(along / w * 19 + base)
        points = np.stack([along, wave], axis=1).astype(np.int32)
        cv2.polylines(canvas.luma, [points], isClosed=False, color=190)


Draw: TypeAlias = "Callable[[Visitor, int, np.random.Generator, Trouble], Drawn]"
DRAW: dict[str, Draw] = {"phone": _phone, "paper": _paper, "card": _card}


def draw_carrier(visitor: Visitor, module_px: float, trouble: Trouble = NONE) -> Drawn:
    """Draw what `visitor` holds, a little larger than it is shown with `module_px` a square.

    A little only: beyond half its size, linear sampling would leave modules out.
    """
    rng = np.random.default_rng(visitor.presentation.seed)
    drawn = DRAW[visitor.carrier](visitor, max(2, ceil(module_px * 1.1)), rng, trouble)
    return worn(drawn, trouble, rng)
