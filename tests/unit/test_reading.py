import queue
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import pytest

from fakes import FakeClock, frame, symbol
from gatepost.conditions import Conditions
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind, Direction, Frame, Hint, Read, Scan, Symbol, View
from gatepost.presentations import FrameReader, Presentations, TextReader, nearest
from gatepost.reading import reading

A, B = symbol("A"), symbol("B", x=200)


@dataclass
class Camera(AbstractContextManager["Camera"]):
    """Gives the codes of a script, one entry a frame, 100 ms apart; an error is raised.

    A hint in the place of codes is a frame that was not read, and why.
    """

    script: Iterator[Sequence[Symbol] | Hint | Exception]
    clock: FakeClock
    opened: int = 0
    shown: Sequence[Symbol] = ()
    view: View = field(default_factory=View)

    def __enter__(self) -> Self:
        self.opened += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.opened -= 1

    def next_frame(self, wait_s: float) -> Frame | None:
        self.clock.pass_(0.1)
        entry = next(self.script, None)
        if entry is None:
            self.clock.pass_(wait_s)
            return None
        if isinstance(entry, Exception):
            raise entry
        hint = entry if isinstance(entry, Hint) else None
        self.view = View(hint=hint)
        self.shown = () if isinstance(entry, Hint) else entry
        return frame(self.clock.now)

    def decode(self, _frame: Frame) -> Sequence[Symbol]:
        return self.shown


@dataclass
class Desk:
    """One reader with all that the worker needs; `run` steps the worker through the script."""

    script: Sequence[Sequence[Symbol] | Hint | Exception]
    room: int = 10
    clock: FakeClock = field(default_factory=FakeClock)
    cues: list[Cue] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scans: queue.Queue[Scan] = queue.Queue(self.room)
        self.camera = Camera(iter(self.script), self.clock)
        self.reader = FrameReader("door", Direction.AUTO, self.camera, self.camera, 1.0, self.clock)
        self.conditions = Conditions(self.cues.append)
        self.taken: list[float] = []

    def run(self) -> list[str]:
        worker = reading(self.reader, self.scans, self.cues.append, self.conditions)
        for _ in range(len(self.script) + 2):
            next(worker)
        worker.close()
        assert self.camera.opened == 0
        scans = [self.scans.get_nowait() for _ in range(self.scans.qsize())]
        self.taken = [scan.taken for scan in scans]
        return [scan.text for scan in scans]


def test_a_code_that_stays_is_one_presentation() -> None:
    assert Desk([[A]] * 100).run() == ["A"]


def test_frames_in_which_it_cannot_be_read_do_not_end_it() -> None:
    assert Desk([[A], [], [], [A], [], [A]] * 5).run() == ["A"]


def test_it_counts_again_after_it_was_gone_for_the_set_time() -> None:
    assert Desk([[A], *[[]] * 9, [A]]).run() == ["A"]
    assert Desk([[A], *[[]] * 11, [A]]).run() == ["A", "A"]


def test_a_camera_without_frames_does_not_prove_it_gone() -> None:
    desk = Desk([[A]] * 3)
    worker = reading(desk.reader, desk.scans, desk.cues.append, desk.conditions)
    for _ in range(4):
        next(worker)
    desk.clock.pass_(100)
    desk.camera.script = iter([[A]] * 3)
    for _ in range(4):
        next(worker)
    worker.close()
    assert desk.scans.qsize() == 1


def test_of_two_codes_the_one_nearest_the_centre_counts_and_the_other_never() -> None:
    assert Desk([[B, A]] * 30).run() == ["A"]


def test_the_other_counts_when_it_comes_to_the_centre() -> None:
    nearer = symbol("B", x=630)
    assert Desk([[A]] * 3 + [[symbol("A", x=100), nearer]] * 3).run() == ["A", "B"]


def test_a_camera_that_vanishes_and_comes_back() -> None:
    desk = Desk([[A], *[DeviceAbsent("gone")] * 15, [A], [A]])
    assert desk.run() == ["A"]  # 1.5 s: a camera that was restarted, and the same visitor
    told = [(cue.kind, cue.detail) for cue in desk.cues]
    assert told == [(CueKind.TROUBLE, "reader door: absent"), (CueKind.READY, "")]


def test_after_a_long_absence_everybody_is_somebody_new() -> None:
    assert Desk([[A], *[DeviceAbsent("gone")] * 110, [A], [A]]).run() == ["A", "A"]


def test_a_camera_that_opens_and_gives_nothing_stays_in_trouble() -> None:
    desk = Desk([DeviceError("stuck")])
    desk.run()  # two more turns without a frame
    assert [cue.kind for cue in desk.cues] == [CueKind.TROUBLE]


def test_a_camera_that_fails_says_so_and_is_tried_again() -> None:
    desk = Desk([DeviceError("stuck"), [A]])
    assert desk.run() == ["A"]
    assert desk.cues[0].detail == "reader door: failed"


