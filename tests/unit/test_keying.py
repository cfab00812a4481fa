from __future__ import annotations

import pytest

from gatepost.config.readers import LAYOUTS as CONFIGURED
from gatepost.drivers.keying import Keyboard
from gatepost.drivers.keymaps import LAYOUTS
from unit.keyboards import (
    ALT,
    ALTGR,
    CAPS,
    CTRL,
    D1,
    D2,
    ENTER,
    KEYPAD,
    KP_ENTER,
    SHIFT,
    TAB,
    A,
    B,
    Strokes,
    U,
    by_alt,
    by_hex,
    tap,
    typed,
)

NAME = "Nguyễn Thị Đẹp - Phường Bến Nghé"


def read(strokes: Strokes, layout: str = "us") -> tuple[str, list[str]]:
    """The text, and all that was lost."""
    keyboard = Keyboard(LAYOUTS[layout])
    told = [keyboard.press(code) if down else keyboard.release(code) for code, down in strokes]
    told.append(keyboard.finish())
    return "".join(each.text for each in told), [each.lost for each in told if each.lost]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_character_of_a_code_in_every_layout(layout: str) -> None:
    text = "".join(chr(number) for number in range(32, 127) if chr(number) not in "^`~'\"")
    assert read(typed(text, layout), layout) == (text, [])


@pytest.mark.parametrize(
    ("layout", "strokes", "text"),
    [
        ("us", [*tap(3), *tap(SHIFT, 3), *tap(40), *tap(SHIFT, 40), *tap(43)], "2@'\"\\"),
        ("uk", [*tap(SHIFT, 3), *tap(SHIFT, 4), *tap(SHIFT, 40), *tap(43), *tap(86)], '"£@#\\'),
        ("uk", [*tap(ALTGR, 5), *tap(ALTGR, 18), *tap(ALTGR, SHIFT, 18)], "€éÉ"),
        ("de", [*tap(21), *tap(44), *tap(SHIFT, 12), *tap(ALTGR, 16), *tap(53)], "zy?@-"),
        ("de", [*tap(12), *tap(39), *tap(CTRL, ALT, 8), *tap(ALTGR, 12)], "ßö{\\"),
        ("fr", [*tap(16), *tap(2), *tap(SHIFT, 2), *tap(11), *tap(ALTGR, 11)], "a&1à@"),
        ("fr", [*tap(39), *tap(SHIFT, 51), *tap(SHIFT, 53)], "m.§"),
    ],
)
def test_keys_mean_what_the_layout_says(layout: str, strokes: Strokes, text: str) -> None:
    assert read(strokes, layout) == (text, [])


def test_azerty_has_its_digits_above() -> None:
    plain = [stroke for code in range(2, 12) for stroke in tap(code)]
    above = [stroke for code in range(2, 12) for stroke in tap(SHIFT, code)]
    assert read(plain, "fr") == ("&é\"'(-è_çà", [])
    assert read(above, "fr") == ("1234567890", [])


@pytest.mark.parametrize(
    ("layout", "strokes", "text"),
    [
        ("fr", [*tap(26), *tap(18)], "ê"),
        ("fr", [*tap(SHIFT, 26), *tap(23)], "ï"),
        ("fr", [*tap(26), *tap(57)], "^"),
        ("fr", [*tap(26), *tap(19)], "^r"),
        ("fr", [*tap(26), *tap(26), *tap(57)], "^^"),
        ("de", [*tap(13), *tap(18), *tap(SHIFT, 13), *tap(SHIFT, A)], "éÀ"),
        ("fr", [*tap(26), *tap(ENTER)], "^\n"),
    ],
)
def test_a_dead_key_goes_onto_the_next_one(layout: str, strokes: Strokes, text: str) -> None:
    assert read(strokes, layout) == (text, [])


def test_caps_lock_turns_letters() -> None:
    assert read([*tap(CAPS), *tap(A), *tap(SHIFT, A), *tap(D1), *tap(CAPS), *tap(A)]) == (
        "Aa1a",
        [],
    )


@pytest.mark.parametrize("layout", ["de", "fr"])
def test_caps_lock_where_systems_disagree_is_said(layout: str) -> None:
    letters = [*tap(CAPS), *tap(B)]
    assert read(letters, layout) == ("B", [])
    assert read([*letters, *tap(D1)], layout)[1] == ["key 2 with Caps Lock is not certain"]


@pytest.mark.parametrize(
    ("digits", "char"),
    [
        ("65", "A"),
        ("130", "é"),  # CP437
        ("0233", "é"),  # CP1252
        ("0128", "€"),
        ("0150", "\u2013"),
        ("7877", "ễ"),
        ("0273", "đ"),
        ("272", "Đ"),
        ("029", "\x1d"),
        ("29", "\x1d"),
        ("128512", "😀"),
    ],
)
def test_alt_and_a_number(digits: str, char: str) -> None:
    assert read(by_alt(digits)) == (char, [])


