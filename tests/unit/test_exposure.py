from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from gatepost.drivers.exposure import (
    ExposureGuard,
    GlareWatch,
    Hold,
    Limits,
    Range,
    Setting,
    next_controls,
    next_setting,
    without_bands,
)

LIMITS = Limits(longest_us=10_000, most_gain=8.0)
EXPOSURES = Range(1, 100)
GAINS = Range(0, 255)


class LibcameraSensor:
    """A sensor with automatic exposure that splits what it wants as libcamera's AGC does.

    Controls take effect four frames later; zero gives one back to the automatic.
    """

    def __init__(self) -> None:
        self.shutter = 0.0
        self.gain = 0.0
        self._coming: deque[dict[str, Any]] = deque([{}] * 4)

    def frame(self, needed_us: float, controls: dict[str, Any] | None) -> dict[str, Any]:
        """The metadata of a frame of a scene that needs `needed_us` at a gain of 1."""
        self._coming.append(controls or {})
        applied = self._coming.popleft()
        self.shutter = applied.get("ExposureTime", self.shutter)
        self.gain = applied.get("AnalogueGain", self.gain)
        exposure = self.shutter or min(needed_us, 33_000)
        gain = self.gain or min(16.0, max(1.0, needed_us / exposure))
        return {"ExposureTime": exposure, "AnalogueGain": gain, "Lux": 4e6 / needed_us}


def settled(sensor: LibcameraSensor, guard: ExposureGuard, needed_us: float) -> dict[str, Any]:
    """What the sensor does after 100 frames of the same scene; what came of it must stay."""
    metadata: dict[str, Any] = {}
    controls = None
    changes = []
    for number in range(100):
        metadata = sensor.frame(needed_us, controls)
        controls = guard.controls(metadata)
        if controls:
            changes.append(number)
    assert all(number < 60 for number in changes), changes
    return metadata


@pytest.mark.parametrize(
    ("needed_us", "exposure", "gain"),
    [
        (2_000, 2_000, 1.0),
        (10_000, 10_000, 1.0),
        (30_000, 10_000, 3.0),
        (80_000, 10_000, 8.0),
        (300_000, 10_000, 8.0),  # 16 without a limit to the gain
    ],
)
def test_a_long_exposure_becomes_a_short_one_with_more_gain(
    needed_us: float, exposure: float, gain: float
) -> None:
    metadata = settled(LibcameraSensor(), ExposureGuard(LIMITS), needed_us)
    assert metadata["ExposureTime"] == exposure
    assert metadata["AnalogueGain"] == pytest.approx(gain)


@pytest.mark.parametrize("needed_us", [9_000, 10_400, 10_600, 10_990, 11_010, 12_000])
def test_near_the_limit_it_does_not_swing(needed_us: float) -> None:
    settled(LibcameraSensor(), ExposureGuard(LIMITS), needed_us)


def test_it_goes_into_the_dark_and_comes_back() -> None:
    sensor, guard = LibcameraSensor(), ExposureGuard(LIMITS)
    assert settled(sensor, guard, 1_000)["ExposureTime"] == 1_000
    assert settled(sensor, guard, 400_000)["AnalogueGain"] == 8.0
    assert settled(sensor, guard, 50_000)["AnalogueGain"] == pytest.approx(5.0)
    assert settled(sensor, guard, 1_000) == {
        "ExposureTime": 1_000,
        "AnalogueGain": 1.0,
        "Lux": 4_000.0,
    }


def test_without_a_measure_of_the_light_the_gain_stays_the_cameras_own() -> None:
    dark = {"ExposureTime": 10_000, "AnalogueGain": 16.0}
    assert next_controls(dark, LIMITS, Hold(shutter=True)) is None
    assert next_controls({**dark, "Lux": 9.0}, LIMITS, Hold(shutter=True)) == (
        {"AnalogueGain": 8.0},
        Hold(shutter=True, lux=9.0),
    )


def test_metadata_that_tell_nothing_change_nothing() -> None:
    for hold in (Hold(), Hold(shutter=True), Hold(shutter=True, lux=5.0)):
        assert next_controls({}, LIMITS, hold) is None