def test_overflow_is_counted_cued_and_the_code_may_come_again() -> None:
    codes = [[symbol(str(number))] for number in range(3)]
    desk = Desk([*codes, codes[2]], room=2)
    assert desk.run() == ["0", "1"]
    assert desk.reader.counts.overflowed == 2  # tried again on its next frame, still no room
    assert {cue.kind for cue in desk.cues} == {CueKind.AGAIN}


FAR, HINTS = Hint.TOO_FAR, CueKind.HINT


def test_a_hint_is_told_once_when_it_comes_and_once_when_it_goes() -> None:
    desk = Desk([FAR] * 20 + [[]] * 20)
    assert desk.run() == []
    assert desk.cues == [Cue(HINTS, reader="door", hint=FAR), Cue(HINTS, reader="door")]


def test_a_hint_that_ends_with_a_scan_is_answered_by_its_verdict() -> None:
    desk = Desk([FAR] * 20 + [[A]] * 3)
    assert desk.run() == ["A"]
    assert desk.cues == [Cue(HINTS, reader="door", hint=FAR)]


def test_a_hint_that_ends_with_a_code_that_counts_no_more_is_taken_back() -> None:
    desk = Desk([[A], *[FAR] * 45, [A]])
    desk.reader._presentations._gone_s = 100
    assert desk.run() == ["A"]
    assert desk.cues == [Cue(HINTS, reader="door", hint=FAR), Cue(HINTS, reader="door")]


def test_a_camera_that_is_gone_takes_its_hint_along_before_the_trouble() -> None:
    desk = Desk([FAR] * 12 + [DeviceAbsent("gone")])
    desk.run()
    assert [(cue.kind, cue.hint) for cue in desk.cues] == [
        (HINTS, FAR),
        (HINTS, None),
        (CueKind.TROUBLE, None),
    ]


def test_a_reader_that_ends_leaves_no_hint_behind() -> None:
    desk = Desk([FAR] * 12)
    desk.run()
    assert desk.cues == [Cue(HINTS, reader="door", hint=FAR), Cue(HINTS, reader="door")]


def test_a_scan_is_as_old_as_the_frame_that_it_was_read_in() -> None:
    late = replace(A, taken=1000.05)
    desk = Desk([[late]])
    desk.run()
    other = Desk([[A]])
    other.run()
    assert desk.reader.counts.scans == 1
    assert [desk.taken, other.taken] == [[1000.05], [1000.1]]


def test_nearest_of_none() -> None:
    assert nearest([], (720, 1280)) is None


def test_a_text_with_lone_surrogates_is_made_safe() -> None:
    odd = Symbol(b"x", "a\ud800b", "qr", A.corners, "zxing")
    assert Desk([[odd]]).run() == ["a?b"]


def test_presentations_forget_what_is_gone() -> None:
    presentations = Presentations(1.0)
    for number in range(1000):
        code = str(number).encode()
        presentations.seen([code], code, number * 2.0)
    assert len(presentations._unseen_since) <= 2


@dataclass
class Gun(AbstractContextManager["Gun"]):
    """A USB reader that gives what it is told."""

    reads: Iterator[tuple[bytes, float] | None]
    dropped: int = 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def next_text(self, wait_s: float) -> Read | None:  # noqa: ARG002
        read = next(self.reads)
        return read and Read(read[0], read[0].decode("latin-1"), read[1])


def test_a_gun_is_working_also_while_it_is_waited_for_until_it_fails() -> None:
    seen: list[bool] = []

    class Looked(Gun):
        def next_text(self, wait_s: float) -> Read | None:
            seen.append(reader.working)  # as `gatepost status` does, from its own thread
            if len(seen) == 3:
                raise DeviceAbsent("pulled out")
            return super().next_text(wait_s)

    reader = TextReader("gun", Direction.IN, Looked(iter([(b"one", 1.0), None])), repeat_s=3)
    reader.next_scan(0)
    reader.next_scan(0)
    with pytest.raises(DeviceAbsent):
        reader.next_scan(0)
    assert seen == [False, True, True]
    assert not reader.working


def shown(*reads: tuple[bytes, float] | None) -> list[tuple[str, float]]:
    reader = TextReader("gun", Direction.IN, Gun(iter(reads)), repeat_s=3)
    with reader:
        scans = [reader.next_scan(0) for _ in reads]
    return [(scan.text, scan.taken) for scan in scans if scan]


def test_a_usb_reader_repeats_within_its_window_only() -> None:
    assert shown((b"A", 0), (b"A", 2), (b"A", 4.9), None, (b"A", 8)) == [("A", 0), ("A", 8)]
    assert shown((b"A", 0), (b"B", 1), (b"A", 2)) == [("A", 0), ("B", 1), ("A", 2)]


def test_a_usb_reader_has_no_hints() -> None:
    assert TextReader("gun", Direction.IN, Gun(iter([])), repeat_s=3).hint is None


def test_what_a_usb_reader_gives_without_bytes_is_nothing() -> None:
    assert shown((b"\xff\xfe", 0), (b"", 1)) == [("\xff\xfe", 0)]
