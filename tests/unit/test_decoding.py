from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from gatepost.decoding import PassDecoder, build_decoder
from gatepost.decoding.decoder import merged
from gatepost.decoding.passes import Look, ZbarPass, ZxingPass
from gatepost.decoding.planes import as_plane
from gatepost.model import Frame, Symbol
from unit.pictures import Luma, placed, rendered

VIETNAMESE = "Nguyễn Thị Ánh Đặng Ước|079201012345"


def read(luma: Luma) -> list[str]:
    return [symbol.text for symbol in build_decoder().decode(Frame(luma, 0.0))]


def symbol(data: bytes, way: str = "test") -> Symbol:
    return Symbol(data, data.decode(), "qr", ((0, 0), (9, 0), (9, 9), (0, 9)), way)


class Scripted:
    """A pass that sees what it is told, or raises."""

    most_pixels = 10_000

    def __init__(self, name: str, look: Look | None) -> None:
        self.name = name
        self.calls = 0
        self._look = look

    def look(self, plane: Luma) -> Look:
        self.calls += 1
        assert plane.flags.c_contiguous
        if self._look is None:
            raise RuntimeError("foreign trouble")
        return self._look


FRAME = Frame(np.full((60, 80), 128, np.uint8), 0.0)


def test_a_code_is_read_with_its_bytes_symbology_and_corners() -> None:
    luma = placed(rendered("hello", scale=4), height=300, width=400, top=100, left=200)
    (found,) = build_decoder().decode(Frame(luma, 0.0))
    assert (found.data, found.text, found.symbology) == (b"hello", "hello", "qr")
    assert found.pass_name == "zxing"
    expected = ((216, 116), (300, 116), (300, 200), (216, 200))
    assert np.abs(np.array(found.corners) - np.array(expected)).max() <= 2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_corners_follow_the_turned_code(turns: int) -> None:
    upright = placed(rendered("turned"), height=200, width=200, top=20, left=20)
    (found,) = build_decoder().decode(Frame(np.rot90(upright, turns), 0.0))
    first = found.corners[0]
    assert (first[0] > 100, first[1] > 100) == {
        1: (False, True),
        2: (True, True),
        3: (True, False),
    }[turns]


def test_micro_qr_is_read() -> None:
    (found,) = build_decoder().decode(Frame(rendered("12345", micro=True), 0.0))
    assert (found.text, found.symbology) == ("12345", "micro-qr")


def test_white_on_black_is_read() -> None:
    assert read(255 - rendered("inverse")) == ["inverse"]


def test_several_codes_are_read_and_the_same_one_once() -> None:
    row = np.hstack([rendered("one"), rendered("two"), rendered("one")])
    assert sorted(read(row)) == ["one", "two"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", VIETNAMESE), ("latin-1", "Ñandú façade"), ("shift_jis", "日本語テスト")],
)
def test_encodings_that_a_symbol_uses(encoding: str, text: str) -> None:
    assert read(rendered(text, encoding=encoding)) == [text]


@pytest.mark.parametrize("text", [VIETNAMESE, "café", "é", "Ñandú", "Đặng Ước", "plain", "日本語"])
def test_zbar_gives_back_the_utf8_that_it_took_for_something_else(text: str) -> None:
    (found,) = ZbarPass().look(rendered(text, encoding="utf-8")).symbols
    assert (found.text, found.data) == (text, text.encode())


def test_zbar_and_zxing_agree_on_corners() -> None:
    luma = placed(rendered("where"), height=300, width=400, top=70, left=30)
    (first,) = ZxingPass().look(luma).symbols
    (second,) = ZbarPass().look(luma).symbols
    assert np.abs(np.array(first.corners) - np.array(second.corners)).max() <= 3


def test_a_located_code_that_cannot_be_read_is_no_symbol() -> None:
    luma = rendered("torn " * 20, scale=6)
    middle = luma.shape[0] // 2
    luma[middle - 60 : middle + 60, middle - 60 : middle + 60] = 128
    look = ZxingPass().look(luma)
    assert not look.symbols
    assert look.located


@pytest.mark.parametrize(
    "luma",
    [
        np.zeros((0, 0), np.uint8),
        np.zeros((0, 50), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 100_000), np.uint8),
        np.zeros((12, 12), np.uint8),
        np.zeros((50, 50, 0), np.uint8),
        np.zeros((50, 50, 7), np.uint8),
        np.zeros((2, 3, 4, 5), np.uint8),
        np.zeros(7, np.uint8),
        np.full((50, 50), np.nan),
        np.zeros((50, 50), bool),
        np.random.default_rng(1).integers(0, 256, (480, 640), np.uint8),
        np.random.default_rng(2).integers(0, 2, (480, 640), np.uint8) * np.uint8(255),
    ],
    ids=lambda luma: str(luma.shape) + str(luma.dtype),
)
def test_any_frame_is_survived(luma: Luma) -> None:
    assert read(luma) == []


