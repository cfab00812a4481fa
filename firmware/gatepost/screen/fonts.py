"""Fonts with every Vietnamese letter, from Debian's fonts-dejavu-core and fonts-unifont."""

from __future__ import annotations

import functools
import hashlib
from enum import Enum
from pathlib import Path

from PIL import ImageFont

from gatepost.errors import UsageError

_SHARE = Path("/usr/share/fonts")


class Face(Enum):
    """A face: the Debian package that brings it, and where systems put it."""

    HEAD = (
        "fonts-dejavu-core",
        "truetype/dejavu/DejaVuSans-Bold.ttf",
        "dejavu/DejaVuSans-Bold.ttf",
        "dejavu-sans-fonts/DejaVuSans-Bold.ttf",
        "TTF/DejaVuSans-Bold.ttf",
    )
    SMALL = (
        "fonts-dejavu-core",
        "truetype/dejavu/DejaVuSans.ttf",
        "dejavu/DejaVuSans.ttf",
        "dejavu-sans-fonts/DejaVuSans.ttf",
        "TTF/DejaVuSans.ttf",
    )
    LINE = (
        "fonts-unifont",
        "opentype/unifont/unifont.otf",
        "truetype/unifont/unifont.ttf",
        "unifont/unifont.otf",
        "unifont/unifont.ttf",
    )


def find(face: Face, share: Path = _SHARE) -> Path:
    """Where the file of `face` lies below `share`.

    Raises UsageError, naming the package to install, when it is in none of the known places.
    """
    package, *places = face.value
    for place in places:
        if (share / place).is_file():
            return share / place
    raise UsageError(f"no font {Path(places[0]).name} below {share}: install {package}")


@functools.cache
def load(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """The font at `size` pixels. Raises UsageError when it is not installed."""
    # Basic layout: raqm, where it is installed, would place the same text differently.
    return ImageFont.truetype(find(face), size, layout_engine=ImageFont.Layout.BASIC)


def fingerprint() -> dict[str, str]:
    """SHA-256 of each font's file by the name of its face: stored pictures hold for these only.

    Raises UsageError when one is not installed.
    """
    return {face.name: hashlib.sha256(find(face).read_bytes()).hexdigest() for face in Face}
