"""Which words stand on the screen for a cue: those of its reason, else those of its kind."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gatepost.model import Cue, CueKind, Direction, Hint
from gatepost.screen.because import BECAUSE
from gatepost.screen.texts import TEXTS, Words

_LONGEST = 64  # of a note, before it is fitted into the screen's width
_SIDE_BY_SIDE = 16  # letters of initials and more words that one small line has room for
_DRAWN = frozenset({"L", "N", "P", "S"})  # categories: letters, numbers, punctuation, symbols


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


_SECOND = {"vi": "en", "en": "vi"}
_RECORDED = {CueKind.ACCEPTED, CueKind.REPEATED}
_ANSWERS = {CueKind.ACCEPTED, CueKind.REFUSED, CueKind.NOT_UNDERSTOOD}  # a reason says more

_READER = re.compile(r"reader (?P<name>\S+): (?P<state>absent|failed)")
_READER_VI = {"absent": "Mất kết nối", "failed": "Đầu đọc lỗi"}
_SPOOL = "spool: "  # how the part is named where it stands as the station's trouble
_NOTES_VI = {
    "station full": "Bộ nhớ đã đầy",
    "card fails": "Thẻ nhớ bị lỗi",
    "in RAM only": "Chưa có thẻ nhớ",
    "of a newer version": "Cần bản mới hơn",
    "of another station": "Thẻ của trạm khác",
}


def say(cue: Cue, language: str) -> Saying:
    """The words of `cue`, first in `language` ("vi" or "en"), then in the other one."""
    first, second = _words(cue, language), _words(cue, _SECOND[language])
    # What a technician must know is only shown while the station is in trouble.
    if cue.kind is CueKind.TROUBLE:
        note, kept = _detail(cue.detail, language)
        above = note or first.more
    elif cue.kind is CueKind.IDENTIFY:  # for whoever looks for it: its id, which has no language
        return Saying(first.head, (printable(cue.detail) or second.line,))
    else:
        above, kept = _beside(_initials(cue), first.more), ""
    return Saying(first.head, tuple(line for line in (above, second.line) if line), kept)


def _words(cue: Cue, language: str) -> Words:
    """The words of the cue's reason where it has some; without large ones, below the cue's own."""
    words = TEXTS[language][_key(cue)]
    because = BECAUSE.get(cue.reason) if cue.reason and cue.kind in _ANSWERS else None
    if because is None:
        return words
    own = because.vi if language == "vi" else because.en
    return own if own.head else Words(words.head, own.line or words.line, own.more)


def _initials(cue: Cue) -> str:
    """Of whom was recorded: who is turned away at a gate is nobody else's business."""
    return printable(cue.initials) if cue.kind in _RECORDED else ""


def _beside(initials: str, more: str) -> str:
    """Both on one line where there is room; else what to do now, which no one can guess."""
    both = f"{initials} {more}".strip()
    return both if len(both) <= _SIDE_BY_SIDE or not more else more


def _detail(text: str, language: str) -> tuple[str, str]:
    """What is wrong, and the end of it that must not be cut; what is common, in Vietnamese too."""
    shown = printable(text)
    reader = _READER.fullmatch(shown)
    if language != "vi":
        return shown, f": {reader['state']}" if reader else ""
    if reader:  # the state first: where it is cut, it is the name that loses its end
        return f"{_READER_VI[reader['state']]}: {reader['name']}", ""
    return _NOTES_VI.get(shown.removeprefix(_SPOOL), shown), ""


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
