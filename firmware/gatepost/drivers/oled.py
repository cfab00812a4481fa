"""The OLED: an SSD1306 of 128x64 pixels on I2C, through luma.oled.

The board sets the bus to 400 kHz (dtparam=i2c_arm_baudrate=400000): a picture then takes 25 ms,
100 ms at the default rate. It is drawn on a thread of its own, never before the light. Nothing is
ever read from the display: a device that answers garbage does no harm, one that does not
acknowledge (errno 5, 121) or holds the bus down (110, a second each time) has gone, and is looked
for again. It is as bright by night as by day: at rest it is dim in any case, and words must be
read at any hour.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from luma.core.error import DeviceNotFoundError
from luma.core.error import Error as LumaError
from luma.core.interface.serial import i2c
from luma.oled.device import ssd1306

from gatepost.errors import DeviceAbsent, DeviceError, UsageError
from gatepost.model import CueKind
from gatepost.screen import HEIGHT, WIDTH, render

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from PIL import Image

    from gatepost.config.schema import OledConfig
    from gatepost.model import Cue
    from gatepost.ports import Clock

REOPEN_S = 5.0
_NOP = 0xE3
_WHOLE = (0x21, 0, WIDTH - 1, 0x22, 0, HEIGHT // 8 - 1)  # columns and pages to be written
# What a display forgets when a loose wire took its power for a moment: charge pump, order of
# the bytes, both mirrorings. It acknowledges everything all the same, and stays dark.
_SETTINGS = (0x8D, 0x14, 0x20, 0x00, 0xA1, 0xC8)
_CONTRAST, _ON = 0x81, 0xAF
_BRIGHT, _DIM = 0xCF, 0x30  # at rest it is dim: the same picture day and night burns in


class Bus(Protocol):
    """What luma calls a serial interface."""

    def command(self, *cmd: int) -> None: ...
    def data(self, data: list[int]) -> None: ...
    def cleanup(self) -> None: ...


class _Display(ssd1306):  # type: ignore[misc] # luma has no types
    """luma's SSD1306; its `display` looks at each pixel in Python, holding the light's CPU."""

    def display(self, image: Image.Image) -> None:
        self.command(*_WHOLE)
        self.data(list(in_pages(self.preprocess(image))))


def in_pages(picture: Image.Image) -> bytes:
    """The display's order: pages of 8 rows, a byte a column, the topmost row its lowest bit."""
    pages = np.asarray(picture, dtype=bool).reshape(HEIGHT // 8, 8, WIDTH)
    return np.packbits(pages, axis=1, bitorder="little").tobytes()


class Oled:
    """Shows each cue's screen; dark when closed. Opened by the first `show`, as it may be absent.

    Args:
        config: bus, address and rotation.
        language: the first one, "vi" or "en".
        clock: for the time between two tries.
        open_bus: gives luma's serial interface; None: the I2C bus of `config`.
    """

    def __init__(
        self,
        config: OledConfig,
        language: str,
        clock: Clock,
        open_bus: Callable[[], Bus] | None = None,
    ) -> None:
        self._config = config
        self._language = language
        self._clock = clock
        self._open_bus = open_bus or self._i2c
        self._bus: Bus | None = None
        self._display: Any = None
        self._drawn: Image.Image | None = None
        self._absent = ""
        self._tried = -REOPEN_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._display is not None:
            with suppress(LumaError, OSError):  # it may have gone: then it is dark as well
                self._display.hide()
                self._display.clear()
        self._drop()

    def show(self, cue: Cue) -> None:
        """Draw `cue` where the picture changed, else only see whether the display is there.

        Raises DeviceAbsent while it is not there (it is looked for again after 5 s), DeviceError
        for what a technician has to put right: permissions, address, rotation, fonts.
        """
        try:
            picture = render(cue, self._language)
        except UsageError as error:
            raise DeviceError(f"oled: {error}") from error
        self.draw(picture, dim=cue.kind is CueKind.READY)

    def draw(self, picture: Image.Image, *, dim: bool = False) -> None:
        """Draw `picture` (mode "1", 128x64); it is sent only where it is not there already.

        Raises as `show` does, and DeviceError for a picture of another size.
        """
        if picture.size != (WIDTH, HEIGHT):
            raise DeviceError(f"oled: a picture of {picture.size}, not {WIDTH}x{HEIGHT}")
        try:
            self._open()
            self._draw(picture, _DIM if dim else _BRIGHT)
        except DeviceError:
            raise
        except (LumaError, OSError) as error:
            raise self._failed(error) from error

    def _open(self) -> None:
        """Find the display and set it up. Raises what luma raises, or DeviceError."""
        if self._display is not None:
            return
        now = self._clock.boottime()
        if self._absent and now - self._tried < REOPEN_S:
            raise DeviceAbsent(self._absent)
        self._tried = now
        if self._config.rotate % 2:
            raise DeviceError("oled: rotate must be 0 or 2")
        self._bus = self._open_bus()
        # Asked first: each of luma's displays stays in memory until the program ends.
        self._bus.command(_NOP)
        self._display = _Display(self._bus, rotate=self._config.rotate)
        self._absent = ""

    def _draw(self, picture: Image.Image, contrast: int) -> None:
        self._display.command(*_SETTINGS, _CONTRAST, contrast)
        if self._drawn != picture:
            self._drawn = None
            self._display.display(picture)
            self._drawn = picture
        self._display.command(_ON)

    def _failed(self, error: LumaError | OSError) -> DeviceError:
        """`error` as one of ours; the display is looked for from the beginning next time."""
        self._drop()
        if not isinstance(error, (DeviceNotFoundError, OSError)):
            return DeviceError(f"oled: {error}")
        self._absent = f"oled: not there: {error}"
        return DeviceAbsent(self._absent)

    def _drop(self) -> None:
        """Close the bus and forget the display."""
        if self._display is not None:
            # luma keeps every display until the program ends, to darken it: leave it nothing.
            vars(self._display).clear()
        if self._bus is not None:
            with suppress(LumaError, OSError):
                self._bus.cleanup()
        self._display = self._bus = self._drawn = None

    def _i2c(self) -> Bus:
        bus: Bus = i2c(port=self._config.bus, address=self._config.address)
        return bus
