"""Every screen as a picture: `python -m gatepost.demo.screens OUTDIR`."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from gatepost.errors import GatepostError
from gatepost.model import Cue, CueKind, Direction, Hint, Reason, Verdict
from gatepost.modes import Mode
from gatepost.pressing import LINES, REFUSED
from gatepost.screen import HEIGHT, WIDTH, aim, lines, render
from gatepost.screen.because import BECAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LANGUAGES = ("vi", "en")
KINDS: dict[str, Cue] = {
    "ready": Cue(CueKind.READY),
    "pending": Cue(CueKind.PENDING),
    "accepted-in": Cue(CueKind.ACCEPTED, Direction.IN, initials="N.V.A."),
    "accepted-out": Cue(CueKind.ACCEPTED, Direction.OUT, initials="T.T.Đ."),
    "accepted-none": Cue(CueKind.ACCEPTED, Direction.NONE),
    "repeated": Cue(CueKind.REPEATED, Direction.IN, initials="N.V.A."),
    "refused": Cue(CueKind.REFUSED),
    "not-understood": Cue(CueKind.NOT_UNDERSTOOD),
    "poster": Cue(CueKind.POSTER),
    "again": Cue(CueKind.AGAIN),
    **{f"hint-{hint.value}": Cue(CueKind.HINT, hint=hint) for hint in Hint},
    "identify": Cue(CueKind.IDENTIFY, detail="gp-7f3a9c"),
    "trouble": Cue(CueKind.TROUBLE, detail="reader door: absent"),
}
_ANSWERS = {
    Verdict.ACCEPTED: KINDS["accepted-in"],
    Verdict.REFUSED: KINDS["refused"],
    Verdict.NOT_UNDERSTOOD: KINDS["not-understood"],
}


def _reasons() -> dict[str, Cue]:
    """A cue for each reason that has words of its own; of those with the same words the first."""
    first = {because: reason for reason, because in reversed(BECAUSE.items())}
    return {
        f"because-{reason.value}": replace(_ANSWERS[reason.verdict], reason=reason)
        for reason in Reason
        if reason in first.values()
    }


REASONS = _reasons()
SAMPLES = KINDS | REASONS
_STATUS = {
    "vi": ("Trạm gp-7f3a9c", "Mạng: tốt", "Chờ gửi: 12", "46 độ, đủ điện"),
    "en": ("gp-7f3a9c", "Network: good", "Waiting: 12", "46 C, power good"),
}
_TITLED = {
    "vi": ("Cài đặt", "Đưa mã thử", "cách 12 cm"),
    "en": ("Setup", "Hold a code", "at 12 cm"),
}
# For who looks after the station: each by its language.
READ: dict[str, Callable[[str], Image.Image]] = {
    "status": lambda language: _told(_STATUS[language]),
    "hold-setup": lambda language: _told(LINES[language][Mode.SETUP]),
    "hold-selftest": lambda language: _told(LINES[language][Mode.SELFTEST]),
    "hold-refused": lambda language: _told(REFUSED[language]),
    "lines": lambda language: lines(_TITLED[language][0], _TITLED[language][1:]),
    "aim-none": lambda language: aim(7, "dark", "none", code_read=False, language=language),
    "aim-near": lambda language: aim(48, "glare", "near", code_read=True, language=language),
    "aim-far": lambda language: aim(55, "bright", "far", code_read=True, language=language),
    "aim-good": lambda language: aim(92, "ok", "ok", code_read=True, language=language),
}
NAMES = (*SAMPLES, *READ)
_SCALE = 2
_CUES_A_ROW = 3
_MARGIN = 12


def _told(texts: Sequence[str]) -> Image.Image:
    """As the daemon shows it: by a cue."""
    return render(Cue(CueKind.STATUS, detail="\n".join(texts)), "vi")


def drawn(name: str, language: str) -> Image.Image:
    """The screen of that name, one of `NAMES`. Raises UsageError when a font is missing."""
    return READ[name](language) if name in READ else render(SAMPLES[name], language)


def contact_sheet(scale: int = _SCALE) -> Image.Image:
    """All screens on one sheet, three cues a row in each language, `scale` times as large."""
    wide, high = WIDTH * scale + _MARGIN, HEIGHT * scale + _MARGIN
    columns = _CUES_A_ROW * len(LANGUAGES)
    size = (columns * wide + _MARGIN, ceil(len(NAMES) / _CUES_A_ROW) * high + _MARGIN)
    sheet = Image.new("L", size, 96)
    shown = [(name, language) for name in NAMES for language in LANGUAGES]
    for index, (name, language) in enumerate(shown):
        large = ImageOps.scale(drawn(name, language), scale, Image.Resampling.NEAREST)
        row, column = divmod(index, columns)
        sheet.paste(large, (_MARGIN + column * wide, _MARGIN + row * high))
    return sheet


def write(folder: Path) -> list[Path]:
    """Write every screen and the sheet into `folder`; return the files.

    Raises UsageError when a font is missing, OSError when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for language in LANGUAGES:
        for name in NAMES:
            path = folder / f"{language}-{name}.png"
            drawn(name, language).save(path, optimize=True)
            written.append(path)
    sheet = folder / "contact-sheet.png"
    contact_sheet().save(sheet, optimize=True)
    return [*written, sheet]


def main(arguments: list[str]) -> int:
    """Write the pictures into the folder that `arguments` names; exit status 0, 1 or 2."""
    if len(arguments) != 1:
        print("usage: python -m gatepost.demo.screens OUTDIR", file=sys.stderr)
        return 2
    try:
        written = write(Path(arguments[0]))
    except (GatepostError, OSError) as error:
        print(f"screens: {error}", file=sys.stderr)
        return 1
    print(f"{len(written)} pictures in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
