"""The exposure that suits a code: short enough not to blur or glare. No camera is touched here.

A camera's own automatic does not know that a code moves, nor that a blown-out screen cannot be
read: what it would expose for longer than allowed is exposed shorter and amplified more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_OVER = 1.1  # times the limit before it is enforced, so that rounding by the sensor is no reason
_AT_LEAST = 1.05  # times the least gain: the light is enough for an exposure within the limit
_LIGHTER = 1.5  # times the light at which the gain was held: enough to let go of it
_SETTLE = 10  # frames until a change shows in the picture, and automatic exposure has answered it
GLARE_EV = -1.0  # stops; half the light: what lies under a reflection comes out
_GLARE_S = 0.5  # of glare, until something is done about it
_CALM_S = 3.0  # without glare, until that is undone: as long as a visitor stands there
_TARGET = 110.0  # mean brightness: white paper is then below the top of the scale
_BAND = 0.25  # share of the target within which nothing is changed
_GAMMA = 2.0  # about: light grows by this power of the picture's brightness
_MOST_STEP = 2.0  # times, at once: webcams answer some frames later
_GAIN_STEPS = 8  # of the range of a webcam's gain, whose unit nobody knows
GLARE_SHARE = 2 ** (GLARE_EV / _GAMMA)  # of the brightness that is aimed at


def without_bands(longest_us: int, mains_hz: int) -> int:
    """The longest exposure up to `longest_us` that shows no bands of lamps at the mains.

    Lamps flicker at twice the frequency of the mains: a whole number of flickers, where one fits.
    """
    if not mains_hz:
        return longest_us
    flicker_us = 500_000 / mains_hz
    return round(longest_us // flicker_us * flicker_us) or longest_us


class Limits(NamedTuple):
    """What a camera may be set to: exposure in microseconds, analogue gain as a factor."""

    longest_us: int
    most_gain: float
    least_gain: float = 1.0


class Hold(NamedTuple):
    """What is held of a camera's exposure at its limit; the rest is left to its automatic.

    Attributes:
        shutter: the exposure time is.
        lux: the gain is, since the light was this; None: it is not.
    """

    shutter: bool = False
    lux: float | None = None


def next_controls(
    metadata: Mapping[str, Any], limits: Limits, hold: Hold
) -> tuple[dict[str, Any], Hold] | None:
    """What to set of a libcamera camera after a frame with `metadata`; None: nothing.

    Holding the exposure time alone leaves the gain to the camera, which raises it to make up;
    when it is back at its least, the light suffices, and the camera may have both again. The gain
    is held only where the camera also measures the light (Lux): without it there is no way back.
    """
    if not hold.shutter:
        too_long = metadata.get("ExposureTime", 0) > limits.longest_us * _OVER
        return ({"ExposureTime": limits.longest_us}, Hold(shutter=True)) if too_long else None
    lux = metadata.get("Lux")
    if hold.lux is not None:
        lighter = lux is not None and lux >= hold.lux * _LIGHTER
        # 0: back to the automatic, in picamera2's words.
        return ({"AnalogueGain": 0.0}, Hold(shutter=True)) if lighter else None
    gain = metadata.get("AnalogueGain", limits.most_gain)
    if gain <= limits.least_gain * _AT_LEAST:
        return {"ExposureTime": 0}, Hold()
    if gain > limits.most_gain * _OVER and lux is not None:
        return {"AnalogueGain": limits.most_gain}, Hold(shutter=True, lux=lux)
    return None


class ExposureGuard:
    """Keeps a libcamera camera within its limits, frame by frame."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._hold = Hold()
        self._waiting = 0

    def controls(self, metadata: Mapping[str, Any]) -> dict[str, Any] | None:
        """What to set after a frame with `metadata`; None: nothing."""
        if self._waiting:
            self._waiting -= 1
            return None
        change = next_controls(metadata, self._limits, self._hold)
        if change is None:
            return None
        self._waiting = _SETTLE
        controls, self._hold = change
        return controls


class GlareWatch:
    """Whether to expose for what lies under a reflection: after 0.5 s of it, for 3 s beyond it."""

    def __init__(self) -> None:
        self.active = False
        self._since: float | None = None
        self._last = float("-inf")

    def changed(self, *, glare: bool, at: float) -> bool:
        """Take one frame of time `at`, seconds; True when `active` is another than before."""
        if at - self._last > _GLARE_S:  # what came before was another one's
            self._since = None
        if glare:
            self._last = at
            self._since = at if self._since is None else self._since
        before = self.active
        if glare and self._since is not None and at - self._since >= _GLARE_S:
            self.active = True
        elif at - self._last >= _CALM_S:
            self.active = False
        return self.active is not before


@dataclass(frozen=True, slots=True)
class Range:
    """What a control may be set to, in the camera's own steps."""

    least: int
    most: int
    step: int = 1
    default: int = 0

    def nearest(self, value: float) -> int:
        """The value nearest to `value` that the control takes."""
        steps = round((value - self.least) / max(1, self.step))
        return max(self.least, min(self.most, self.least + steps * max(1, self.step)))


class Setting(NamedTuple):
    """A webcam's exposure and gain, in its own steps."""

    exposure: int
    gain: int


def next_setting(
    brightness: float, now: Setting, exposures: Range, gains: Range, aim: float = 1.0
) -> Setting:
    """Where to set a webcam whose picture has the mean `brightness`, 0 to 255; `now`: nowhere else.

    Brighter by exposure first, as it adds no noise, and then by gain; darker the other way round.
    `aim` is the share of the usual brightness to aim at.
    """
    target = _TARGET * aim
    if abs(brightness - target) <= target * _BAND:
        return now
    factor = (target / max(brightness, 1.0)) ** _GAMMA
    factor = max(1 / _MOST_STEP, min(_MOST_STEP, factor))
    exposure = exposures.nearest(now.exposure * factor)
    gain_step = max(gains.step, (gains.most - gains.least) // _GAIN_STEPS)
    if factor > 1:
        if now.exposure >= exposures.most:
            return Setting(now.exposure, min(gains.most, now.gain + gain_step))
        return Setting(max(exposure, exposures.nearest(now.exposure + exposures.step)), now.gain)
    if now.gain > gains.least:
        return Setting(now.exposure, max(gains.least, now.gain - gain_step))
    return Setting(min(exposure, exposures.nearest(now.exposure - exposures.step)), now.gain)
