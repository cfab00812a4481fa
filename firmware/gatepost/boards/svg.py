"""Plain SVG: lines, boxes, words, and the symbols of parts (IEC 60617 where it is well known).

Lengths are units of the picture; `colour` is a word of `COLOURS` or CSS's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Sequence

    Point = tuple[float, float]

INK = "#1f2933"
FAINT = "#7b8794"
COLOURS = {
    "black": "#111111",
    "blue": "#1e66d0",
    "brown": "#8a5a2b",
    "green": "#1f9d55",
    "grey": "#8b95a1",
    "orange": "#f08c00",
    "pink": "#f06595",
    "red": "#d92626",
    "turquoise": "#12a5a5",
    "violet": "#8e44cc",
    "white": "#ffffff",
    "yellow": "#e9c400",
}
_LIGHT = ("white", "yellow")


class Picture:
    """An SVG in the making; `left` and `right` are turned round for what is drawn mirrored."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width / 4:g}mm" '
            f'height="{height / 4:g}mm" viewBox="0 0 {width} {height}" '
            'font-family="DejaVu Sans, Verdana, sans-serif">\n'
            f"<title>{escape(title)}</title>\n"
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        )
        self._shapes: list[str] = []

    def __str__(self) -> str:
        return f"{self._head}{''.join(self._shapes)}</svg>\n"

    def add(self, name: str, text: str = "", **attributes: object) -> None:
        """One element; `_` in the name of an attribute is written `-`."""
        told = "".join(
            f" {key.rstrip('_').replace('_', '-')}={quoteattr(_short(value))}"
            for key, value in attributes.items()
        )
        end = f">{escape(text)}</{name}>" if text else "/>"
        self._shapes.append(f"<{name}{told}{end}\n")

    def words(
        self,
        at: Point,
        text: str,
        size: float = 12,
        anchor: str = "start",
        *,
        bold: bool = False,
        colour: str = INK,
    ) -> None:
        """One line of text whose baseline begins, ends or has its middle `at`."""
        weight = {"font_weight": "bold"} if bold else {}
        more = {} if anchor == "start" else {"text_anchor": anchor}
        self.add("text", text, x=at[0], y=at[1], font_size=size, fill=colour, **more, **weight)

    def lines(self, at: Point, texts: Sequence[str], size: float = 11.5, colour: str = INK) -> None:
        """Lines of text, one below the other."""
        for number, text in enumerate(texts):
            self.words((at[0], at[1] + number * size * 1.36), text, size, colour=colour)

    def path(self, points: Sequence[Point], colour: str = INK, width: float = 1.5) -> None:
        """A line through `points`."""
        told = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self.add(
            "polyline", points=told, fill="none", stroke=COLOURS.get(colour, colour),
            stroke_width=width, stroke_linejoin="round", stroke_linecap="round",
        )  # fmt: skip

    def wire(self, points: Sequence[Point], colour: str) -> None:
        """A wire; bright ones have a dark edge, so that they show on white."""
        if colour in _LIGHT:
            self.path(points, FAINT, 4.6)
        self.path(points, colour, 3)

    def box(
        self, at: Point, size: Point, fill: str = "#ffffff", edge: str = INK, round_: float = 4
    ) -> None:
        """A rectangle, `at` its upper left corner."""
        self.add(
            "rect", x=at[0], y=at[1], width=size[0], height=size[1], rx=round_,
            fill=fill, stroke=edge, stroke_width=1.3,
        )  # fmt: skip

    def disc(self, at: Point, radius: float, fill: str, edge: str = INK) -> None:
        """A circle."""
        self.add(
            "circle", cx=at[0], cy=at[1], r=radius, fill=fill, stroke=edge, stroke_width=1.3
        )  # fmt: skip

    def dot(self, at: Point) -> None:
        """Where lines that meet are joined."""
        self.disc(at, 2.6, INK)

    def resistor(self, at: Point, text: str, *, upright: bool = False) -> None:
        """A resistor around `at`, 34 long, its value beside it."""
        x, y = at
        if upright:
            self.box((x - 5.5, y - 15), (11, 30), round_=1)
            self.words((x + 10, y + 4), text, 10.5)
        else:
            self.box((x - 17, y - 5.5), (34, 11), round_=1)
            self.words((x, y - 9), text, 10.5, "middle")

    def diode(self, at: Point, way: int, fill: str, *, shines: bool = True) -> None:
        """A diode around `at`, current flowing in direction `way` (1: to the right)."""
        x, y = at
        ends = ((x - 8 * way, y - 8), (x - 8 * way, y + 8), (x + 8 * way, y))
        told = " ".join(f"{_short(a)},{_short(b)}" for a, b in ends)
        self.add("polygon", points=told, fill=fill, stroke=INK, stroke_width=1.3)
        self.path(((x + 8 * way, y - 8), (x + 8 * way, y + 8)))
        for shift in (-2, 5) if shines else ():
            self._arrow((x + shift, y - 10), (x + shift + 6, y - 18))

    def ground(self, at: Point) -> None:
        """The sign of ground below `at`."""
        x, y = at
        for number, half in enumerate((9, 6, 3)):
            self.path(((x - half, y + number * 3.5), (x + half, y + number * 3.5)))

    def flag(self, at: Point, text: str, colour: str, way: int = 1) -> None:
        """A label for a wire that goes on elsewhere, beginning `at`, pointing in `way`."""
        x, y = at
        wide = len(text) * 6.3 + 14
        near, far = x + 8 * way, x + wide * way
        ends = ((x, y), (near, y - 9), (far, y - 9), (far, y + 9), (near, y + 9))
        told = " ".join(f"{_short(a)},{_short(b)}" for a, b in ends)
        self.add(
            "polygon", points=told, fill="#ffffff", stroke=COLOURS[colour], stroke_width=1.8
        )  # fmt: skip
        self.words((x + (wide / 2 + 3) * way, y + 4), text, 10.5, "middle")

    def _arrow(self, tail: Point, tip: Point) -> None:
        self.path((tail, tip), width=1.1)
        self.path(((tip[0] - 4, tip[1] + 0.5), tip, (tip[0] - 0.5, tip[1] + 4)), width=1.1)


def _short(value: object) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)
