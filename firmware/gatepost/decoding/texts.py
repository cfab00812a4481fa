"""Bytes of a code to text, and text made safe to show."""

from __future__ import annotations

import unicodedata

# What zbar takes UTF-8 for: it guesses an encoding by statistics, and recodes by it.
_GUESSES = ("cp932", "big5", "latin-1")
# Controls, invisible and bidirectional marks, surrogates, private, unassigned, line separators.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text_of(data: bytes, declared: str) -> str:
    """The text that `data` holds: UTF-8 first, then what the symbol declares, then Latin-1.

    Args:
        data: the bytes of the code, as they stand in it.
        declared: how the decoder reads them by the symbol's ECI or by guessing, or "".
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return declared or data.decode("latin-1")
    # UTF-16 of plain letters is valid UTF-8 full of NULs: then the declaration knows better.
    return declared if declared and "\0" in text and "\0" not in declared else text


def repaired(data: bytes) -> bytes:
    """What a code held of which zbar says `data`.

    zbar recodes what it takes for Shift-JIS, Big5 or Latin-1 to UTF-8, and takes real UTF-8
    for these at times. Going back gives valid UTF-8 with non-ASCII characters only where it
    did so: a text that truly was in one of them is all but never valid UTF-8.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    if text.isascii():
        return data
    for guess in _GUESSES:
        former = _encoded(text, guess)
        if former is not None and not former.isascii() and _is_utf8(former):
            return former
    return data


def printable(text: str) -> str:
    r"""`text` with all that a terminal would obey or hide escaped (\n, \x1b, \u202e)."""
    return "".join(
        _escaped(char) if unicodedata.category(char) in _UNSHOWN else char for char in text
    )


def _encoded(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    point = ord(char)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
