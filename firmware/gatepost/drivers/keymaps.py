"""What a key means in the layouts that keyboard readers can be set to.

A reader in keyboard mode sends the keys that somebody would press on such a keyboard of Windows,
for that is what makers build them for. Keys are numbered as in linux/input-event-codes.h. A
combining mark stands for a dead key: it goes onto what is typed next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TAB, ENTER, SPACE, CAPS_LOCK = 15, 28, 57, 58
KEYPAD_ENTER = 96
CTRL = frozenset({29, 97})
SHIFT = frozenset({42, 54})
LEFT_ALT, RIGHT_ALT = 56, 100
MODIFIERS = CTRL | SHIFT | {LEFT_ALT, RIGHT_ALT}
SILENT = frozenset({69, 70})  # Num Lock, Scroll Lock: the keypad always means digits here
KEYPAD_DIGITS = {
    82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9",
}  # fmt: skip
KEYPAD = KEYPAD_DIGITS | {
    55: "*", 74: "-", 78: "+", 83: ".", 98: "/", 117: "=", 121: ",", KEYPAD_ENTER: "\n",
}  # fmt: skip
SPACING = {"\u0300": "`", "\u0301": "\u00b4", "\u0302": "^", "\u0303": "~", "\u0308": "\u00a8"}

# The keys of each row of a layout, from left to right. 86 is the one beside the left Shift.
_ROWS = (
    (41, *range(2, 14)),
    (*range(16, 28), 43),
    tuple(range(30, 41)),
    (86, *range(44, 54)),
)
_NONE = "\0"  # stands in a row for a key that has no character there


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout.

    Attributes:
        keys: code -> its characters: plain, with Shift, with AltGr, with both; "": none.
        altgr: the right Alt is AltGr, and so are Ctrl and Alt together.
        caps_certain: Caps Lock turns letters only, in every system; else systems disagree.
    """

    keys: Mapping[int, tuple[str, str, str, str]]
    altgr: bool
    caps_certain: bool


def _keys(
    plain: tuple[str, ...], shifted: tuple[str, ...], altgr: Mapping[int, str]
) -> Iterator[tuple[int, tuple[str, str, str, str]]]:
    fixed = {TAB: "\t", ENTER: "\n", SPACE: " "}
    for code, char in fixed.items():
        yield code, (char, char, "", "")
    for codes, lower, upper in zip(_ROWS, plain, shifted, strict=True):
        for code, low, high in zip(codes, lower, upper, strict=True):
            third = altgr.get(code, "")
            fourth = third.upper() if third in "áéíóú" else ""
            yield code, (low.strip(_NONE), high.strip(_NONE), third, fourth)


_US = Layout(
    dict(
        _keys(
            ("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "\\zxcvbnm,./"),
            ("~!@#$%^&*()_+", "QWERTYUIOP{}|", 'ASDFGHJKL:"', "|ZXCVBNM<>?"),
            {},
        )
    ),
    altgr=False,
    caps_certain=True,
)
_UK = Layout(
    dict(
        _keys(
            ("`1234567890-=", "qwertyuiop[]#", "asdfghjkl;'", "\\zxcvbnm,./"),
            ('¬!"£$%^&*()_+', "QWERTYUIOP{}~", "ASDFGHJKL:@", "|ZXCVBNM<>?"),
            {41: "¦", 5: "€", 18: "é", 22: "ú", 23: "í", 24: "ó", 30: "á"},
        )
    ),
    altgr=True,
    caps_certain=True,
)
_DE = Layout(
    dict(
        _keys(
            ("\u03021234567890ß\u0301", "qwertzuiopü+#", "asdfghjklöä", "<yxcvbnm,.-"),
            ('°!"§$%&/()=?\u0300', "QWERTZUIOPÜ*'", "ASDFGHJKLÖÄ", ">YXCVBNM;:_"),
            {
                3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\",
                16: "@", 18: "€", 27: "~", 50: "µ", 86: "|",
            },
        )
    ),
    altgr=True,
    caps_certain=False,
)  # fmt: skip
_FR = Layout(
    dict(
        _keys(
            ("²&é\"'(-è_çà)=", "azertyuiop\u0302$*", "qsdfghjklmù", "<wxcvbn,;:!"),
            ("\x001234567890°+", "AZERTYUIOP\u0308£µ", "QSDFGHJKLM%", ">WXCVBN?./§"),
            {
                3: "\u0303", 4: "#", 5: "{", 6: "[", 7: "|", 8: "\u0300", 9: "\\", 10: "^",
                11: "@", 12: "]", 13: "}", 18: "€", 27: "¤",
            },
        )
    ),
    altgr=True,
    caps_certain=False,
)  # fmt: skip
LAYOUTS: Mapping[str, Layout] = {
    "us": _US,
    "uk": _UK,
    "de": _DE,
    "fr": _FR,
    "vn": _US,  # Viet Nam types on US keyboards; what Telex would make of it is not undone
}
