"""The virtual panel: the OLED's very pixels, words for what colours and tones say."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from gatepost.drivers.panel import Panel, braille
from gatepost.errors import DeviceError
from gatepost.model import Cue, CueKind
from gatepost.screen import render

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ACCEPTED = Cue(CueKind.ACCEPTED, initials="N. V. A.")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


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
