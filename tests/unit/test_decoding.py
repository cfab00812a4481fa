from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from gatepost.decoding import PassDecoder, build_decoder
from gatepost.decoding.catalogue import Passes, for_frames, for_stills
from gatepost.decoding.guard import merged
from gatepost.decoding.looks import Look, Pass
from gatepost.decoding.passes import ZxingPass
from gatepost.decoding.planes import as_plane
from gatepost.model import Frame
from unit.pictures import Luma, ManualClock, placed, rendered
from unit.scripted import FROZEN, Scripted, passes, reads, symbol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VIETNAMESE = "Nguyễn Thị Ánh Đặng Ước|079201012345"


def read(luma: Luma) -> list[str]:
    with build_decoder() as decoder:
        return [found.text for found in decoder.decode(Frame(luma, 0.0))]


def decoder_of(
    *ways: Pass, budget_s: float | None = None, clock: ManualClock = FROZEN
) -> PassDecoder:
    return PassDecoder(passes(*ways), budget_s=budget_s, clock=clock.boottime)


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


def test_a_located_code_that_cannot_be_read_is_a_trace() -> None:
    luma = rendered("torn " * 20, scale=6)
    middle = luma.shape[0] // 2
    luma[middle - 60 : middle + 60, middle - 60 : middle + 60] = 128
    look = ZxingPass().look(luma)
    assert not look.symbols
    assert look.traces


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


def test_no_deeper_pass_where_the_first_read() -> None:
    first, second = Scripted("first", reads(b"a")), Scripted("second", reads(b"b"))
    assert [found.data for found in decoder_of(first, second).decode(FRAME)] == [b"a"]
    assert not second.planes


def test_pass_after_pass_until_one_reads() -> None:
    ways = [Scripted("1", Look()), Scripted("2", Look()), Scripted("3", reads(b"c"))]
    ways.append(Scripted("4", reads(b"d")))
    decoder = decoder_of(*ways)
    assert [found.data for found in decoder.decode(FRAME)] == [b"c"]
    assert decoder.view.passes == ("1", "2", "3")
    assert [len(way.planes) for way in ways] == [1, 1, 1, 0]


def test_no_deeper_pass_when_the_time_is_spent() -> None:
    clock = ManualClock(0.0)
    first = Scripted("first", Look(), ns_per_pixel=0.05e9 / FRAME.luma.size, clock=clock)
    second = Scripted("second", Look())
    decoder_of(first, second, budget_s=0.04, clock=clock).decode(FRAME)
    assert not second.planes
    decoder_of(first, second, budget_s=0.06, clock=clock).decode(FRAME)
    assert len(second.planes) == 1


def test_a_pass_that_raises_is_skipped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    decoder = decoder_of(Scripted("first", None), Scripted("second", reads(b"b")))
    for _ in range(5):
        assert [found.data for found in decoder.decode(FRAME)] == [b"b"]
    assert decoder.failures == {"first": 5}
    assert len(caplog.records) == 3  # the 1st, 2nd and 4th


def test_merged_keeps_the_first_and_the_order() -> None:
    found = merged([symbol(b"a", "1"), symbol(b"b", "2"), symbol(b"a", "3")])
    assert [(each.data, each.pass_name) for each in found] == [(b"a", "1"), (b"b", "2")]


def test_fifty_codes_in_one_picture_are_all_read() -> None:
    rows = [[rendered(f"code {row} {column}") for column in range(10)] for row in range(5)]
    assert len(read(np.vstack([np.hstack(row) for row in rows]))) == 50


def test_a_symbol_of_version_40_is_read() -> None:
    text = "".join(str(number % 10) for number in range(7000))
    assert read(rendered(text, scale=3)) == [text]


EVERY = [
    pytest.param((build, way.name), id=f"{build.__name__}-{way.name}")
    for build in (for_stills, for_frames)
    for way in build().deeper
]


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Iterator[Pass]:
    build, name = request.param
    built: Passes = build()
    yield next(each for each in built.deeper if each.name == name)
    built.zbar.close()


@pytest.mark.parametrize("way", EVERY, indirect=True)
def test_every_pass_reads_a_plain_code_and_knows_where_it_is(way: Pass) -> None:
    luma = placed(rendered("plain to see", scale=8), height=400, width=500, top=40, left=150)
    if way.name == "smear":  # it does not look at what is sharp
        luma = cv2.blur(luma, (9, 1))
    (found,) = way.look(luma).symbols
    assert found.data == b"plain to see"
    assert found.pass_name == way.name
    expected = ((182, 72), (350, 72), (350, 240), (182, 240))
    assert np.abs(np.array(found.corners) - np.array(expected)).max() <= 12


@pytest.mark.parametrize("way", EVERY, indirect=True)
@pytest.mark.parametrize("shape", [(11, 11), (11, 400), (300, 12), (64, 64)])
def test_every_pass_takes_any_plane(way: Pass, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    for plane in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, np.uint8)):
        plane.flags.writeable = False
        assert way.look(plane).symbols == ()


@pytest.mark.parametrize("build", [for_stills, for_frames])
def test_micro_qr_is_not_read_where_noise_was_taken_for_it(build: Callable[[], Passes]) -> None:
    micro = rendered("12345", micro=True)
    read = [way.name for way in build().deeper if "double" in way.name and way.look(micro).symbols]
    assert read == []


def test_what_only_reads_qr_codes_is_left_out_where_these_are_not_asked_for() -> None:
    for build in (for_stills, for_frames):
        names = {way.name for way in build(["ean-13"]).deeper}
        assert not names & {"zbar", "zbar-half", "grid", "smear"}
        assert {way.name for way in build(["micro-qr"]).deeper} == names
