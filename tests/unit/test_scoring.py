from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from gatepost.decoding import build_decoder
from gatepost.decoding.scoring import Score, score
from gatepost.demo.clips import Take, plan_clip, render_clip
from gatepost.demo.visitors import make_visitors
from gatepost.drivers.pictures import load_luma
from gatepost.model import Frame, Symbol
from unit.pictures import Luma, photos
from unit.qr_scenes import Scene, View


def scored(scene: Scene, luma: Luma | None = None) -> Score:
    (tl, tr, br, bl) = scene.corners()
    read = Symbol(b"", "", "qr", (tl, tr, br, bl), "first")  # type: ignore[arg-type]
    return score(Frame(scene.plane if luma is None else luma, 0.0), [read])


@pytest.mark.parametrize("version", [3, 7, 15])
@pytest.mark.parametrize("module_px", [2.5, 4.0, 6.0])
@pytest.mark.parametrize("blur", [0.05, 0.2, 0.5])
def test_the_size_of_a_module_is_found_however_sharp(
    version: int, module_px: float, blur: float
) -> None:
    found = scored(Scene(View(version=version, module_px=module_px, blur=blur, tilt=0.05)))
    assert found.module_px == pytest.approx(module_px, rel=0.03)


@pytest.mark.parametrize("module_px", [3.0, 4.0, 6.0])
def test_focus_falls_as_blur_grows_and_is_60_where_reading_begins_to_fail(module_px: float) -> None:
    blurs = (0.05, 0.2, 0.3, 0.35, 0.45, 0.55)
    focus = [scored(Scene(View(version=5, module_px=module_px, blur=each))).focus for each in blurs]
    assert focus == sorted(focus, reverse=True)
    assert focus[0] >= 95
    assert focus[2] > 60 > focus[4]


@pytest.mark.parametrize("turn_deg", [0, 30, 45, 120, 270])
def test_focus_is_the_same_however_a_code_is_turned(turn_deg: float) -> None:
    assert scored(Scene(View(turn_deg=turn_deg, tilt=0.0))).focus == pytest.approx(88, abs=6)


@pytest.mark.parametrize(
    ("gain", "light"), [(1.0, "ok"), (0.6, "ok"), (0.25, "dark"), (0.05, "dark"), (2.5, "bright")]
)
def test_light_is_judged_at_the_code(gain: float, light: str) -> None:
    scene = Scene(View(module_px=6.0))
    lit = cv2.convertScaleAbs(scene.plane, alpha=gain)
    assert scored(scene, np.asarray(lit, np.uint8)).light == light


def test_a_reflection_over_the_code_is_glare() -> None:
    assert scored(Scene(View(module_px=6.0, glare=250.0))).light == "glare"
    assert scored(Scene(View(module_px=6.0, glare=0.0))).light == "ok"


@pytest.mark.parametrize(
    ("module_px", "distance"), [(2.4, "far"), (4.0, "ok"), (9.0, "ok"), (22.0, "near")]
)
def test_distance_is_judged_by_the_size_of_a_module_and_of_the_code(
    module_px: float, distance: str
) -> None:
    scene = Scene(View(version=3, module_px=module_px, tilt=0.0, turn_deg=0))
    height, width = scene.plane.shape
    frame = np.full((720, 1280), 150, np.uint8)
    top, left = max(0, 360 - height // 2), 640 - width // 2
    seen = scene.plane[max(0, height // 2 - 360) :][: 720 - top]
    frame[top : top + len(seen), left : left + width] = seen
    off = np.array([left, 360 - height // 2])
    (tl, tr, br, bl) = ((int(x + off[0]), int(y + off[1])) for x, y in scene.corners())
    read = Symbol(b"", "", "qr", (tl, tr, br, bl), "first")
    assert score(Frame(frame, 0.0), [read]).distance == distance


def test_an_empty_picture_and_none_at_all_have_no_code() -> None:
    empty = score(Frame(np.full((720, 1280), 120, np.uint8), 0.0), [])
    assert (empty.focus, empty.distance, empty.module_px) == (0, "none", 0.0)
    assert score(Frame(np.zeros((0, 0), np.uint8), 0.0), []) == Score(0, "dark", "none", 0.0)
    night = score(Frame(np.full((720, 1280), 3, np.uint8), 0.0), [])
    assert night.light == "dark"


def test_a_code_that_nobody_could_read_is_never_in_focus() -> None:
    assert score(Frame(Scene(View(blur=0.9)).plane, 0.0), []).focus <= 50
    assert score(Frame(Scene(View(blur=0.05)).plane, 0.0), []).focus <= 50


def test_a_visitor_of_the_demo_is_sharp_lit_and_near_enough() -> None:
    visitors, take = make_visitors(1, 3), Take(fps=10, difficulty="easy")
    truth = plan_clip(visitors, 3, take).visitors[0]
    held = (truth.first_frame + truth.last_frame) // 2
    frame = Frame(next(islice(render_clip(visitors, 3, take), held, None)), 0.0)
    with build_decoder() as decoder:
        found = score(frame, decoder.decode(frame))
    assert found.focus > 60
    assert (found.light, found.distance) == ("ok", "ok")
    assert 4 < found.module_px < 9


def test_photos_of_blurred_codes_have_less_focus_than_those_of_clear_ones() -> None:
    folder = photos() / "boofcv"
    with build_decoder() as decoder:

        def middle(kind: str) -> float:
            frames = [Frame(load_luma(path), 0.0) for path in sorted((folder / kind).iterdir())[:8]]
            return float(np.median([score(each, decoder.decode(each)).focus for each in frames]))

        assert middle("nominal") > middle("blurred")
