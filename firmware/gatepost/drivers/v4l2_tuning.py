"""A webcam set for codes: its exposure, gain, focus and the flicker of the lamps."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatepost.drivers.exposure import GLARE_SHARE, Range, Setting, next_setting, without_bands
from gatepost.drivers.v4l2_controls import Control, Controls, DeviceControls

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
_EVERY = 6  # frames between two steps: a webcam answers a setting three to five frames later
_UNIT_US = 100  # of EXPOSURE_ABSOLUTE
_MANUAL = 1
_AUTOMATIC = (3, 0)  # aperture priority, as webcams call it; fully automatic, as others do
_MAINS = {0: 0, 50: 1, 60: 2}
_SPARSE = 16  # every which row and column is enough for a mean
_NO_GAIN = Range(0, 0)
_ROUNDED = (0.5, 1.1)  # of an exposure that was asked for: webcams have few, and take the nearest


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a webcam should be set; what it cannot do is left out.

    Attributes:
        exposure: "capped": by us, up to the longest, then by gain; "auto": by the webcam, up to
            the time of a frame; "fixed": the longest, always.
        exposure_max_us: the longest exposure, microseconds.
        gain_max: the most gain in the webcam's own steps; None: all it has.
        focus: fixed focus in the webcam's own steps; None: its autofocus.
        mains_hz: frequency of the mains; 0: no matter.
    """

    exposure: str = "capped"
    exposure_max_us: int = 10_000
    gain_max: int | None = None
    focus: int | None = None
    mains_hz: int = 50