def test_what_is_no_picture_at_all_is_counted() -> None:
    decoder = build_decoder()
    assert decoder.decode(Frame([[1, 2], [3]], 0.0)) == ()  # type: ignore[arg-type]
    assert decoder.failures == {"frame": 1}


def test_views_colour_and_read_only_pictures_are_read() -> None:
    luma = rendered("as it comes", scale=6)
    locked = luma.copy()
    locked.flags.writeable = False
    wide = np.repeat(luma, 2, axis=1)
    colour = cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR)
    alpha = cv2.cvtColor(luma, cv2.COLOR_GRAY2BGRA)
    deep = luma.astype(np.uint16) * 257
    for picture in (locked, wide[:, ::2], luma[::-1, ::-1], luma.T, colour, alpha, deep):
        assert read(picture) == ["as it comes"]


def test_a_contiguous_plane_is_not_copied() -> None:
    luma = rendered("no copy")
    assert np.shares_memory(as_plane(luma), luma)


def test_a_huge_picture_takes_bounded_time_and_its_corners_are_its_own() -> None:
    huge = placed(rendered("huge", scale=60), height=10_000, width=10_000, top=7000, left=6000)
    begun = time.monotonic()
    (found,) = build_decoder().decode(Frame(huge, 0.0))
    assert time.monotonic() - begun < 10
    expected = ((6240, 7240), (7500, 7240), (7500, 8500), (6240, 8500))
    assert np.abs(np.array(found.corners) - np.array(expected)).max() <= 20


def test_corners_of_a_shrunk_picture_are_grown_back() -> None:
    first = Scripted("first", Look((symbol(b"x"),)))
    decoder = PassDecoder(first, Scripted("second", Look(())))
    (found,) = decoder.decode(Frame(np.zeros((1000, 1000), np.uint8), 0.0))
    assert found.corners == ((0, 0), (90, 0), (90, 90), (0, 90))


def test_no_second_opinion_where_the_first_read() -> None:
    second = Scripted("second", Look((symbol(b"b"),)))
    decoder = PassDecoder(Scripted("first", Look((symbol(b"a"),), located=True)), second)
    assert [found.data for found in decoder.decode(FRAME)] == [b"a"]
    assert second.calls == 0


@pytest.mark.parametrize(("every", "calls"), [(0, 0), (1, 12), (4, 3)])
def test_second_opinion_on_every_nth_empty_frame(every: int, calls: int) -> None:
    second = Scripted("second", Look(()))
    decoder = PassDecoder(Scripted("first", Look(())), second, second_every=every)
    for _ in range(12):
        decoder.decode(FRAME)
    assert second.calls == calls


def test_second_opinion_at_once_where_a_code_was_located() -> None:
    second = Scripted("second", Look((symbol(b"b"),)))
    decoder = PassDecoder(Scripted("first", Look((), located=True)), second, second_every=0)
    assert [found.data for found in decoder.decode(FRAME)] == [b"b"]


def test_no_second_opinion_when_the_time_is_spent() -> None:
    second = Scripted("second", Look(()))
    first = Scripted("first", Look((), located=True))
    PassDecoder(first, second, budget_s=0.0).decode(FRAME)
    assert second.calls == 0
    PassDecoder(first, second, budget_s=60.0).decode(FRAME)
    assert second.calls == 1


def test_a_decoder_that_raises_is_skipped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    second = Scripted("second", Look((symbol(b"b"),)))
    decoder = PassDecoder(Scripted("first", None), second)
    for _ in range(5):
        assert [found.data for found in decoder.decode(FRAME)] == [b"b"]
    assert decoder.failures == {"first": 5}
    assert len(caplog.records) == 3  # the 1st, 2nd and 4th


def test_merged_keeps_the_first_and_the_order() -> None:
    found = merged([symbol(b"a", "1"), symbol(b"b", "2"), symbol(b"a", "3")])
    assert [(each.data, each.pass_name) for each in found] == [(b"a", "1"), (b"b", "2")]


@pytest.mark.parametrize(("rest", "calls"), [(0.0, 5), (1e9, 1)])
def test_the_second_opinion_rests_after_its_work(rest: float, calls: int) -> None:
    located = Scripted("first", Look((), located=True))
    second = Scripted("second", Look(()))
    decoder = PassDecoder(located, second, rest=rest)
    for _ in range(5):
        decoder.decode(FRAME)
    assert (located.calls, second.calls) == (5, calls)
