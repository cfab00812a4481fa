from __future__ import annotations

import os
import threading
import unicodedata
from typing import TYPE_CHECKING

import pytest

from gatepost.clock import SystemClock
from gatepost.config.readers import ENCODINGS
from gatepost.drivers.framing import MOST_BYTES, Assembler, Framed, decoded
from gatepost.drivers.losses import MOST_A_SECOND
from gatepost.drivers.usb import Place
from gatepost.drivers.usb_serial import Framing, SerialTexts
from gatepost.errors import DeviceAbsent, DeviceError
from unit.pictures import ManualClock
from unit.usb_tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.model import Read

LONG_S = 10.0
TONES = "\u0300\u0301\u0303\u0309\u0323"


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


def texts_of(plug: Plug, **framing: str | float) -> SerialTexts:
    place = Place("serial", str(plug.link))
    return SerialTexts(place, clock=SystemClock(), framing=Framing(**framing))


def all_of(source: SerialTexts) -> list[Read]:
    """All codes that are whole by now: until nothing came for longer than a pause."""
    return list(iter(lambda: source.next_text(0.1), None))


@pytest.mark.parametrize("suffix", [b"\r\n", b"\r", b"\n", b""])
def test_a_code_ends_by_its_suffix_or_by_a_pause(plug: Plug, suffix: bytes) -> None:
    with texts_of(plug) as source:
        assert source.next_text(0) is None
        begun = SystemClock().boottime()
        plug.send("Nguyễn|079".encode() + suffix)
        read = source.next_text(LONG_S)
        assert read is not None
        assert (read.data, read.text, read.lossy) == ("Nguyễn|079".encode(), "Nguyễn|079", False)
        assert begun <= read.taken <= SystemClock().boottime()
        assert source.next_text(0) is None


def test_codes_that_came_together_are_given_one_by_one(plug: Plug) -> None:
    with texts_of(plug) as source:
        source.next_text(0)
        plug.send(b"one\r\ntwo\r\n\r\nthree\r\n")
        read = [source.next_text(LONG_S) for _ in range(3)]
        assert [each and each.data for each in read] == [b"one", b"two", b"three"]
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
        assert read.data == b"back"


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
        assert source.dropped == 1
    assert "4 bytes lost" in caplog.text


def test_a_reader_that_is_not_there_is_tried_once_a_second(tmp_path: Path) -> None:
    clock = ManualClock(10.0)
    plug = Plug(tmp_path / "later")
    with SerialTexts(Place("serial", str(plug.link)), clock=clock) as source:
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
    source = SerialTexts(Place("serial", str(tmp_path / "file")), clock=ManualClock())
    with source, pytest.raises(DeviceAbsent):
        source.next_text(0)


def test_one_that_another_program_holds_is_said(plug: Plug) -> None:
    with texts_of(plug) as first, texts_of(plug) as second:
        first.next_text(0)
        with pytest.raises(DeviceError, match="another program holds it") as told:
            second.next_text(0)
        assert not isinstance(told.value, DeviceAbsent)


