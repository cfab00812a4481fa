from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gatepost.clock import SystemClock
from gatepost.drivers.usb_serial import MOST_BYTES, Assembler, SerialTexts
from gatepost.errors import DeviceAbsent
from unit.pictures import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_S = 10.0


class Plug:
    """A reader on a pty, under a name of its own that lasts, as /dev/serial/by-id has."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._near = -1

    def put_in(self) -> None:
        self._near, far = os.openpty()
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(far))
        os.close(far)

    def pull(self) -> None:
        if self._near >= 0:
            os.close(self._near)
            self._near = -1

    def send(self, data: bytes) -> None:
        os.write(self._near, data)


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    plug = Plug(tmp_path / "reader")
    plug.put_in()
    yield plug
    plug.pull()


def texts_of(plug: Plug) -> SerialTexts:
    return SerialTexts(str(plug.link), clock=SystemClock())


@pytest.mark.parametrize("suffix", [b"\r\n", b"\r", b"\n", b""])
def test_a_code_ends_by_its_suffix_or_by_a_pause(plug: Plug, suffix: bytes) -> None:
    with texts_of(plug) as source:
        assert source.next_text(0) is None
        begun = SystemClock().boottime()
        plug.send("Nguyễn|079".encode() + suffix)
        read = source.next_text(LONG_S)
        assert read is not None
        assert read[0] == "Nguyễn|079".encode()
        assert begun <= read[1] <= SystemClock().boottime()
        assert source.next_text(0) is None


def test_codes_that_came_together_are_given_one_by_one(plug: Plug) -> None:
    with texts_of(plug) as source:
        source.next_text(0)
        plug.send(b"one\r\ntwo\r\n\r\nthree\r\n")
        read = [source.next_text(LONG_S) for _ in range(3)]
        assert [each and each[0] for each in read] == [b"one", b"two", b"three"]
        assert source.next_text(0) is None


def test_pulled_and_put_in_again(plug: Plug) -> None:
    with texts_of(plug) as source:
        source.next_text(0)
        plug.pull()
        with pytest.raises(DeviceAbsent, match="went away"):
            source.next_text(LONG_S)
        plug.put_in()
        clock = SystemClock()
        until = clock.boottime() + LONG_S
        while clock.boottime() < until:
            try:
                source.next_text(0.2)
                break
            except DeviceAbsent:
                continue
        plug.send(b"back\n")
        read = source.next_text(LONG_S)
        assert read is not None
        assert read[0] == b"back"


def test_pulled_within_a_code_loses_it_and_says_so(
    plug: Plug, caplog: pytest.LogCaptureFixture
) -> None:
    with texts_of(plug) as source:
        source.next_text(0)
        plug.send(b"half")
        assert source.next_text(0) is None
        plug.pull()
        with pytest.raises(DeviceAbsent):
            source.next_text(0)
    assert "4 bytes lost" in caplog.text


def test_a_reader_that_is_not_there_is_tried_once_a_second(tmp_path: Path) -> None:
    clock = ManualClock(10.0)
    plug = Plug(tmp_path / "later")
    with SerialTexts(str(plug.link), clock=clock) as source:
        with pytest.raises(DeviceAbsent, match="later: No such file"):
            source.next_text(0)
        plug.put_in()
        with pytest.raises(DeviceAbsent, match="later: No such file"):
            source.next_text(0)
        clock.now += 1.0
        assert source.next_text(0) is None
    plug.pull()


def test_what_is_no_port_is_absent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no port")
    source = SerialTexts(str(tmp_path / "file"), clock=ManualClock())
    with source, pytest.raises(DeviceAbsent):
        source.next_text(0)


def test_pieces_are_put_together() -> None:
    assembler = Assembler()
    assert assembler.feed(b"ab") == []
    assert assembler.begun
    assert assembler.feed(b"c\r\nd\n\ne") == [b"abc", b"d"]
    assert assembler.pause() == b"e"
    assert not assembler.begun


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_code_that_is_too_long_is_dropped_to_its_end(
    end: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assembler = Assembler()
    assert assembler.feed(b"x" * MOST_BYTES) == []
    assert assembler.feed(b"x") == []
    assert assembler.begun
    assert assembler.feed(b"more" + end) == []
    if not end:
        assert assembler.pause() == b""
    assert assembler.feed(b"next\n") == [b"next"]
    assert len(caplog.records) == 1


def test_the_longest_code_is_kept() -> None:
    assert Assembler().feed(b"x" * MOST_BYTES + b"\r") == [b"x" * MOST_BYTES]
