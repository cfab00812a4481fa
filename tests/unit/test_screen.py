"""The screens: every text fits, nothing from outside breaks them, no pixel changes unseen."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, features

from gatepost.demo.screens import KINDS, LANGUAGES, NAMES, READ, REASONS, SAMPLES, drawn, main
from gatepost.drivers.panel import Panel
from gatepost.errors import UsageError
from gatepost.model import Cue, CueKind, Direction, Hint, Reason, Verdict
from gatepost.pressing import LINES, REFUSED
from gatepost.screen import HEIGHT, WIDTH, aim, fingerprint, lines, printable, render, say
from gatepost.screen.because import BECAUSE
from gatepost.screen.fonts import Face, find
from gatepost.screen.icons import SIZE, icon
from gatepost.screen.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent.parent / "golden" / "screens"
RECORDED = GOLDEN / "fonts.json"
WRITE = os.environ.get("GATEPOST_GOLDEN") == "write"
LONG = "reader main-entrance-of-the-west-wing"
EVERY = [(language, name) for language in LANGUAGES for name in SAMPLES]
SHOWN = [(language, name) for language in LANGUAGES for name in NAMES]
# Its words are no texts of a visitor, but of whoever pressed the button.
TOLD = [kind for kind in CueKind if kind is not CueKind.STATUS]


def made_with() -> dict[str, str]:
    return fingerprint() | {"FREETYPE": str(features.version("freetype2"))}


@pytest.fixture(scope="module", autouse=True)
def _recorded() -> Iterator[None]:
    yield
    if WRITE:
        RECORDED.write_text(json.dumps(made_with(), indent=2) + "\n", "ascii")


@pytest.mark.parametrize(("language", "name"), SHOWN)
def test_no_pixel_changes_unseen(language: str, name: str) -> None:
    picture = drawn(name, language)
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
    from gatepost.screen import fitting, layout  # noqa: PLC0415 - its insides

    because = [getattr(each, language) for each in BECAUSE.values()]
    for words in (*TEXTS[language].values(), *because):
        for head in words.head:
            smallest = fitting.measured(head, Face.HEAD, layout._HEAD_SIZES[-1])
            assert smallest.width <= WIDTH - layout._HEAD_X, head
        for line in filter(None, (words.line, words.more)):
            assert fitting.measured(line, Face.LINE, 16).width <= WIDTH, line


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
    keys = set(KINDS)
    assert set(TEXTS["vi"]) == set(TEXTS["en"]) == keys
    assert {cue.kind for cue in SAMPLES.values()} == set(TOLD)


def test_screens_and_icons_all_differ() -> None:
    for language in LANGUAGES:
        assert len({render(cue, language).tobytes() for cue in SAMPLES.values()}) == len(SAMPLES)
    signs = {(cue.kind, cue.hint) for cue in SAMPLES.values()}
    assert {hint for _, hint in signs} == {None, *Hint}
    assert len({icon(*sign).tobytes() for sign in signs}) == len(signs)


CUES = {
    Verdict.ACCEPTED: Cue(CueKind.ACCEPTED, Direction.IN, initials="N.V.A."),
    Verdict.REPEATED: Cue(CueKind.REPEATED, Direction.IN, initials="N.V.A."),
    Verdict.REFUSED: Cue(CueKind.REFUSED),
    Verdict.NOT_UNDERSTOOD: Cue(CueKind.NOT_UNDERSTOOD),
}
AS_THE_CUE = {
    Reason.KIND_UNKNOWN,
    Reason.POSTER_SHOWN,
    Reason.SEEN_ALREADY,
    Reason.RECORDED_INSIDE_ALREADY,
    Reason.RECORDED_TIME_UNKNOWN,
    Reason.RECORDED_UNVERIFIED,
    Reason.RECORDED,
}


def because(reason: Reason) -> Cue:
    cue = Cue(CueKind.POSTER) if reason is Reason.POSTER_SHOWN else CUES[reason.verdict]
    return replace(cue, reason=reason)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_told_in_words_of_its_own_or_in_those_of_its_cue(
    language: str, reason: Reason
) -> None:
    cue = because(reason)
    said, plain = say(cue, language), say(replace(cue, reason=None), language)
    assert (said == plain) is (reason in AS_THE_CUE)
    if reason.verdict is Verdict.ACCEPTED:
        assert said.head == plain.head
    assert len(said.lines) >= 1


def test_a_reason_has_words_for_what_a_visitor_can_do() -> None:
    assert say(because(Reason.EXPIRED), "vi").head == ("Mã đã", "hết hạn")
    assert say(because(Reason.EXPIRED), "vi").lines == ("Hỏi nhân viên", "Code has expired")
    assert say(because(Reason.PLACE_FULL), "en").lines == ("Please wait", "Đã đủ người")
    assert say(because(Reason.DAMAGED_CONTENT), "en") == say(because(Reason.DAMAGED_PREFIX), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_on_a_deny_list_reads_what_one_reads_who_is_on_no_list(language: str) -> None:
    denied = render(because(Reason.DENIED), language)
    assert denied.tobytes() == render(because(Reason.NOT_ON_LIST), language).tobytes()
    named = replace(because(Reason.DENIED), initials="N.V.A.")
    assert denied.tobytes() == render(named, language).tobytes()


@pytest.mark.parametrize("kind", set(TOLD) - {CueKind.ACCEPTED, CueKind.REFUSED})
def test_a_reason_never_changes_a_cue_that_is_no_answer_to_it(kind: CueKind) -> None:
    assert say(Cue(kind, reason=Reason.EXPIRED), "vi") == say(Cue(kind), "vi") or (
        kind is CueKind.NOT_UNDERSTOOD
    )


@pytest.mark.parametrize("name", REASONS)
def test_the_icon_and_the_ground_are_those_of_the_cue_for_every_reason(name: str) -> None:
    cue = REASONS[name]
    sign = np.asarray(icon(cue.kind)) != (cue.kind is CueKind.REFUSED)
    picture = np.asarray(render(cue, "vi"))
    shifts = [picture[y : y + SIZE, :SIZE] for y in range(HEIGHT - SIZE)]
    assert any(np.array_equal(shift, sign) for shift in shifts)


def test_one_who_is_declared_by_another_reads_so_beside_the_initials() -> None:
    cue = because(Reason.RECORDED_FOR_ANOTHER)
    assert say(cue, "vi").lines == ("N.V.A. khai hộ", "Welcome")
    assert say(cue, "en").lines == ("N.V.A. by proxy", "Mời vào")
    long = replace(cue, initials="N. V. A. B. C. D.")
    assert say(long, "vi").lines == ("khai hộ", "Welcome")
    assert say(replace(cue, direction=Direction.OUT), "vi").head == ("Tạm biệt",)


def test_one_who_forgot_to_leave_is_let_in_and_asked_to_remember() -> None:
    cue = replace(because(Reason.WARNED_INSIDE_ALREADY), initials="")
    assert say(cue, "vi").head == ("Mời vào",)
    assert say(cue, "vi").lines == ("Nhớ quét khi ra", "Scan on exit")


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
    assert len(list((tmp_path / "out").glob("*.png"))) == len(SHOWN) + 1
    assert f"{len(SHOWN) + 1} pictures" in capsys.readouterr().out
    assert main([]) == 2
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file")]) == 1


def test_the_panel_s_plain_line_names_the_reason_and_nobody() -> None:
    stream = StringIO()
    with Panel(stream, "vi") as panel:
        panel.show(replace(because(Reason.EXPIRED), initials="N.V.A."))
        panel.show(because(Reason.RECORDED))
    refused, recorded = stream.getvalue().splitlines()
    assert refused.startswith("refused (expired): lamp ")
    assert recorded.startswith("accepted (recorded): lamp ")
    assert "N.V.A." not in stream.getvalue()


def rows(picture: Image.Image) -> list[bool]:
    """Which of the four rows have ink, black on white or white on black."""
    ink = np.asarray(picture).reshape(4, 16, WIDTH)
    return [bool(row.any()) for row in ink]


def test_a_status_is_four_lines_whatever_language_comes_first() -> None:
    cue = Cue(CueKind.STATUS, detail="gp-7\nMạng: tốt\nChờ gửi: 12\n46 độ\nno room for a fifth")
    picture = render(cue, "vi")
    assert rows(picture) == [True] * 4
    assert picture.tobytes() == render(cue, "en").tobytes()
    four = replace(cue, detail="\n".join(cue.detail.split("\n")[:4]))
    assert picture.tobytes() == render(four, "vi").tobytes()


@pytest.mark.parametrize(
    ("texts", "title", "inked"),
    [
        ([], "", [False] * 4),
        (["one"], "", [False, True, False, False]),
        (["one", "two"], "", [False, True, True, False]),
        (["one"], "title", [True, True, False, False]),
        (["1", "2", "3", "4"], "title", [True] * 4),
        (["", "two", ""], "", [False, True, False, False]),
    ],
)
def test_lines_stand_in_their_rows(texts: list[str], title: str, inked: list[bool]) -> None:
    assert rows(lines(title, texts)) == inked


@pytest.mark.parametrize("text", ["x" * 5000, "語" * 30, "\x1b[2J\u202e", "Ậ" * 17, " "])
def test_no_line_is_too_wide_or_harmful(text: str) -> None:
    picture = lines(text, [text, text])
    assert picture.size == (WIDTH, HEIGHT)
    assert render(Cue(CueKind.STATUS, detail=text), "vi").size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_vietnamese_words_keep_apart_in_the_smallest_lines(language: str) -> None:
    # The marks above a line must not touch the dots below the line above it.
    picture = np.asarray(READ["status"](language))
    for edge in (16, 32, 48):
        above, below = picture[edge - 1], picture[edge]
        assert not (above & below).any()


def test_every_line_of_the_button_has_16_letters_at_most() -> None:
    texts = [*LINES["vi"].values(), *LINES["en"].values(), *REFUSED.values()]
    assert max(len(line) for text in texts for line in text) <= 16
    assert set(LINES) == set(REFUSED) == set(LANGUAGES)


def test_the_bar_grows_with_the_focus_and_stays_inside() -> None:
    def drawn_at(focus: float) -> np.ndarray:
        return np.asarray(aim(focus, "ok", "ok", code_read=True))

    inks = [int(drawn_at(focus)[16:32, 46:101].sum()) for focus in range(101)]
    assert inks == sorted(inks)
    assert inks[0] < inks[50] < inks[100]
    assert np.array_equal(drawn_at(250.4), drawn_at(100))
    assert np.array_equal(drawn_at(-3), drawn_at(0))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_judgement_of_the_aim_looks_different(language: str) -> None:
    seen = {
        aim(50, light, distance, code_read=read, language=language).tobytes()
        for light in ("ok", "dark", "bright", "glare")
        for distance in ("ok", "near", "far", "none")
        for read in (True, False)
    }
    assert len(seen) == 32


def test_an_aim_in_unknown_words_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing is called purple"):
        aim(50, "purple", "ok", code_read=True)
    with pytest.raises(UsageError, match="'fr'; there are vi, en"):
        aim(50, "ok", "ok", code_read=True, language="fr")


def test_screens_to_be_read_all_differ() -> None:
    for language in LANGUAGES:
        assert len({drawn(name, language).tobytes() for name in NAMES}) == len(NAMES)