def test_found_by_vendor_and_product_and_again_under_another_name(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    gun = tree.device("1-1.2", "0c2e:0b6a")
    (tmp_path / "dev").mkdir()
    clock = ManualClock()
    with SerialTexts(Place("serial", usb="0c2e:0b6a", root=tmp_path), clock=clock) as source:
        for name in ("ttyACM0", "ttyACM1"):
            with pytest.raises(DeviceAbsent):
                source.next_text(0)
            plug = Plug(tmp_path / "dev" / name)
            plug.put_in()
            tree.port(gun, name)
            clock.now += 1.0
            assert source.next_text(0) is None
            plug.send(name.encode() + b"\r")
            read = source.next_text(0)
            assert read is not None
            assert read.text == name
            plug.pull()
            (tmp_path / "sys/class/tty" / name).unlink()


def test_two_at_once(tmp_path: Path) -> None:
    plugs = [Plug(tmp_path / name) for name in ("in", "out")]
    for each in plugs:
        each.put_in()
    way_in, way_out = (texts_of(each) for each in plugs)
    with way_in, way_out:
        assert (way_in.next_text(0), way_out.next_text(0)) == (None, None)
        plugs[0].send(b"in\r")
        plugs[1].send(b"out\r")
        reads = way_in.next_text(LONG_S), way_out.next_text(LONG_S)
        assert [read and read.text for read in reads] == ["in", "out"]
        plugs[0].pull()
        with pytest.raises(DeviceAbsent):
            way_in.next_text(LONG_S)
        plugs[1].send(b"still\r")
        read = way_out.next_text(LONG_S)
        assert read is not None
        assert read.text == "still"
    plugs[1].pull()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Nguyễn Thị Đẹp"),
        ("cp1252", "Zoë – naïve"),  # noqa: RUF001 - the dash is what is not in Latin-1
        ("shift_jis", "山田 太郎"),
        ("gb18030", "王小明"),
        ("cp1258", "Nguyễn Thị Đẹp"),
    ],
)
def test_the_text_is_of_the_configured_encoding_and_the_bytes_are_kept(
    plug: Plug, encoding: str, text: str
) -> None:
    data = vietnamese(text) if encoding == "cp1258" else text.encode(encoding)
    with texts_of(plug, encoding=encoding, suffix="cr") as source:
        source.next_text(0)
        plug.send(data + b"\r")
        read = source.next_text(LONG_S)
        assert read is not None
        assert (read.text, read.data, read.lossy) == (text, data, False)


def vietnamese(text: str) -> bytes:
    """Letters of CP1258, each tone as a mark of its own behind its letter."""
    codes = bytearray()
    for char in text:
        try:
            codes += char.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", char)
            tone = next(part for part in parts if part in TONES)
            codes += unicodedata.normalize("NFC", parts.replace(tone, "")).encode("cp1258")
            codes += tone.encode("cp1258")
    return bytes(codes)


def test_what_is_not_of_the_encoding_is_said_and_no_byte_is_lost(
    plug: Plug, caplog: pytest.LogCaptureFixture
) -> None:
    with texts_of(plug) as source:
        source.next_text(0)
        plug.send(b"Zo\xeb|079\r")
        read = source.next_text(LONG_S)
        assert read is not None
        assert (read.text, read.data, read.lossy) == ("Zoë|079", b"Zo\xeb|079", False)
    assert "not of the configured encoding" in caplog.text
    assert "079" not in caplog.text


def test_every_byte_is_a_text_in_every_encoding() -> None:
    data = bytes(range(256))
    assert all(decoded(data, encoding)[0] for encoding in ENCODINGS)


