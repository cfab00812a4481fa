"""What a USB keyboard reader sends for a text: its reports, with a US layout.

A report is eight bytes: the modifiers, a zero, up to six keys (USB HID 1.11, appendix B.1; usage
codes: HID Usage Tables 1.5, chapter 10). Letters that the layout lacks are sent in one of the two
ways that readers offer: Alt with the number of the letter on the keypad, or Ctrl+Shift+U with its
number in hexadecimal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CTRL, SHIFT, ALT = 0x01, 0x02, 0x04
ENTER, SPACE, KEYPAD_1, KEYPAD_0 = 0x28, 0x2C, 0x59, 0x62
_RELEASED = bytes(8).hex()
_PLAIN = {chr(ord("a") + n): 0x04 + n for n in range(26)}
_PLAIN |= {digit: 0x1E + n for n, digit in enumerate("1234567890")}
_PLAIN |= {" ": SPACE, "-": 0x2D, "=": 0x2E, "[": 0x2F, "]": 0x30, "\\": 0x31, ";": 0x33}
_PLAIN |= {"'": 0x34, "`": 0x35, ",": 0x36, ".": 0x37, "/": 0x38}
_SHIFTED = {chr(ord("A") + n): 0x04 + n for n in range(26)}
_SHIFTED |= {sign: 0x1E + n for n, sign in enumerate("!@#$%^&*()")}
_SHIFTED |= {"_": 0x2D, "+": 0x2E, "{": 0x2F, "}": 0x30, "|": 0x31, ":": 0x33, '"': 0x34}
_SHIFTED |= {"~": 0x35, "<": 0x36, ">": 0x37, "?": 0x38}


def reports(text: str, foreign: str = "alt", suffix: int = ENTER) -> list[str]:
    """The reports of `text` and its suffix, in hexadecimal, each key with its release.

    `foreign`: how letters that a US keyboard lacks are sent, "alt" or "unicode".
    """
    sent = [report for letter in text for report in _letter(letter, foreign)]
    return [*sent, _report(suffix), _RELEASED]


def _letter(letter: str, foreign: str) -> Iterator[str]:
    if letter in _PLAIN:
        yield from (_report(_PLAIN[letter]), _RELEASED)
    elif letter in _SHIFTED:
        yield from (_report(_SHIFTED[letter], SHIFT), _RELEASED)
    elif foreign == "alt":
        yield from _by_alt(ord(letter))
    else:
        yield from _by_unicode(ord(letter))


def _by_alt(number: int) -> Iterator[str]:
    """Alt is held all the time; a number below 256 has a zero before it, as Windows wants it."""
    yield _report(0, ALT)
    for digit in f"0{number}" if number < 256 else str(number):
        yield _report(KEYPAD_0 if digit == "0" else KEYPAD_1 + int(digit) - 1, ALT)
        yield _report(0, ALT)
    yield _RELEASED


def _by_unicode(number: int) -> Iterator[str]:
    """Ctrl+Shift+U, the number, a blank, as GTK and IBus take it."""
    yield from (_report(_PLAIN["u"], CTRL | SHIFT), _RELEASED)
    for digit in f"{number:x}":
        yield from (_report(_PLAIN[digit]), _RELEASED)
    yield from (_report(SPACE), _RELEASED)


def _report(key: int, modifiers: int = 0) -> str:
    return bytes([modifiers, 0, key, 0, 0, 0, 0, 0]).hex()
