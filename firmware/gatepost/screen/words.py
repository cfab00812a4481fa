"""The texts of every cue in Vietnamese and English: short, kind, and what to do next."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gatepost.model import Cue, CueKind, Direction, Hint

_LONGEST = 64  # of a note, before it is fitted into the screen's width
_DRAWN = frozenset({"L", "N", "P", "S"})  # categories: letters, numbers, punctuation, symbols


@dataclass(frozen=True, slots=True)
class Words:
    """One cue in one language.

    Attributes:
        head: one or two lines, large, when this is the first language.
        line: one line of at most 16 letters, when it is the second.
        more: one more line of the first language: what to do now; "" where `head` says it.
    """

    head: tuple[str, ...]
    line: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Saying:
    """What stands on one screen: the large lines, then the small ones.

    Attributes:
        head: large.
        lines: small; the last one is the second language's.
        kept: the end of the first small line that stays when the line must be cut.
    """

    head: tuple[str, ...]
    lines: tuple[str, ...]
    kept: str = ""


_VI: dict[str, Words] = {
    "ready": Words(("Xin mời", "đưa mã"), "Xin mời đưa mã"),
    "pending": Words(("Xin chờ", "một chút"), "Xin chờ một chút"),
    "accepted-in": Words(("Mời vào",), "Mời vào"),
    "accepted-out": Words(("Tạm biệt",), "Tạm biệt"),
    "accepted-none": Words(("Đã ghi", "nhận"), "Đã ghi nhận"),
    "repeated": Words(("Đã quét rồi",), "Đã quét rồi"),
    "refused": Words(("Mã không", "được nhận"), "Không được nhận", "Hỏi nhân viên"),
    "not-understood": Words(("Chưa đọc", "được mã"), "Chưa đọc được", "Xin thử mã khác"),
    "poster": Words(("Đây là mã", "địa điểm"), "Đưa mã cá nhân", "Đưa mã cá nhân"),
    "again": Words(("Xin đưa", "lại mã"), "Xin đưa lại mã"),
    "hint-too-far": Words(("Đưa mã", "lại gần"), "Đưa mã lại gần"),
    "hint-too-near": Words(("Đưa mã", "ra xa hơn"), "Ra xa một chút"),
    "hint-too-dark": Words(("Tăng sáng", "màn hình"), "Tăng độ sáng"),
    "hint-glare": Words(("Bị lóa đèn", "xin nghiêng"), "Xin nghiêng mã"),
    "hint-moving": Words(("Xin giữ", "yên mã"), "Xin giữ yên mã"),
    "hint-cut-off": Words(("Đưa cả mã", "vào khung"), "Đưa cả mã vào"),
    "hint-no-code": Words(("Hãy đưa", "mã QR ra"), "Đưa mã QR ra"),
    "trouble": Words(("Máy đang", "có sự cố"), "Máy có sự cố"),
}
_EN: dict[str, Words] = {
    "ready": Words(("Show", "your code"), "Show your code"),
    "pending": Words(("One", "moment"), "One moment"),
    "accepted-in": Words(("Welcome",), "Welcome"),
    "accepted-out": Words(("Goodbye",), "Goodbye"),
    "accepted-none": Words(("Recorded",), "Recorded"),
    "repeated": Words(("Already", "scanned"), "Already scanned"),
    "refused": Words(("Not", "accepted"), "Not accepted", "Ask the staff"),
    "not-understood": Words(("Unknown", "code"), "Unknown code", "Try another one"),
    "poster": Words(("This is", "a poster"), "Show your code", "Show your code"),
    "again": Words(("Please", "show again"), "Show it again"),
    "hint-too-far": Words(("Move", "closer"), "Move closer"),
    "hint-too-near": Words(("Move back", "a little"), "Move back a bit"),
    "hint-too-dark": Words(("Brighten", "the screen"), "Brighten screen"),
    "hint-glare": Words(("Glare:", "please tilt"), "Glare: tilt it"),
    "hint-moving": Words(("Hold it", "still"), "Hold it still"),
    "hint-cut-off": Words(("Show the", "whole code"), "Show whole code"),
    "hint-no-code": Words(("Show your", "QR code"), "Show a QR code"),
    "trouble": Words(("Station", "in trouble"), "Station trouble"),
}
TEXTS = {"vi": _VI, "en": _EN}
_SECOND = {"vi": "en", "en": "vi"}

_READER = re.compile(r"reader (?P<name>\S+): (?P<state>absent|failed)")
_READER_VI = {"absent": "Mất kết nối", "failed": "Đầu đọc lỗi"}
_FULL = ("spool: station full", "station full")
_FULL_VI = "Bộ nhớ đã đầy"


def say(cue: Cue, language: str) -> Saying:
    """The words of `cue`, first in `language` ("vi" or "en"), then in the other one."""
    key = _key(cue)
    first = TEXTS[language][key]
    second = TEXTS[_SECOND[language]][key]
    # What a technician must know is only shown while the station is in trouble.
    trouble = cue.kind is CueKind.TROUBLE
    note, kept = _detail(cue.detail, language) if trouble else (printable(cue.initials), "")
    small = (note or first.more, second.line)
    return Saying(first.head, tuple(line for line in small if line), kept)


def _detail(text: str, language: str) -> tuple[str, str]:
    """What is wrong, and the end of it that must not be cut; what is common, in Vietnamese too."""
    shown = printable(text)
    reader = _READER.fullmatch(shown)
    if language != "vi":
        return shown, f": {reader['state']}" if reader else ""
    if reader:  # the state first: where it is cut, it is the name that loses its end
        return f"{_READER_VI[reader['state']]}: {reader['name']}", ""
    return (_FULL_VI if shown in _FULL else shown), ""


def printable(text: str) -> str:
    """`text` from outside, made harmless: one short line of letters that have a picture.

    Controls, bidirectional overrides, lone marks and everything beyond the basic plane become
    "?", all white space one blank.
    """
    composed = unicodedata.normalize("NFC", text[:_LONGEST])
    return "".join(letter if _has_picture(letter) else "?" for letter in _spaced(composed))


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _has_picture(letter: str) -> bool:
    if letter == " ":
        return True
    return ord(letter) <= 0xFFFF and unicodedata.category(letter)[0] in _DRAWN


def _key(cue: Cue) -> str:
    if cue.kind is CueKind.HINT:
        return f"hint-{(cue.hint or Hint.NO_CODE).value}"
    if cue.kind is not CueKind.ACCEPTED:
        return cue.kind.value
    way = cue.direction if cue.direction in {Direction.IN, Direction.OUT} else Direction.NONE
    return f"accepted-{way.value}"
