"""The picture at the top of the README: what the camera sees, and what the visitor is told.

python -m gatepost.demo.picture OUT.png
"""

from __future__ import annotations

import sys
from itertools import islice

from PIL import Image, ImageDraw, ImageOps

from gatepost.codes import recognise
from gatepost.demo.clips import plan_clip, render_clip
from gatepost.demo.visitors import make_visitors
from gatepost.drivers.patterns import LIGHTS
from gatepost.model import Cue, CueKind, Direction
from gatepost.screen import HEIGHT, WIDTH, render

_CAMERA = (640, 360)
_MARGIN = 16
_PAPER, _CASE = (255, 255, 255), (52, 55, 60)
_SEED = 1


def picture() -> Image.Image:
    """A visitor before the camera beside the station's lamp and screen."""
    visitor = make_visitors(1, _SEED)[0]
    truth = plan_clip([visitor], _SEED).visitors[0]
    held = (truth.first_frame + truth.last_frame) // 2
    frame = next(islice(render_clip([visitor], _SEED), held, None))
    camera = Image.fromarray(frame).resize(_CAMERA, Image.Resampling.LANCZOS)
    told = Cue(CueKind.ACCEPTED, Direction.IN, initials=recognise(visitor.text).initials)
    station = _station(told)
    width = 3 * _MARGIN + _CAMERA[0] + station.width
    sheet = Image.new("RGB", (width, _CAMERA[1] + 2 * _MARGIN), _PAPER)
    sheet.paste(camera, (_MARGIN, _MARGIN))
    sheet.paste(station, (2 * _MARGIN + _CAMERA[0], _MARGIN))
    return sheet


def _station(cue: Cue) -> Image.Image:
    """The front of a station: the lamp above the OLED."""
    screen = ImageOps.scale(render(cue, "vi"), 2, Image.Resampling.NEAREST)
    case = Image.new("RGB", (WIDTH * 2 + 4 * _MARGIN, _CAMERA[1]), _CASE)
    draw = ImageDraw.Draw(case)
    colour = LIGHTS[cue.kind].steps[0][0]
    middle, radius = case.width // 2, 44
    top = 40
    draw.ellipse(
        (middle - radius, top, middle + radius, top + 2 * radius),
        fill=tuple(round(60 + 180 * part) for part in colour),
        outline=_PAPER,
        width=3,
    )
    place = (2 * _MARGIN, top + 2 * radius + 60)
    edge = (place[0] - 4, place[1] - 4, place[0] + WIDTH * 2 + 3, place[1] + HEIGHT * 2 + 3)
    draw.rectangle(edge, outline=(120, 124, 130), width=3)
    case.paste(screen, place)
    return case


if __name__ == "__main__":
    picture().save(sys.argv[1], optimize=True)