class Tuner:
    """Sets one webcam and keeps its exposure. For the thread that takes its pictures.

    Attributes:
        glare: something is hidden by a reflection: aim at a darker picture. May be set by
            another thread.
    """

    def __init__(
        self,
        device: str,
        wishes: Wishes,
        open_controls: Callable[[str], Controls] = DeviceControls,
    ) -> None:
        self.glare = False
        self._device = device
        self._wishes = wishes
        self._open_controls = open_controls
        self._controls: Controls | None = None
        self._told: set[str] = set()
        self._setting: Setting | None = None  # None: the exposure is not ours
        self._exposures = self._gains = _NO_GAIN
        self._frames = 0

    def follow(self, picture: Any) -> None:
        """Take one picture as OpenCV has it; the first finds the controls and sets them.

        Not before: some webcams forget what they were set to when the pictures begin.
        """
        if self._controls is None:
            self._begin()
            return
        self._frames += 1
        if self._setting is None or self._frames % _EVERY:
            return
        aim = GLARE_SHARE if self.glare else 1.0
        wanted = next_setting(
            _brightness(picture), self._setting, self._exposures, self._gains, aim
        )
        self._change(wanted)

    def close(self) -> None:
        """Give the device back; the next picture opens it again."""
        controls, self._controls, self._setting = self._controls, None, None
        if controls is not None:
            controls.close()

    def _begin(self) -> None:
        try:
            self._controls = self._open_controls(self._device)
        except OSError as error:
            self._tell("controls", str(error))
            self._controls = _NoControls()
            return
        wishes = self._wishes
        self._put(Control.POWER_LINE_FREQUENCY, _MAINS[wishes.mains_hz])
        if wishes.focus is not None:
            self._put(Control.FOCUS_AUTO, 0)
            self._put(Control.FOCUS_ABSOLUTE, wishes.focus)
        # First of all to the automatic, which a former run may have ended; and some webcams
        # become manual only from there (OpenCV #9738).
        self._leave_exposure()
        # In the dark webcams would rather give few frames than dark ones.
        self._put(Control.EXPOSURE_AUTO_PRIORITY, 0)
        if wishes.exposure != "auto" and not self._take_exposure():
            self._leave_exposure()

    def _take_exposure(self) -> bool:
        """Take the exposure over, at its longest; False where the webcam does not let go of it."""
        exposures = self._range(Control.EXPOSURE_ABSOLUTE)
        if exposures is None or not self._put(Control.EXPOSURE_AUTO, _MANUAL):
            return False
        wishes = self._wishes
        longest = without_bands(wishes.exposure_max_us, wishes.mains_hz) // _UNIT_US
        most = max(exposures.least, min(exposures.most, longest))
        if not self._put(Control.EXPOSURE_ABSOLUTE, most, _ROUNDED):
            return False
        gains = self._range(Control.GAIN) or _NO_GAIN
        most_gain = gains.most if wishes.gain_max is None else min(gains.most, wishes.gain_max)
        self._gains = Range(gains.least, max(gains.least, most_gain), gains.step)
        self._exposures = Range(max(1, exposures.least), most, exposures.step)
        if wishes.exposure == "capped":
            start = self._gains.nearest(gains.default)
            self._setting = Setting(most, start)
            if gains is not _NO_GAIN:
                self._put(Control.GAIN, start)
        return True

    def _leave_exposure(self) -> None:
        """Leave it to the webcam's automatic."""
        if self._range(Control.EXPOSURE_AUTO) is not None:
            for mode in _AUTOMATIC:
                if self._try(Control.EXPOSURE_AUTO, mode) is None:
                    return
            self._tell(Control.EXPOSURE_AUTO.name, "has no automatic")

    def _change(self, wanted: Setting) -> None:
        now = self._setting
        if now is None or wanted == now:
            return
        failed = None
        if wanted.exposure != now.exposure:
            failed = self._write(Control.EXPOSURE_ABSOLUTE, wanted.exposure)
        if wanted.gain != now.gain:
            failed = failed or self._write(Control.GAIN, wanted.gain)
        if failed:
            self._tell("exposure", f"{failed}; left to the webcam")
            self._setting = None
            self._leave_exposure()
        else:
            self._setting = wanted

    def _range(self, control: Control) -> Range | None:
        return None if self._controls is None else self._controls.range_of(control)

    def _put(self, control: Control, value: int, within: tuple[float, float] = (1, 1)) -> bool:
        """Set `control` and look whether it took; what it has not or does not take is told.

        `within` is which shares of `value` it may have become instead.
        """
        reach = self._range(control)
        why = "is not there" if reach is None else self._try(control, reach.nearest(value), within)
        if why:
            self._tell(control.name, why)
        return not why

    def _try(
        self, control: Control, value: int, within: tuple[float, float] = (1, 1)
    ) -> str | None:
        """Set `control` and read it back; why it did not take, or None."""
        if failed := self._write(control, value):
            return failed
        try:
            now = self._controls.get(control) if self._controls else value
        except OSError as error:
            return str(error)
        least, most = within
        taken = value * least <= now <= value * most
        return None if taken else f"stays {now}, was set to {value}"

    def _write(self, control: Control, value: int) -> str | None:
        try:
            if self._controls is not None:
                self._controls.set(control, value)
        except OSError as error:
            return f"{value}: {error}"
        return None

    def _tell(self, what: str, why: str) -> None:
        """Log it once, however often the webcam is opened again."""
        if what not in self._told:
            self._told.add(what)
            fields = {"device": self._device, "control": what.lower(), "why": why}
            _log.info("webcam control left out", extra={"fields": fields})


class _NoControls:
    """The Controls of a device that has none."""

    def range_of(self, _control: Control) -> Range | None:
        return None

    def get(self, _control: Control) -> int:
        return 0

    def set(self, _control: Control, _value: int) -> None:
        return

    def close(self) -> None:
        return


def _brightness(picture: Any) -> float:
    """The mean brightness, 0 to 255, of the middle of a picture as OpenCV has it."""
    height, width = picture.shape[:2]
    middle = picture[height // 6 : height - height // 6, width // 6 : width - width // 6]
    sparse = middle[::_SPARSE, ::_SPARSE]
    green = sparse[..., 1] if sparse.ndim == 3 and sparse.shape[2] > 1 else sparse
    return float(np.mean(green)) if green.size else 0.0
