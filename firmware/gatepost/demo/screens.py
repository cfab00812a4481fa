"""Every screen as a picture: `python -m gatepost.demo.screens OUTDIR`."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import ceil
from pathlib import Path

from PIL import Image, ImageOps

from gatepost.errors import GatepostError
from gatepost.model import Cue, CueKind, Direction, Hint, Reason, Verdict
from gatepost.screen import HEIGHT, WIDTH, render
from gatepost.screen.because import BECAUSE

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
_SCALE = 2
_CUES_A_ROW = 3
_MARGIN = 12


def contact_sheet(scale: int = _SCALE) -> Image.Image:
    """All screens on one sheet, three cues a row in each language, `scale` times as large."""
    wide, high = WIDTH * scale + _MARGIN, HEIGHT * scale + _MARGIN
    columns = _CUES_A_ROW * len(LANGUAGES)
    size = (columns * wide + _MARGIN, ceil(len(SAMPLES) / _CUES_A_ROW) * high + _MARGIN)
    sheet = Image.new("L", size, 96)
    shown = [(cue, language) for cue in SAMPLES.values() for language in LANGUAGES]
    for index, (cue, language) in enumerate(shown):
        large = ImageOps.scale(render(cue, language), scale, Image.Resampling.NEAREST)
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
        for name, cue in SAMPLES.items():
            path = folder / f"{language}-{name}.png"
            render(cue, language).save(path, optimize=True)
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