@pytest.mark.parametrize(
    ("longest_us", "mains_hz", "taken"),
    [
        (10_000, 50, 10_000),
        (10_000, 60, 8_333),
        (25_000, 50, 20_000),
        (8_000, 50, 8_000),  # shorter than a flicker: bands then, but no blur
        (9_999, 0, 9_999),
    ],
)
def test_the_limit_is_a_whole_number_of_flickers(
    longest_us: int, mains_hz: int, taken: int
) -> None:
    assert without_bands(longest_us, mains_hz) == taken


def moments(watch: GlareWatch, glare: str) -> list[bool]:
    """What is active after each tenth of a second, of which # is one with glare."""
    states = []
    for number, sign in enumerate(glare):
        watch.changed(glare=sign == "#", at=number / 10)
        states.append(watch.active)
    return states


def test_glare_that_lasts_is_acted_on_and_later_forgotten() -> None:
    states = moments(GlareWatch(), "#" * 10 + "." * 40)
    assert states.index(True) == 5
    assert states[5:39] == [True] * 34
    assert states[39:] == [False] * 11


def test_glare_now_and_then_is_not() -> None:
    assert not any(moments(GlareWatch(), "#......" * 10))


def test_glare_that_misses_a_frame_is_still_the_same() -> None:
    assert moments(GlareWatch(), "#.#.#.#.#")[-1]


def test_changed_tells_only_the_change() -> None:
    watch = GlareWatch()
    told = [watch.changed(glare=True, at=number / 10) for number in range(20)]
    assert [number for number, changed in enumerate(told) if changed] == [5]


def test_brighter_is_longer_first_and_then_by_gain() -> None:
    assert next_setting(20, Setting(30, 0), EXPOSURES, GAINS) == (60, 0)
    assert next_setting(20, Setting(60, 0), EXPOSURES, GAINS) == (100, 0)
    assert next_setting(20, Setting(100, 0), EXPOSURES, GAINS) == (100, 31)
    assert next_setting(20, Setting(100, 250), EXPOSURES, GAINS) == (100, 255)
    assert next_setting(20, Setting(100, 255), EXPOSURES, GAINS) == (100, 255)


def test_darker_is_less_gain_first_and_then_shorter() -> None:
    assert next_setting(240, Setting(100, 40), EXPOSURES, GAINS) == (100, 9)
    assert next_setting(240, Setting(100, 9), EXPOSURES, GAINS) == (100, 0)
    assert next_setting(240, Setting(100, 0), EXPOSURES, GAINS) == (50, 0)
    assert next_setting(240, Setting(1, 0), EXPOSURES, GAINS) == (1, 0)


@pytest.mark.parametrize("brightness", [85, 110, 135])
def test_what_is_bright_enough_stays(brightness: float) -> None:
    assert next_setting(brightness, Setting(37, 12), EXPOSURES, GAINS) == (37, 12)


def test_at_glare_it_aims_lower() -> None:
    assert next_setting(110, Setting(50, 0), EXPOSURES, GAINS, aim=0.7).exposure < 50


def test_a_coarse_control_moves_by_a_step_at_least() -> None:
    coarse = Range(1, 4)
    assert next_setting(140, Setting(2, 0), coarse, Range(0, 0)) == (1, 0)
    assert next_setting(80, Setting(2, 0), coarse, Range(0, 0)) == (4, 0)
    assert Range(3, 2047, 4).nearest(100) == 99
    assert Range(3, 2047, 4).nearest(9999) == 2047


@pytest.mark.parametrize("light", [0.02, 0.2, 1.0, 5.0, 50.0, 2000.0])
@pytest.mark.parametrize("decibels", [12, 24, 40])
def test_a_webcam_comes_to_rest_in_any_light(light: float, decibels: float) -> None:
    now, settings = Setting(100, 0), []
    for _ in range(60):
        amplified = 10 ** (decibels * now.gain / 255 / 20)
        linear = min(1.0, light * now.exposure * amplified / 1000)
        now = next_setting(255 * linear ** (1 / 2.2), now, EXPOSURES, GAINS)
        settings.append(now)
    assert len(set(settings[-20:])) == 1
