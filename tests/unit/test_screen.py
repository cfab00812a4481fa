"""The screens: every text fits, nothing from outside breaks them, no pixel changes unseen."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, features

from gatepost.demo.screens import LANGUAGES, SAMPLES, main
from gatepost.errors import UsageError
from gatepost.model import Cue, CueKind, Direction, Hint
from gatepost.screen import HEIGHT, WIDTH, fingerprint, printable, render, say
from gatepost.screen.fonts import Face, find
from gatepost.screen.icons import SIZE, icon
from gatepost.screen.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent.parent / "golden" / "screens"
RECORDED = GOLDEN / "fonts.json"
WRITE = os.environ.get("GATEPOST_GOLDEN") == "write"
LONG = "reader main-entrance-of-the-west-wing"
EVERY = [(language, name) for language in LANGUAGES for name in SAMPLES]


def made_with() -> dict[str, str]:
    return fingerprint() | {"FREETYPE": str(features.version("freetype2"))}


@pytest.fixture(scope="module", autouse=True)
def _recorded() -> Iterator[None]:
    yield
    if WRITE:
        RECORDED.write_text(json.dumps(made_with(), indent=2) + "\n", "ascii")


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_no_pixel_changes_unseen(language: str, name: str) -> None:
    picture = render(SAMPLES[name], language)
    stored = GOLDEN / f"{language}-{name}.png"
    if WRITE:
        GOLDEN.mkdir(parents=True, exist_ok=True)
        picture.save(stored, optimize=True)
    recorded, here = json.loads(RECORDED.read_text("ascii")) if not WRITE else {}, made_with()
    if not WRITE and recorded != here:
        other = ", ".join(part for part in here if recorded.get(part) != here[part])
        pytest.skip(f"stored with another version of {other}: GATEPOST_GOLDEN=write, then look")
    with Image.open(stored) as golden:
        assert golden.mode == "1"
        assert np.array_equal(np.asarray(golden), np.asarray(picture))


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_every_text_of_every_cue_fits(language: str, name: str) -> None:
    # A letter that reaches the last column or row might go on behind it.
    cue = SAMPLES[name]
    ink = np.asarray(render(cue, language)) != (cue.kind is CueKind.REFUSED)
    assert not ink[:, -1].any()
    assert not ink[-1, :].any()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_fits_by_its_measured_width(language: str) -> None:
    from gatepost.screen import layout  # noqa: PLC0415 - its insides, for this test alone

    for words in TEXTS[language].values():
        for head in words.head:
            smallest = layout._measured(head, Face.HEAD, layout._HEAD_SIZES[-1])
            assert smallest.width <= WIDTH - layout._HEAD_X, head
        for line in filter(None, (words.line, words.more)):
            assert layout._measured(line, Face.LINE, 16).width <= WIDTH, line


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_no_line_touches_another(language: str, name: str) -> None:
    from gatepost.screen import layout  # noqa: PLC0415 - its insides, for this test alone

    saying = say(SAMPLES[name], language)
    places, room = layout._placed(saying)
    # Both languages are there, and what to do.
    assert [place.text.words for place in places] == [*saying.head, *saying.lines]
    assert places[0].y >= 0
    assert places[-1].y + places[-1].text.height < HEIGHT
    for above, below in pairwise(places):
        assert below.y - (above.y + above.text.height) >= 2, (above, below)
    assert room >= SIZE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("note", ["Ậ.Ộ.Ễ.Ỵ.Ự.", "N.", "Ỹ" * 40])
@pytest.mark.parametrize("name", ["accepted-in", "repeated", "trouble"])
def test_the_large_lines_stay_whole_above_any_note(language: str, note: str, name: str) -> None:
    from gatepost.screen import layout  # noqa: PLC0415 - its insides, for this test alone

    saying = say(replace(SAMPLES[name], initials=note, detail=note), language)
    head, lines = layout._fitted(saying)
    assert lines
    assert layout._spare((*head, *lines), 2) >= 0


def test_both_languages_say_every_cue() -> None:
    keys = set(SAMPLES)
    assert set(TEXTS["vi"]) == set(TEXTS["en"]) == keys
    assert {cue.kind for cue in SAMPLES.values()} == set(CueKind)


def test_screens_and_icons_all_differ() -> None:
    for language in LANGUAGES:
        assert len({render(cue, language).tobytes() for cue in SAMPLES.values()}) == len(SAMPLES)
    signs = {(cue.kind, cue.hint) for cue in SAMPLES.values()}
    assert {hint for _, hint in signs} == {None, *Hint}
    assert len({icon(*sign).tobytes() for sign in signs}) == len(signs)


def test_an_accepted_visitor_reads_the_direction_and_the_initials_in_both_languages() -> None:
    cue = Cue(CueKind.ACCEPTED, Direction.OUT, initials="N.V.A.")
    assert say(cue, "vi").head == ("Tạm biệt",)
    assert say(cue, "vi").lines == ("N.V.A.", "Goodbye")
    assert say(cue, "en").head == ("Goodbye",)
    assert say(Cue(CueKind.ACCEPTED, Direction.AUTO), "en").head == ("Recorded",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_hint_says_what_to_do_in_both_languages(language: str) -> None:
    said = [say(Cue(CueKind.HINT, hint=hint), language) for hint in Hint]
    assert len({saying.head for saying in said}) == len({saying.lines for saying in said}) == 7
    assert say(Cue(CueKind.HINT, hint=Hint.TOO_FAR), "vi").lines == ("Move closer",)
    assert say(Cue(CueKind.HINT, hint=Hint.TOO_FAR), "en").lines == ("Đưa mã lại gần",)


def test_the_detail_is_for_trouble_only_and_initials_never_stand_there() -> None:
    assert say(Cue(CueKind.TROUBLE, initials="N.", detail="spool"), "en").lines[0] == "spool"
    assert "spool" not in say(Cue(CueKind.REFUSED, detail="spool"), "en").lines


@pytest.mark.parametrize(
    ("detail", "vietnamese"),
    [
        ("reader door: absent", "Mất kết nối: door"),
        ("reader door: failed", "Đầu đọc lỗi: door"),
        ("spool: station full", "Bộ nhớ đã đầy"),
        ("station full", "Bộ nhớ đã đầy"),
        ("clock: not set", "clock: not set"),
    ],
)
def test_the_common_details_are_in_vietnamese_too(detail: str, vietnamese: str) -> None:
    cue = Cue(CueKind.TROUBLE, detail=detail)
    assert say(cue, "vi").lines[0] == vietnamese
    assert say(cue, "en").lines[0] == detail


@pytest.mark.parametrize(
    ("language", "state"), [("en", (LONG, ": absent")), ("vi", ("Mất kết nối: ", LONG[7:]))]
)
def test_a_long_name_of_a_reader_is_cut_and_not_its_state(
    language: str, state: tuple[str, str]
) -> None:
    from gatepost.screen import layout  # noqa: PLC0415 - its insides, for this test alone

    line = layout._fitted(say(Cue(CueKind.TROUBLE, detail=f"{LONG}: absent"), language))[1][0]
    before, after = line.words.split("…")
    assert line.width <= WIDTH
    if language == "en":
        assert after == state[1]
        assert LONG.startswith(before)
        assert before.startswith("reader main")
    else:
        assert after == ""
        assert before.startswith(state[0] + "main")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("N.V.A.", "N.V.A."),
        ("T.T.Đ.", "T.T.Đ."),
        ("\x1b[31mred", "?[31mred"),
        ("a\u202eb\u2066c\u200b", "a?b?c?"),
        ("\U0001f600 hi", "? hi"),
        ("a\ud800", "a?"),
        ("e\u0302\u0323", "ệ"),
        ("Z\u0335\u0336", "Z??"),
        ("\ue000\uffff", "??"),
        (" a \n\t b ", "a b"),
        ("", ""),
        ("x" * 100_000, "x" * 64),
    ],
)
def test_text_from_outside_is_made_harmless(given: str, shown: str) -> None:
    assert printable(given) == shown


@pytest.mark.parametrize("letter", ["W", "ộ", "語", "i"])
def test_a_long_name_is_cut_with_an_ellipsis_inside_the_screen(letter: str) -> None:
    picture = np.asarray(render(Cue(CueKind.ACCEPTED, initials=letter * 60), "vi"))
    assert picture.shape == (HEIGHT, WIDTH)
    lower = picture[HEIGHT // 2 :]
    assert lower.any()
    short = np.asarray(render(Cue(CueKind.ACCEPTED, initials=letter * 8), "vi"))
    assert not np.array_equal(lower, short[HEIGHT // 2 :])


def test_a_font_that_is_not_installed_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unifont\.otf .* install fonts-unifont"):
        find(Face.LINE, tmp_path)


def test_a_font_is_found_where_other_systems_put_it(tmp_path: Path) -> None:
    place = tmp_path / "TTF" / "DejaVuSans-Bold.ttf"
    place.parent.mkdir()
    place.touch()
    assert find(Face.HEAD, tmp_path) == place


def test_another_language_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="'fr'; there are vi, en"):
        render(Cue(CueKind.READY), "fr")


def test_all_screens_are_written_with_a_contact_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == len(EVERY) + 1
    assert f"{len(EVERY) + 1} pictures" in capsys.readouterr().out
    assert main([]) == 2
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file")]) == 1
