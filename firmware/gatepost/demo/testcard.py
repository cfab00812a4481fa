"""The test card of the self-test as an SVG of A6: `python -m gatepost.demo.testcard FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import segno

from gatepost.selftest.looking import CARD

_WIDE, _HIGH = 105, 148  # mm: A6
_MODULE = 0.6  # mm: about what a code of 40 letters measures on a phone
_RULER = 80  # mm
_TEXTS = (
    (17, 7, "bold", "Test card · Thẻ kiểm tra"),
    (25, 2.8, "normal", "Show it to the camera or the reader, where visitors show theirs."),
    (30, 2.8, "normal", "Đưa thẻ trước máy ảnh hoặc máy quét, ở nơi khách đưa mã."),
    (108, 3.0, "normal", "gatepost selftest --config station.toml --technician"),
    (136, 3.0, "normal", f"Print at 100 %: this line is {_RULER} mm long, a module {_MODULE} mm."),
)


def svg() -> str:
    """The card. Its code holds `CARD`; the whole is free of any person's data."""
    code = segno.make_qr(CARD, error="m", encoding="utf-8")
    size = code.symbol_size(border=0)[0] * _MODULE
    left, top = (_WIDE - size) / 2, 62 - size / 2
    squares = "".join(
        f"M{left + x * _MODULE:.2f} {top + y * _MODULE:.2f}h{_MODULE}v{_MODULE}h-{_MODULE}z"
        for y, row in enumerate(code.matrix)
        for x, dark in enumerate(row)
        if dark
    )
    texts = "".join(
        f'<text x="{_WIDE / 2}" y="{y}" font-size="{size}" font-weight="{weight}">{text}</text>'
        for y, size, weight, text in _TEXTS
    )
    ends = (_WIDE - _RULER) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}mm" height="{_HIGH}mm" '
        f'viewBox="0 0 {_WIDE} {_HIGH}">\n'
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="#fff"/>\n'
        f'<path d="{squares}" fill="#000" shape-rendering="crispEdges"/>\n'
        f'<g font-family="DejaVu Sans, sans-serif" text-anchor="middle">{texts}</g>\n'
        f'<path d="M{ends} 126v6m0-3h{_RULER}m0-3v6" stroke="#000" stroke-width="0.4" '
        'fill="none"/>\n</svg>\n'
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(svg(), "utf-8")
