"""The virtual panel: the OLED's very pixels, words for what colours and tones say."""

from __future__ import annotations

import fcntl
import io
import os
import re
import struct
import termios

import numpy as np
import pytest
from PIL import Image

from gatepost.drivers.panel import Panel, braille
from gatepost.errors import DeviceError
from gatepost.model import Cue, CueKind, Hint
from gatepost.screen import render

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PIPE = "accepted: lamp green, steady; buzzer ♪ 1760 Hz 0.12 s\n"
ACCEPTED = Cue(CueKind.ACCEPTED, initials="N.V.A.")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


class Sized(Terminal):
    """A stream that is a terminal of so many columns, as a real pseudo-terminal tells them."""

    encoding = ""

    def __init__(self, end: int, columns: int, encoding: str) -> None:
        super().__init__()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._end = end
        self.encoding = encoding

    def fileno(self) -> int:
        return self._end


def on_terminal(columns: int, encoding: str = "utf-8", cue: Cue = ACCEPTED) -> str:
    ends = os.openpty()
    try:
        stream = Sized(ends[1], columns, encoding)
        with Panel(stream, "vi", "t" * 200, width=100) as panel:
            panel.show(cue)
        return stream.getvalue()
    finally:
        for end in ends:
            os.close(end)


def pixels(rows: list[str]) -> np.ndarray:
    """A braille picture read back, dot by dot."""
    places = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1)]
    seen = np.zeros((64, 128), dtype=bool)
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            for bit, (down, right) in enumerate(places):
                seen[y * 4 + down, x * 2 + right] = (ord(letter) - 0x2800) >> bit & 1
    return seen


@pytest.mark.parametrize("kind", CueKind)
def test_a_terminal_shows_the_screens_very_pixels(kind: CueKind) -> None:
    stream = Terminal()
    with Panel(stream, "vi") as panel:
        panel.show(Cue(kind))
    rows = re.findall(r"│(.{64})│", stream.getvalue())
    assert np.array_equal(pixels(rows), np.asarray(render(Cue(kind), "vi")))


@pytest.mark.parametrize("hint", Hint)
def test_a_hint_is_drawn_and_named(hint: Hint) -> None:
    cue, stream = Cue(CueKind.HINT, reader="door", hint=hint), Terminal()
    with Panel(stream, "en", width=72) as panel:
        panel.show(cue)
    rows = re.findall(r"│(.{64})│", stream.getvalue())
    assert np.array_equal(pixels(rows), np.asarray(render(cue, "en")))
    plain = ANSI.sub("", stream.getvalue())
    assert f"HINT {hint.upper()}: a dim white heartbeat" in plain
    assert "buzzer  silent" in plain


def test_a_hint_is_one_plain_line_without_a_terminal() -> None:
    stream = io.StringIO()
    with Panel(stream, "vi") as panel:
        panel.show(Cue(CueKind.HINT, reader="door", hint=Hint.GLARE))
    assert stream.getvalue() == "hint glare: lamp a dim white heartbeat; buzzer silent\n"


def test_braille_keeps_single_pixels() -> None:
    picture = Image.new("1", (128, 64))
    picture.putpixel((5, 6), 255)
    picture.putpixel((127, 63), 255)
    assert np.array_equal(pixels(braille(picture)), np.asarray(picture))


@pytest.mark.parametrize("kind", CueKind)
def test_lamp_and_buzzer_are_told_in_words_within_72_columns(kind: CueKind) -> None:
    stream = Terminal()
    with Panel(stream, "en", width=72) as panel:
        panel.show(Cue(kind, detail="d" * 100))
    plain = ANSI.sub("", stream.getvalue())
    assert kind.value.upper() in plain
    assert max(len(line) for line in plain.splitlines()) <= 72


def test_the_next_cue_is_drawn_in_place_and_the_cursor_comes_back() -> None:
    stream = Terminal()
    with Panel(stream, "vi", title="one\ntwo") as panel:
        panel.show(Cue(CueKind.READY))
        lines = stream.getvalue().count("\n")
        panel.show(ACCEPTED)
    text = stream.getvalue()
    assert text.startswith("\x1b[?25l")
    assert text.endswith("\x1b[?25h")
    assert f"\x1b[{lines}A\r" in text
    assert lines == 2 + 2 + 18
    assert "♪ 1760 Hz 0.12 s" in text


def test_without_a_terminal_each_cue_is_one_plain_line_without_the_visitor() -> None:
    stream = io.StringIO()
    with Panel(stream, "vi") as panel:
        panel.show(ACCEPTED)
        panel.show(Cue(CueKind.TROUBLE, detail="spool:\x1b[2J full"))
    first, second = stream.getvalue().splitlines()
    assert first == "accepted: lamp green, steady; buzzer ♪ 1760 Hz 0.12 s"
    assert second.endswith("; spool:?[2J full")
    assert "\x1b" not in stream.getvalue()


def test_the_same_cue_again_is_not_drawn_again() -> None:
    stream = io.StringIO()
    with Panel(stream, "vi") as panel:
        panel.show(ACCEPTED)
        panel.show(ACCEPTED)
    assert stream.getvalue().count("\n") == 1


def test_a_terminal_without_braille_gets_question_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with Panel(stream, "vi") as panel:
        panel.show(ACCEPTED)
    assert b"? 1760 Hz" in raw.getvalue()


@pytest.mark.parametrize("name", ["dumb", "", None])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    if name is None:
        monkeypatch.delenv("TERM")
    else:
        monkeypatch.setenv("TERM", name)
    assert on_terminal(80) == PIPE


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp437"])
def test_a_terminal_without_the_letters_of_the_picture_gets_plain_lines(encoding: str) -> None:
    said = on_terminal(80, encoding)
    assert said == PIPE.replace("♪", "?")
    assert "\x1b" not in said


@pytest.mark.parametrize(("columns", "in_place"), [(65, False), (66, True), (80, True), (0, True)])
def test_a_narrow_terminal_gets_plain_lines(columns: int, in_place: bool) -> None:
    said = on_terminal(columns)
    assert ("╭" in said) is in_place
    assert (said == PIPE) is not in_place


@pytest.mark.parametrize("kind", CueKind)
def test_no_line_is_wider_than_the_terminal(kind: CueKind) -> None:
    said = ANSI.sub("", on_terminal(66, cue=Cue(kind)))
    assert max(len(line) for line in said.splitlines()) <= 66


def test_an_encoding_that_python_does_not_know_is_written_as_ascii() -> None:
    class Odd(Terminal):
        encoding = "x-nobody-knows"

    stream = Odd()
    with Panel(stream, "vi") as panel:
        panel.show(Cue(CueKind.TROUBLE, detail="Đầu đọc"))
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()


def test_a_closed_stream_is_a_device_error() -> None:
    stream = io.StringIO()
    with Panel(stream, "vi") as panel:
        stream.close()
        with pytest.raises(DeviceError, match="panel: "):
            panel.show(ACCEPTED)


def test_a_title_cannot_move_the_cursor() -> None:
    stream = Terminal()
    with Panel(stream, "vi", title="a\x1b[2Jb") as panel:
        panel.show(ACCEPTED)
    assert "a?[2Jb" in stream.getvalue()
