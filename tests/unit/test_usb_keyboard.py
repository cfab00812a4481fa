from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from evdev import ecodes

from gatepost.clock import SystemClock
from gatepost.drivers.framing import MOST_BYTES
from gatepost.drivers.losses import MOST_A_SECOND, MOST_WAITING
from gatepost.drivers.usb import Place
from gatepost.drivers.usb_keyboard import KeyTexts
from gatepost.errors import DeviceAbsent, DeviceError
from unit.keyboards import (
    ALT,
    ENTER,
    KEYPAD,
    KP_ENTER,
    SHIFT,
    TAB,
    A,
    B,
    Board,
    by_alt,
    by_hex,
    tap,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatepost.model import Read

LONG_S = 10.0
NAME = "Nguyễn Thị Đẹp|079"


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path / "usb-Maker_Reader-event-kbd")
    board.put_in()
    yield board
    board.pull()


@pytest.fixture
def source(board: Board) -> Iterator[KeyTexts]:
    with texts_of(board) as source:
        opened(source)
        yield source


def texts_of(
    board: Board,
    layout: str = "us",
    suffix: str = "enter",
    prefix: str = "",
    pause_s: float = 0.05,
) -> KeyTexts:
    return KeyTexts(
        Place("keyboard", str(board.link)),
        clock=SystemClock(),
        layout=layout,
        suffix=suffix,
        prefix=prefix,
        pause_s=pause_s,
        opening=board.open,
    )


def opened(source: KeyTexts) -> None:
    """Open it, and let the time pass in which no code can have begun."""
    assert source.next_text(0.06 if source._typing._pause_s < 0.2 else 0.21) is None