def test_a_name_by_numbers() -> None:
    assert read([stroke for char in NAME for stroke in by_alt(f"0{ord(char)}")]) == (NAME, [])


@pytest.mark.parametrize("digits", ["0", "0129", "1114112", "12345678", "0000000"])
def test_a_number_that_is_no_character_is_lost(digits: str) -> None:
    assert read(by_alt(digits))[1] != []


def test_alt_with_another_key_or_never_released_is_lost() -> None:
    assert read([(ALT, 1), *tap(A), (ALT, 0)])[1]
    assert read([(ALT, 1), *tap(KEYPAD["6"]), *tap(A), (ALT, 0)])[1]
    assert read([(ALT, 1), *tap(KEYPAD["6"])])[1] == ["a sequence of keys was not ended"]


def test_alt_alone_means_nothing() -> None:
    assert read([*tap(ALT), *tap(A)]) == ("a", [])


def test_the_right_alt_is_alt_where_there_is_no_altgr() -> None:
    strokes = [(ALTGR, 1), *tap(KEYPAD["6"]), *tap(KEYPAD["5"]), (ALTGR, 0)]
    assert read(strokes) == ("A", [])


@pytest.mark.parametrize("end", [57, ENTER, KP_ENTER])
def test_ctrl_shift_u_and_a_number(end: int) -> None:
    strokes = [stroke for char in "Đễ😀" for stroke in by_hex(char, end=end)]
    assert read(strokes) == ("Đễ😀", [])


def test_ctrl_shift_u_ended_by_releasing() -> None:
    assert read([*by_hex("ễ", held=True), *tap(A)]) == ("ễa", [])


def test_ctrl_shift_u_with_digits_above_or_on_the_keypad() -> None:
    start = [(CTRL, 1), (SHIFT, 1), *tap(U), (SHIFT, 0), (CTRL, 0)]
    above = [stroke for code in (2, 12 - 1, 2, 3) for stroke in tap(SHIFT, code)]
    assert read([*start, *above, *tap(57)], "fr") == ("\u1012", [])
    keypad = [stroke for digit in "1012" for stroke in tap(KEYPAD[digit])]
    assert read([*start, *keypad, *tap(57)]) == ("\u1012", [])


def test_a_broken_number_of_ctrl_shift_u_is_lost_and_its_key_is_not() -> None:
    start = [(CTRL, 1), (SHIFT, 1), *tap(U), (SHIFT, 0), (CTRL, 0)]
    text, lost = read([*start, *tap(D1), *tap(44), *tap(D2)])
    assert (text, len(lost)) == ("z2", 1)
    assert read([*start, *tap(57)])[1]
    assert read(start)[1] == ["a sequence of keys was not ended"]


def test_ctrl_makes_control_characters() -> None:
    assert read([*tap(CTRL, 27), *tap(CTRL, SHIFT, 7), *tap(CTRL, 50)]) == ("\x1d\x1e\r", [])
    assert read(tap(CTRL, D1))[1]


def test_the_keypad_is_digits_whatever_num_lock_is() -> None:
    strokes = [stroke for digit in "0123456789" for stroke in tap(KEYPAD[digit])]
    assert read([*tap(69), *strokes, *tap(74), *tap(83), *tap(KP_ENTER)]) == ("0123456789-.\n", [])


@pytest.mark.parametrize("code", [1, 59, 14, 103, 125, 500])
def test_a_key_that_types_nothing_is_lost(code: int) -> None:
    assert read(tap(code)) == ("", [f"key {code} is not known"])


def test_a_key_without_a_character_in_this_layout_is_lost() -> None:
    text, lost = read([*tap(ALTGR, A), *tap(B)], "de")
    assert (text, lost) == ("b", ["key 30 has no character in this layout"])


def test_tab_and_enter_are_characters() -> None:
    assert read([*tap(TAB), *tap(ENTER)]) == ("\t\n", [])


def test_the_layouts_of_the_configuration_are_those_that_are_known() -> None:
    assert tuple(LAYOUTS) == CONFIGURED
    assert LAYOUTS["vn"] is LAYOUTS["us"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("held", [(), (SHIFT,), (ALT,), (ALTGR,), (SHIFT, ALTGR), (SHIFT, ALT)])
def test_ctrl_with_any_key_is_a_character_or_lost(layout: str, held: tuple[int, ...]) -> None:
    for code in range(256):
        keyboard = Keyboard(LAYOUTS[layout])
        for each in (CTRL, *held):
            keyboard.press(each)
        stroke = keyboard.press(code)
        assert len(stroke.text) <= 1


def test_ctrl_with_a_letter_of_two_capitals_is_lost() -> None:
    assert read(tap(CTRL, 12), "de") == ("", ["Ctrl with key 12 is no character"])
