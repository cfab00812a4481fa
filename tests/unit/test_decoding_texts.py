from __future__ import annotations

import pytest

from gatepost.decoding.texts import printable, repaired, text_of


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        (b"plain", "other", "plain"),
        ("Nguyễn".encode(), "Nguyá»n", "Nguyễn"),
        (b"caf\xe9", "café", "café"),
        (b"caf\xe9", "", "café"),
        (b"\x00h\x00i", "hi", "hi"),
        (b"a\x00b", "a\x00b", "a\x00b"),
        (b"a\x00b", "", "a\x00b"),
        (b"", "", ""),
    ],
)
def test_text_is_utf8_first_then_what_is_declared(data: bytes, declared: str, text: str) -> None:
    assert text_of(data, declared) == text


@pytest.mark.parametrize("text", ["é", "Đặng Ước", "日本語", "Привет", "plain", "£5", "naïve"])
@pytest.mark.parametrize("guess", ["cp932", "big5", "latin-1"])
def test_recoded_utf8_is_repaired(text: str, guess: str) -> None:
    try:
        recoded = text.encode().decode(guess).encode()
    except UnicodeDecodeError:
        recoded = text.encode()
    assert repaired(recoded) == text.encode()


@pytest.mark.parametrize("data", [b"plain", b"\xff\xfe", "Köln".encode(), "漢字".encode(), b""])
def test_what_was_not_recoded_stays(data: bytes) -> None:
    assert repaired(data) == data


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nguyễn Văn An, 日本 😀", "Nguyễn Văn An, 日本 😀"),
        ("two\nlines\ttab\r", "two\\nlines\\ttab\\r"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("a\u2028b\u200bc\ufeff", "a\\u2028b\\u200bc\\ufeff"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_printable_escapes_what_terminals_obey_or_hide(text: str, shown: str) -> None:
    assert printable(text) == shown