class Hand:
    """Types in a thread of its own: a pipe holds less than it types."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=work)

    def all_that_is_read(self, source: KeyTexts) -> list[Read]:
        self._thread.start()
        reads = []
        while self._thread.is_alive():
            reads.append(source.next_text(0.01))
        self._thread.join()
        return [*filter(None, reads), *all_of(source)]


def all_of(source: KeyTexts) -> list[Read]:
    """All codes that are whole by now: until nothing came for longer than a pause."""
    codes = []
    while (read := source.next_text(0.1)) is not None:
        codes.append(read)
    return codes


@pytest.mark.parametrize("end", [ENTER, KP_ENTER])
def test_a_code_ends_by_enter(board: Board, source: KeyTexts, end: int) -> None:
    at = board.press([*typed("079|A1"), *tap(end)])
    read = source.next_text(LONG_S)
    assert read is not None
    assert (read.data, read.text, read.lossy) == (b"079|A1", "079|A1", False)
    assert read.taken == pytest.approx(at, abs=1e-5)  # the kernel's time, not ours


@pytest.mark.parametrize(("suffix", "end"), [("tab", TAB), ("none", None)])
def test_a_code_ends_by_tab_or_by_a_pause(board: Board, suffix: str, end: int | None) -> None:
    with texts_of(board, suffix=suffix) as source:
        opened(source)
        board.press([*typed("a\nb"), *(tap(end) if end else ())])
        read = source.next_text(LONG_S)
        assert read is not None
        assert (read.text, read.lossy) == ("a\nb", False)


def test_keys_before_a_pause_are_a_code_of_their_own_however_late_we_are(board: Board) -> None:
    with texts_of(board, suffix="none") as source:
        opened(source)
        first = SystemClock().boottime() - 0.010
        board.press(typed("one"), first)
        board.press(typed("two"), first + 0.06)
        assert [read.text for read in all_of(source)] == ["one", "two"]


def test_what_ends_without_its_suffix_is_lossy_and_so_is_its_rest(
    board: Board, source: KeyTexts, caplog: pytest.LogCaptureFixture
) -> None:
    at = board.press(typed("079|Nguy"))
    board.press([*typed("en|1"), *tap(ENTER)], at + 0.2)
    board.press([*typed("next"), *tap(ENTER)], at + 0.3)
    told = [(read.text, read.lossy) for read in all_of(source)]
    assert told == [("079|Nguy", True), ("en|1", True), ("next", False)]
    assert "without the suffix" in caplog.text
    assert "Nguy" not in caplog.text


def test_a_name_with_diacritics_by_alt_and_by_hex(board: Board, source: KeyTexts) -> None:
    for each in (by_alt, by_hex):
        strokes = [
            stroke
            for char in NAME
            for stroke in (each(f"0{ord(char)}" if each is by_alt else char))
        ]
        board.press([*strokes, *tap(ENTER)])
        read = source.next_text(LONG_S)
        assert read is not None
        assert (read.text, read.data, read.lossy) == (NAME, NAME.encode(), False)


@pytest.mark.parametrize("layout", ["us", "uk", "de", "fr", "vn"])
def test_the_layout_is_the_readers(board: Board, layout: str) -> None:
    with texts_of(board, layout) as source:
        opened(source)
        board.press([*typed("Az-79|@Q", layout), *tap(ENTER)])
        read = source.next_text(LONG_S)
        assert read is not None
        assert read.text == "Az-79|@Q"


def test_halves_of_a_character_make_one_and_one_half_is_lossy(
    board: Board, source: KeyTexts
) -> None:
    board.press([*by_alt("55357"), *by_alt("56832"), *tap(ENTER)])
    board.press([*typed("a"), *by_alt("55357"), *tap(ENTER)])
    told = [(read.text, read.lossy) for read in all_of(source)]
    assert told == [("😀", False), ("a\ufffd", True)]


def test_a_prefix_is_taken_off(board: Board) -> None:
    with texts_of(board, prefix="]Q1") as source:
        opened(source)
        board.press([*typed("]Q1079"), *tap(ENTER), *typed("079"), *tap(ENTER)])
        assert [read.text for read in all_of(source)] == ["079", "079"]


@pytest.mark.parametrize(
    "odd",
    [
        tap(59),  # F1
        [(ALT, 1), *tap(KEYPAD["7"]), *tap(A), (ALT, 0)],
        [(ALT, 1), *tap(KEYPAD["7"])],
        [(B, 1), (B, 2), (B, 2), (B, 0)],
    ],
)
def test_what_could_not_be_read_makes_the_code_lossy(
    board: Board, source: KeyTexts, odd: list[tuple[int, int]]
) -> None:
    board.press([*typed("ab"), *odd, *tap(ENTER), *typed("ok"), *tap(ENTER)])
    lossy, good = all_of(source)
    assert lossy.text.startswith("ab")
    assert (lossy.lossy, good.text, good.lossy) == (True, "ok", False)


def test_a_key_that_got_stuck_does_not_go_on_for_ever(board: Board, source: KeyTexts) -> None:
    at = board.press([*typed("ab"), (A, 1)])
    for number in range(40):  # the kernel repeats it each 33 ms
        board.press([(A, 2)], at + 0.25 + number * 0.033)
    (read,) = all_of(source)
    assert (read.text, read.lossy) == ("aba", True)
    assert source.dropped == 0


def test_events_that_the_kernel_dropped_make_the_code_lossy_and_no_key_hangs(
    board: Board, source: KeyTexts
) -> None:
    at = board.press([*typed("ab"), (SHIFT, 1)])
    board.event(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0, at)
    board.event(ecodes.EV_KEY, A, 0, at)
    board.event(ecodes.EV_SYN, ecodes.SYN_REPORT, 0, at)
    board.press([*typed("cd"), *tap(ENTER), *typed("ok"), *tap(ENTER)], at)
    lossy, good = all_of(source)
    assert (lossy.text, lossy.lossy, good.text, good.lossy) == ("abcd", True, "ok", False)


def test_a_whole_code_that_the_kernel_dropped_is_counted(board: Board, source: KeyTexts) -> None:
    at = SystemClock().boottime()
    board.event(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0, at)
    board.event(ecodes.EV_SYN, ecodes.SYN_REPORT, 0, at)
    assert all_of(source) == []
    assert source.dropped == 1


def test_without_the_kernels_times_ours_are_taken(board: Board) -> None:
    board.stamps = False
    with texts_of(board) as source:
        opened(source)
        begun = SystemClock().boottime()
        board.press([*typed("a"), *tap(ENTER)], at=1.0)
        read = source.next_text(LONG_S)
        assert read is not None
        assert begun <= read.taken <= SystemClock().boottime()


def test_it_is_grabbed_and_closed(board: Board) -> None:
    with texts_of(board) as source:
        opened(source)
        (keys,) = board.opened
        assert keys.grabbed
        assert not board.closed
    assert board.closed == 1


def test_one_that_another_program_holds_is_said_and_tried_again(board: Board) -> None:
    board.grabbed_by_others = True
    with texts_of(board) as source:
        with pytest.raises(DeviceError, match="another program holds it") as told:
            source.next_text(0)
        assert not isinstance(told.value, DeviceAbsent)
        assert board.closed == 1
        board.grabbed_by_others = False
        back(source)


def back(source: KeyTexts) -> None:
    """Wait until it is there."""
    clock = SystemClock()
    until = clock.boottime() + LONG_S
    while clock.boottime() < until:
        try:
            source.next_text(0.2)
        except DeviceError:
            continue
        return
    pytest.fail("never came back")


def test_pulled_and_put_in_again(board: Board, source: KeyTexts) -> None:
    board.press([*typed("whole"), *tap(ENTER), *typed("half")])
    board.pull()
    read = source.next_text(LONG_S)
    assert read is not None
    assert read.text == "whole"
    with pytest.raises(DeviceAbsent, match=r"went away: .*No such device"):
        source.next_text(LONG_S)
    assert source.dropped == 1
    with pytest.raises(DeviceAbsent):
        source.next_text(0.2)
    board.put_in()
    back(source)
    board.press([*typed("back"), *tap(ENTER)])
    read = source.next_text(LONG_S)
    assert read is not None
    assert (read.text, read.lossy) == ("back", False)


def test_the_rest_of_a_code_that_was_under_way_at_opening_is_dropped(board: Board) -> None:
    board.held = [A]
    with texts_of(board) as source:
        assert source.next_text(0) is None
        board.press([(A, 0), *typed("rest"), *tap(ENTER), *typed("ok"), *tap(ENTER)])
        assert [read.text for read in all_of(source)] == ["ok"]
        assert source.dropped == 1


def test_keys_that_come_at_once_after_opening_are_the_rest_of_a_code(board: Board) -> None:
    with texts_of(board) as source:
        assert source.next_text(0) is None
        board.press([*typed("rest"), *tap(ENTER)])
        assert all_of(source) == []
        assert source.dropped == 1


def test_a_key_going_up_first_is_the_rest_of_a_code(board: Board, source: KeyTexts) -> None:
    board.press([(B, 0), *typed("rest"), *tap(ENTER), *typed("ok"), *tap(ENTER)])
    assert [read.text for read in all_of(source)] == ["ok"]


@pytest.mark.parametrize(
    ("keys", "lengths"), [(MOST_BYTES, [MOST_BYTES, 2]), (3 * MOST_BYTES, [2])]
)
def test_the_longest_code_is_kept_and_a_longer_one_dropped_to_its_end(
    board: Board, keys: int, lengths: list[int]
) -> None:
    def type_it() -> None:
        for _ in range(keys // 64):
            board.press(typed("x" * 64))
        board.press([*tap(ENTER), *typed("ok"), *tap(ENTER)])

    with texts_of(board, pause_s=5.0) as source:
        opened(source)
        reads = Hand(type_it).all_that_is_read(source)
        assert [len(read.data) for read in reads] == lengths
        assert not any(read.lossy for read in reads)
        assert source.dropped == 2 - len(lengths)


def test_a_reader_that_never_stops_does_not_hold_us_and_takes_no_memory(
    board: Board,
) -> None:
    stop = threading.Event()

    def type_on() -> None:
        while not stop.is_set():
            board.press(typed("x" * 64))

    with texts_of(board, pause_s=5.0) as source:
        opened(source)
        reader = threading.Thread(target=type_on)
        reader.start()
        turns, most = 0, 0
        while turns < 20 or not source._typing._skipped:  # each returns: a heartbeat
            assert source.next_text(0.02) is None
            turns, most = turns + 1, max(most, len(source._typing._text))
        stop.set()
        while reader.is_alive():
            source.next_text(0.01)
        assert most <= MOST_BYTES
        assert not source._typing._text


def test_more_codes_than_anybody_can_show_are_dropped_and_counted(
    board: Board, source: KeyTexts
) -> None:
    codes = 3 * MOST_A_SECOND

    def type_it() -> None:
        for number in range(codes):
            board.press([*typed(f"{number}"), *tap(ENTER)])

    reads = Hand(type_it).all_that_is_read(source)
    assert len(reads) + source.dropped == codes
    assert len(reads) < codes
    assert len(reads) >= min(MOST_A_SECOND, MOST_WAITING)


def test_two_at_once(tmp_path: Path) -> None:
    boards = [Board(tmp_path / name) for name in ("in", "out")]
    for each in boards:
        each.put_in()
    way_in, way_out = (texts_of(each) for each in boards)
    with way_in, way_out:
        opened(way_in)
        opened(way_out)
        boards[0].press([*typed("in"), *tap(ENTER)])
        boards[1].press([*typed("out"), *tap(ENTER)])
        reads = way_in.next_text(LONG_S), way_out.next_text(LONG_S)
        assert [read and read.text for read in reads] == ["in", "out"]
        boards[0].pull()
        with pytest.raises(DeviceAbsent):
            way_in.next_text(LONG_S)
        boards[1].press([*typed("still"), *tap(ENTER)])
        read = way_out.next_text(LONG_S)
        assert read is not None
        assert read.text == "still"
    boards[1].pull()


def test_what_is_no_keyboard_is_absent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no device")
    source = KeyTexts(Place("keyboard", str(tmp_path / "file")), clock=SystemClock())
    with source, pytest.raises(DeviceAbsent, match="Inappropriate ioctl"):
        source.next_text(0)
