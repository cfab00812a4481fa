"""Keys -> text: one keyboard with its modifiers, dead keys and ways to type any character.

Beside the keys of the layout, readers type what a keyboard lacks in these ways:
- Alt held, digits on the keypad, Alt released: with a leading 0 a character of CP1252, without
  one of CP437, above 255 of Unicode (readers do so whatever Windows would make of it).
- Ctrl, Shift and U, then hexadecimal digits, ended by space, Enter or by releasing Ctrl: Unicode.
- Ctrl and a key: a control character (Ctrl and ] is GS).
No I/O.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.drivers.keymaps import (
    CAPS_LOCK,
    CTRL,
    ENTER,
    KEYPAD,
    KEYPAD_DIGITS,
    KEYPAD_ENTER,
    LEFT_ALT,
    MODIFIERS,
    RIGHT_ALT,
    SHIFT,
    SILENT,
    SPACE,
    SPACING,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.drivers.keymaps import Layout

_MOST_DIGITS = 7  # 1114111 is the last character of Unicode
_MOST_HEX = 6
_BYTE = 256
_CP1252, _CP437 = "cp1252", "cp437"


@dataclass(frozen=True, slots=True)
class Stroke:
    """What a key brought: text, or why it could not be told; mostly neither."""

    text: str = ""
    lost: str = ""


_NOTHING = Stroke()


class Keyboard:
    """One keyboard. Caps Lock is off at first: no reader is told by us that it is on."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._held: set[int] = set()
        self._caps = False
        self._dead = ""
        self._digits: str | None = None  # typed while Alt is held
        self._hex: str | None = None  # typed after Ctrl, Shift and U

    @property
    def midway(self) -> bool:
        """Whether what was typed last needs more keys to mean anything."""
        return bool(self._dead or self._digits) or self._hex is not None

    def hold(self, codes: Iterable[int]) -> None:
        """Begin anew with these keys held: what came before was lost."""
        self._held = set(codes) & MODIFIERS
        self._dead, self._digits, self._hex = "", None, None

    def finish(self) -> Stroke:
        """The code ends here: what is midway never becomes anything."""
        if not self.midway:
            return _NOTHING
        self._dead, self._digits, self._hex = "", None, None
        return Stroke(lost="a sequence of keys was not ended")

    def press(self, code: int) -> Stroke:
        """A key goes down."""
        if code in MODIFIERS:
            return self._modify(code)
        if code == CAPS_LOCK:
            self._caps = not self._caps
        if code in SILENT or code == CAPS_LOCK:
            return _NOTHING
        if self._hex is not None:
            return self._press_hex(code, self._hex)
        if self._digits is not None and not self._third:
            return self._press_digit(code, self._digits)
        if self._control and not self._third:
            return self._press_control(code)
        return self._typed(*self._character(code))

    def release(self, code: int) -> Stroke:
        """A key goes up."""
        if code not in MODIFIERS:
            return _NOTHING
        self._held.discard(code)
        if code in CTRL and self._hex:
            return self._end_hex()
        if self._digits is None or self._alts:
            return _NOTHING
        digits, self._digits = self._digits, None
        return self._of_digits(digits) if digits else _NOTHING

    def repeat(self, code: int) -> Stroke:
        """The kernel repeats a key that was held too long: it hangs, or the reader does."""
        quiet = code in MODIFIERS or code in SILENT or code == CAPS_LOCK
        return _NOTHING if quiet else Stroke(lost="a key got stuck")

    @property
    def _control(self) -> bool:
        return bool(self._held & CTRL)

    @property
    def _alts(self) -> set[int]:
        """The keys held that are Alt, not AltGr."""
        return self._held & ({LEFT_ALT} if self._layout.altgr else {LEFT_ALT, RIGHT_ALT})

    @property
    def _third(self) -> bool:
        """Whether the third level is wanted: by AltGr, or by Ctrl and Alt."""
        both = self._control and LEFT_ALT in self._held
        return self._layout.altgr and (RIGHT_ALT in self._held or both)

    def _modify(self, code: int) -> Stroke:
        self._held.add(code)
        if code in self._alts:
            self._digits = ""
        return _NOTHING

    def _character(self, code: int) -> tuple[str, str]:
        """Its text; "" and why, where it has none."""
        if code in KEYPAD:
            return KEYPAD[code], ""
        levels = self._layout.keys.get(code)
        if levels is None:
            return "", f"key {code} is not known"
        shift = bool(self._held & SHIFT)
        letter = levels[0].isalpha() and levels[0].upper() == levels[1]
        if self._caps and letter:
            shift = not shift
        char = levels[shift + 2 * self._third]
        doubtful = self._caps and not (letter or self._layout.caps_certain or self._third)
        if doubtful and levels[0] != levels[1]:
            return char, f"key {code} with Caps Lock is not certain"
        return char, "" if char else f"key {code} has no character in this layout"

    def _typed(self, char: str, lost: str = "") -> Stroke:
        """Put a dead key onto what follows it."""
        dead, self._dead = self._dead, ""
        if char in SPACING:
            self._dead = char
            return Stroke(SPACING[dead] if dead else "", lost)
        if not dead or not char:
            return Stroke(char, lost or ("a dead key was lost" if dead else ""))
        whole = unicodedata.normalize("NFC", char + dead)
        if char == " ":
            return Stroke(SPACING[dead], lost)
        return Stroke(whole if len(whole) == 1 else SPACING[dead] + char, lost)

    def _press_digit(self, code: int, digits: str) -> Stroke:
        if code in KEYPAD_DIGITS and len(digits) < _MOST_DIGITS:
            self._digits = digits + KEYPAD_DIGITS[code]
            return _NOTHING
        self._digits = None
        return Stroke(self.press(code).text, "Alt with a key that is no digit of the keypad")

    def _of_digits(self, digits: str) -> Stroke:
        number = int(digits)
        if number >= _BYTE:
            return self._numbered(number)
        try:
            char = bytes((number,)).decode(_CP1252 if digits.startswith("0") else _CP437)
        except UnicodeDecodeError:
            return Stroke(lost="a number that is no character")
        return self._numbered(ord(char))

    def _numbered(self, number: int) -> Stroke:
        """The character of Unicode; half of a surrogate pair as it is, for the other may come."""
        if not 0 < number <= 0x10FFFF:
            return Stroke(lost="a number that is no character")
        return self._typed(chr(number))

    def _press_control(self, code: int) -> Stroke:
        char, lost = self._character(code)
        if self._held & SHIFT and char.lower() == "u":
            self._hex = ""
            return _NOTHING
        if len(char) == 1 and char.isascii() and "@" <= char.upper() <= "_":  # ß: SS
            return self._typed(chr(ord(char.upper()) & 0x1F))
        return Stroke(lost=lost or f"Ctrl with key {code} is no character")

    def _press_hex(self, code: int, digits: str) -> Stroke:
        if code in {SPACE, ENTER, KEYPAD_ENTER}:
            return self._end_hex()
        levels = self._layout.keys.get(code, ("", "", "", ""))[:2]
        choices = [KEYPAD_DIGITS.get(code, ""), *levels]
        digit = next((each for each in choices if each and each in string.hexdigits), "")
        if digit and len(digits) < _MOST_HEX:
            self._hex = digits + digit
            return _NOTHING
        self._hex = None
        return Stroke(self.press(code).text, "Ctrl+Shift+U with a key that is no hex digit")

    def _end_hex(self) -> Stroke:
        digits, self._hex = self._hex, None
        return self._numbered(int(digits or "0", 16))
