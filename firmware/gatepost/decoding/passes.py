"""The passes: zxing-cpp over a picture as it is, and over what filters make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import zxingcpp

from gatepost.decoding.looks import Look, Pass, Trace
from gatepost.decoding.planes import LEAST_SIDE, look_back
from gatepost.decoding.symbologies import DEFAULT, formats_of, name_of
from gatepost.decoding.texts import text_of
from gatepost.model import Symbol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatepost.decoding.planes import Plane
    from gatepost.model import Corners

__all__ = ["FilteredPass", "ZxingPass"]


class ZxingPass:
    """zxing-cpp: 1 ms for an empty 720p frame, 8 ms for one of noise.

    Args:
        symbologies: what it reads, by the names in the configuration.
        whole_histogram: one threshold for the whole picture, in place of local ones: reads what
            is torn or glossy where the local ones break it up.
    """

    def __init__(
        self, symbologies: Iterable[str] = DEFAULT, *, whole_histogram: bool = False
    ) -> None:
        self.name = "zxing-global" if whole_histogram else "zxing"
        self.ns_per_pixel = 5.0 if whole_histogram else 9.0
        self._formats = formats_of(symbologies)
        binarizers = zxingcpp.Binarizer
        self._binarizer = binarizers.GlobalHistogram if whole_histogram else binarizers.LocalAverage

    def look(self, plane: Plane) -> Look:
        """Read what is whole; a QR code with errors is only a trace."""
        found = zxingcpp.read_barcodes(
            plane,
            formats=self._formats,
            text_mode=zxingcpp.TextMode.Plain,
            binarizer=self._binarizer,
            return_errors=True,
        )
        whole = [code for code in found if code.valid and code.error is None and code.bytes]
        broken = [code for code in found if code not in whole]
        return Look(
            tuple(self._symbol(code) for code in whole),
            tuple(trace for trace in map(_trace, broken) if trace is not None),
        )

    def _symbol(self, code: Any) -> Symbol:
        data = bytes(code.bytes)
        return Symbol(
            data=data,
            text=text_of(data, str(code.text)),
            symbology=name_of(code.format),
            corners=_corners(code.position),
            pass_name=self.name,
        )


class FilteredPass:
    """Another pass over what a filter makes of the picture."""

    def __init__(
        self, name: str, change: Callable[[Plane], Plane], inner: Pass, ns_per_pixel: float
    ) -> None:
        self.name = name
        self.ns_per_pixel = ns_per_pixel
        self._change = change
        self._inner = inner

    def look(self, plane: Plane) -> Look:
        """Filter, look, and take what was seen back to `plane`."""
        changed = self._change(plane)
        if min(changed.shape) < LEAST_SIDE:
            return Look()
        look = look_back(self._inner.look(changed), changed, plane)
        return look._replace(
            symbols=tuple(replace(symbol, pass_name=self.name) for symbol in look.symbols)
        )


def _trace(code: Any) -> Trace | None:
    """Where a QR code is that zxing-cpp did not read; None where it does not know.

    Every finder pattern alone looks like a Micro QR code: those are none.
    """
    corners = _corners(code.position)
    if len(set(corners)) < 4 or not code.format.name.startswith("QRCode"):
        return None
    extra = getattr(code, "extra", None) or {}  # 2.x has none
    version = str(extra.get("Version", "")) if isinstance(extra, dict) else ""
    return Trace(corners, 17 + 4 * int(version) if version.isdecimal() else 0)


def _corners(position: Any) -> Corners:
    first, second, third, fourth = (
        (int(point.x), int(point.y))
        for point in (
            position.top_left,
            position.top_right,
            position.bottom_right,
            position.bottom_left,
        )
    )
    return first, second, third, fourth
