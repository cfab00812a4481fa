"""The decoders, each behind the same small seam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import zbar
import zxingcpp

from gatepost.decoding.texts import repaired, text_of
from gatepost.model import Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gatepost.model import Corners

# One code for each member of the family; versions of zxing-cpp differ in how they name QR.
_SYMBOLOGIES = {
    "QRCode": "qr",
    "QRCodeModel1": "qr",
    "QRCodeModel2": "qr",
    "MicroQRCode": "micro-qr",
    "RMQRCode": "rmqr",
}
_NOWHERE: Corners = ((0, 0), (0, 0), (0, 0), (0, 0))


class Look(NamedTuple):
    """What one pass saw: what it read, and whether it found a code that it could not read."""

    symbols: tuple[Symbol, ...]
    located: bool = False


class Pass(Protocol):
    """One way to look at a picture. It wraps foreign code: it may raise anything."""

    name: str
    most_pixels: int  # larger pictures are shrunk to this for it

    def look(self, plane: npt.NDArray[np.uint8]) -> Look:
        """Look at `plane`, C-contiguous uint8[H,W] with at least 11 pixels a side."""


class ZxingPass:
    """zxing-cpp: QR and Micro QR, 1 ms for an empty 720p frame, 0.5 s for 25 Mpx of noise."""

    name = "zxing"
    most_pixels = 25_000_000

    def __init__(self) -> None:
        # By name: the operator | of 2.x is deprecated in 3.x, the tuple of 3.x unknown to 2.x.
        self._formats = zxingcpp.barcode_formats_from_str("QRCode|MicroQRCode")

    def look(self, plane: npt.NDArray[np.uint8]) -> Look:
        """Read what is whole; a code with errors only counts as located."""
        found = zxingcpp.read_barcodes(
            plane,
            formats=self._formats,
            text_mode=zxingcpp.TextMode.Plain,
            return_errors=True,
        )
        whole = [code for code in found if code.valid and code.error is None and code.bytes]
        return Look(tuple(self._symbol(code) for code in whole), len(found) > len(whole))

    def _symbol(self, code: Any) -> Symbol:
        data = bytes(code.bytes)
        return Symbol(
            data=data,
            text=text_of(data, str(code.text)),
            symbology=_SYMBOLOGIES.get(code.format.name, code.format.name.lower()),
            corners=_zxing_corners(code.position),
            pass_name=self.name,
        )


class ZbarPass:
    """zbar: QR only, by another algorithm. 27 ms for a 720p frame.

    Its time grows faster than the picture on dense patterns (10 s for 14 Mpx), hence 4 Mpx at
    most. A scanner keeps state: not to be shared between threads.
    """

    name = "zbar"
    most_pixels = 4_000_000

    def __init__(self) -> None:
        self._scanner = zbar.Scanner(
            [
                ("ZBAR_NONE", "ZBAR_CFG_ENABLE", 0),
                ("ZBAR_QRCODE", "ZBAR_CFG_ENABLE", 1),
                ("ZBAR_NONE", "ZBAR_CFG_POSITION", 1),
            ]
        )

    def look(self, plane: npt.NDArray[np.uint8]) -> Look:
        """Read what zbar reads; it does not tell of codes that it cannot read."""
        found = self._scanner.scan(plane)
        return Look(tuple(self._symbol(code) for code in found if code.data))

    def _symbol(self, code: Any) -> Symbol:
        data = repaired(code.data)
        return Symbol(
            data=data,
            text=text_of(data, ""),
            symbology="qr",
            corners=_zbar_corners(code.position),
            pass_name=self.name,
        )


def _zxing_corners(position: Any) -> Corners:
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


def _zbar_corners(points: list[tuple[int, int]]) -> Corners:
    """Zbar goes the other way round: top left, bottom left, bottom right, top right."""
    if len(points) != 4:
        return _NOWHERE
    top_left, bottom_left, bottom_right, top_right = points
    return top_left, top_right, bottom_right, bottom_left
