"""Pieces of what a serial reader sends -> whole codes. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 8 * 1024  # of one code; the largest QR code holds 7,089 digits
STX, ETX = b"\x02", b"\x03"
TOO_LONG = f"longer than {MOST_BYTES} bytes"
OUTSIDE = "bytes that are not between STX and ETX"
SUFFIXES = {
    "any": b"\n",  # after each CR became LF
    "cr": b"\r",
    "lf": b"\n",
    "crlf": b"\r\n",
    "tab": b"\t",
    "none": b"",
    "stx-etx": ETX,
}
_PAUSES = ("any", "none")  # with these, a pause is an end as good as any


@dataclass(frozen=True, slots=True)
class Framed:
    """A code; not `whole` where it ended by a pause instead of its suffix."""

    data: bytes
    whole: bool = True


class Assembler:
    """Pieces -> codes, each ended by its suffix or by a pause; never more than MOST_BYTES of one.

    Args:
        suffix: one of SUFFIXES.
        prefix: what the reader puts before each code; it is taken off.
        dropped: told why, of each code that is lost.
    """

    def __init__(
        self,
        suffix: str = "any",
        prefix: bytes = b"",
        dropped: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._any = suffix == "any"
        self._end = SUFFIXES[suffix]
        self._start = STX if suffix == "stx-etx" else b""
        self._by_pause = suffix in _PAUSES
        self._prefix = prefix
        self._dropped = dropped
        self._begun = bytearray()
        self._dropping = False  # the rest of a code that is too long
        self._torn = False  # what comes next may be the rest of what a pause ended

    @property
    def begun(self) -> bool:
        """Whether there is a piece of a code that may still go on."""
        return bool(self._begun) or self._dropping

    def feed(self, piece: bytes) -> list[Framed]:
        """The codes that `piece` ends, in order; empty ones are none."""
        look = max(0, len(self._begun) - len(self._end) + 1)  # an end may come in two pieces
        self._begun += piece.replace(b"\r", b"\n") if self._any else piece
        codes, start = [], 0
        while self._end and (at := self._begun.find(self._end, look)) >= 0:
            codes.append(Framed(self._code(bytes(self._begun[start:at])), whole=not self._torn))
            self._torn = False
            start = look = at + len(self._end)
        del self._begun[:start]
        self._bound()
        return [code for code in codes if code.data]

    def pause(self) -> Framed | None:
        """What was begun, ended by a pause; None where there is nothing."""
        torn = self.begun and not self._by_pause and not self._start
        data = self._code(bytes(self._begun))
        self.drop()
        self._torn = torn
        return Framed(data, whole=self._by_pause) if data else None

    def drop(self) -> int:
        """Forget what was begun; returns how many bytes that were."""
        lost = len(self._begun)
        self._begun.clear()
        self._dropping = self._torn = False
        return lost

    def _bound(self) -> None:
        most = MOST_BYTES + len(self._prefix) + len(self._start) + len(self._end) - 1
        if len(self._begun) > most and not self._dropping:
            self._dropped(TOO_LONG)
            self._dropping = True
        if self._dropping:  # but for what may be the first half of its end
            del self._begun[: len(self._begun) - max(0, len(self._end) - 1)]

    def _code(self, data: bytes) -> bytes:
        """A code without what frames it; b"" where it is none or too long."""
        dropping, self._dropping = self._dropping, False
        if dropping:
            return b""
        if self._start:
            before, start, data = data.rpartition(self._start)
            if before or (data and not start):
                self._dropped(OUTSIDE)
            data = data if start else b""
        data = data.removeprefix(self._prefix)
        if len(data) > MOST_BYTES:
            self._dropped(TOO_LONG)
            return b""
        return data


def decoded(data: bytes, encoding: str) -> tuple[str, bool]:
    """The text of a code, and whether it was of that encoding.

    What is not is read as Latin-1, which takes any byte: the same bytes are the same text always.
    Windows writes Vietnamese (cp1258) in letters and marks: they become one, as all else has it.
    """
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("latin-1"), False
    return unicodedata.normalize("NFC", text) if encoding == "cp1258" else text, True