@pytest.mark.parametrize(
    ("suffix", "sent", "codes"),
    [
        ("any", b"a\rb\nc\r\n\r\nd\r", [b"a", b"b", b"c", b"d"]),
        ("cr", b"a\nb\r", [b"a\nb"]),
        ("lf", b"a\rb\n", [b"a\rb"]),
        ("crlf", b"a\rb\nc\r\nd\r\n", [b"a\rb\nc", b"d"]),
        ("tab", b"a b\tc\t", [b"a b", b"c"]),
        ("stx-etx", b"\x02a\nb\x03\x02c\x03", [b"a\nb", b"c"]),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_each_suffix_ends_a_code_in_whatever_pieces_it_comes(
    suffix: str, sent: bytes, codes: list[bytes], step: int
) -> None:
    assembler = Assembler(suffix)
    pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    assert [code.data for piece in pieces for code in assembler.feed(piece)] == codes
    assert not assembler.begun


def test_what_ends_without_its_suffix_is_lossy_and_so_is_its_rest(
    plug: Plug, caplog: pytest.LogCaptureFixture
) -> None:
    with texts_of(plug, suffix="cr") as source:
        source.next_text(0)
        plug.send(b"079|Nguy")
        (first,) = all_of(source)
        plug.send(b"en|1\rnext\r")
        told = [(read.text, read.lossy) for read in (first, *all_of(source))]
        assert told == [("079|Nguy", True), ("en|1", True), ("next", False)]
    assert "without the suffix" in caplog.text
    assert "Nguy" not in caplog.text


def test_a_pause_is_as_good_an_end_where_it_is_configured(plug: Plug) -> None:
    with texts_of(plug, suffix="none", pause_s=0.02) as source:
        source.next_text(0)
        plug.send(b"a\rb")
        read = source.next_text(LONG_S)
        assert read is not None
        assert (read.data, read.lossy) == (b"a\rb", False)


def test_bytes_outside_stx_and_etx_are_dropped() -> None:
    told: list[str] = []
    assembler = Assembler("stx-etx", dropped=told.append)
    assert [each.data for each in assembler.feed(b"noise\x02a\x03b\x03\x02c\x03")] == [b"a", b"c"]
    assert len(told) == 2


def test_a_prefix_is_taken_off_where_it_stands(plug: Plug) -> None:
    with texts_of(plug, prefix="]Q1") as source:
        source.next_text(0)
        plug.send(b"]Q1079\r079\r]Q1\r")
        assert [read.data for read in all_of(source)] == [b"079", b"079"]


def test_a_device_that_floods_does_not_hold_us_and_takes_no_memory(plug: Plug) -> None:
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            plug.send(b"x" * 1000)

    with texts_of(plug, pause_s=5.0) as source:
        source.next_text(0)
        device = threading.Thread(target=flood)
        device.start()
        for _ in range(20):  # each returns: a heartbeat
            assert source.next_text(0.02) is None
            assert len(source._assembler._begun) <= MOST_BYTES
        stop.set()
        while device.is_alive():
            source.next_text(0.01)
        assert all_of(source) == []
        assert source.dropped == 1


def test_a_flood_of_codes_is_bounded_counted_and_said_once(
    plug: Plug, caplog: pytest.LogCaptureFixture
) -> None:
    codes = 20 * MOST_A_SECOND

    def flood() -> None:
        for number in range(codes):
            plug.send(f"{number}\n".encode())

    with texts_of(plug) as source:
        source.next_text(0)
        device = threading.Thread(target=flood)
        device.start()
        reads = []
        while device.is_alive():
            reads.append(source.next_text(0.01))
        device.join()
        reads = [*filter(None, reads), *all_of(source)]
        assert len(reads) + source.dropped == codes
        assert len(reads) < codes / 2
    told = [record for record in caplog.records if "more codes" in record.getMessage()]
    assert len(told) == 1


def test_pieces_are_put_together() -> None:
    assembler = Assembler()
    assert assembler.feed(b"ab") == []
    assert assembler.begun
    assert assembler.feed(b"c\r\nd\n\ne") == [Framed(b"abc"), Framed(b"d")]
    assert assembler.pause() == Framed(b"e")
    assert not assembler.begun


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_code_that_is_too_long_is_dropped_to_its_end(end: bytes) -> None:
    told: list[str] = []
    assembler = Assembler(dropped=told.append)
    assert assembler.feed(b"x" * MOST_BYTES) == []
    assert assembler.feed(b"x") == []
    assert assembler.begun
    assert assembler.feed(b"more" + end) == []
    if not end:
        assert assembler.pause() is None
    assert assembler.feed(b"next\n") == [Framed(b"next")]
    assert len(told) == 1


def test_a_pause_within_a_code_that_is_too_long_does_not_make_its_rest_a_whole_one() -> None:
    assembler = Assembler("crlf")
    assembler.feed(b"x" * MOST_BYTES * 2)
    assert assembler.pause() is None
    assert assembler.feed(b"rest\r\nnext\r\n") == [Framed(b"rest", whole=False), Framed(b"next")]


def test_the_longest_code_is_kept() -> None:
    longest = b"x" * MOST_BYTES
    assert Assembler().feed(longest + b"\r") == [Framed(longest)]
    assert Assembler("crlf", prefix=b"]Q1").feed(b"]Q1" + longest) == []
