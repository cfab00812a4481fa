"""Who reads in the bench of the decoders: gatepost, and whatever else a station could have used."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import zbar
import zxingcpp

from gatepost.decoding import build_decoder
from gatepost.decoding.live import build_live
from gatepost.model import Frame

if TYPE_CHECKING:
    from gatepost.ports import Decoder

Luma: TypeAlias = npt.NDArray[np.uint8]
OURS, BUDGETED = "gatepost", "in 33 ms"
FOREIGN = (cv2.error, UnicodeDecodeError, ValueError, RuntimeError)
LIVE_BUDGET_S = 1 / 30  # a frame of the live decoder may take: what a camera leaves
_ONLY_QR = zxingcpp.barcode_formats_from_str("QRCode")


class Read(NamedTuple):
    """A text, and when the frame was taken that it was read in, seconds."""

    text: str
    taken: float


Look: TypeAlias = Callable[[Luma, float], Sequence[Read]]


class Contestant(NamedTuple):
    """One way to read: `begin` gives a fresh one for each clip; it looks at every n-th frame."""

    name: str
    begin: Callable[[], AbstractContextManager[Look]]
    every: int = 1


def likened(text: str) -> str:
    """`text` as texts are compared: NFKC, white space removed."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@contextmanager
def contestant_live(budget_s: float | None) -> Iterator[Look]:
    """gatepost before a camera, all in line; a budget makes what it reads depend on the machine."""
    with build_live(budget_s=budget_s) as decoder:
        yield partial(_decoded, decoder)


@contextmanager
def contestant_stills() -> Iterator[Look]:
    """gatepost before photos."""
    with build_decoder() as decoder:
        yield partial(_decoded, decoder)


def _decoded(decoder: Decoder, luma: Luma, taken: float) -> list[Read]:
    symbols = decoder.decode(Frame(luma, taken))
    return [Read(each.text, taken if each.taken is None else each.taken) for each in symbols]


def _zxing_texts(luma: Luma) -> list[str]:
    return [each.text for each in zxingcpp.read_barcodes(luma, formats=_ONLY_QR)]


def _doubled(luma: Luma) -> Luma:
    return np.asarray(cv2.resize(luma, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


def _smooth(luma: Luma) -> Luma:
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), 0.7), np.uint8)


class _Zbar:
    """A scanner keeps state: a new one for each clip."""

    def __init__(self) -> None:
        only = [("ZBAR_NONE", "ZBAR_CFG_ENABLE", 0), ("ZBAR_QRCODE", "ZBAR_CFG_ENABLE", 1)]
        self._scanner = zbar.Scanner(only)

    def __call__(self, luma: Luma) -> list[str]:
        return [each.data.decode("utf-8", "replace") for each in self._scanner.scan(luma)]


class _Union:
    """All that the best of the others do, always all four; the same text may come four times."""

    def __init__(self) -> None:
        self._zbar = _Zbar()

    def __call__(self, luma: Luma) -> list[str]:
        found = _zxing_texts(luma) + _zxing_texts(_doubled(_smooth(luma)))
        return found + _zxing_texts(_doubled(luma)) + self._zbar(luma)


class _OpenCv:
    def __init__(self) -> None:
        self._detector = cv2.QRCodeDetector()

    def __call__(self, luma: Luma) -> list[str]:
        return [text for text in self._detector.detectAndDecodeMulti(luma)[1] if text]


def _plain(
    make: Callable[[], Callable[[Luma], list[str]]],
) -> Callable[[], AbstractContextManager[Look]]:
    """A contestant without memory: what it finds was read in this frame."""

    @contextmanager
    def begin() -> Iterator[Look]:
        texts = make()

        def look(luma: Luma, taken: float) -> list[Read]:
            try:
                return [Read(text, taken) for text in texts(luma)]
            except FOREIGN:  # it read nothing; the others go on
                return []

        yield look

    return begin


ZXING = Contestant("zxing-cpp", _plain(lambda: _zxing_texts))
UNION = Contestant("union", _plain(_Union))


def contestants(live: bool, opencv_every: int) -> tuple[Contestant, ...]:
    """Everybody, gatepost first: live, also within the time that a camera leaves."""
    still = (Contestant(OURS, contestant_stills),)
    before_camera = (
        Contestant(OURS, partial(contestant_live, None)),
        Contestant(BUDGETED, partial(contestant_live, LIVE_BUDGET_S)),
    )
    return (
        *(before_camera if live else still),
        ZXING,
        Contestant("zbar-py", _plain(_Zbar)),
        UNION,
        Contestant("OpenCV", _plain(_OpenCv), opencv_every),
    )
