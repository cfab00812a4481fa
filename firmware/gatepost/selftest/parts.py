"""What a station is made of, closed, for who tests it part by part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gatepost.ports import Closing, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image

    from gatepost.ports import Decoder, FrameSource, Switch, TextSource


class Technician(Protocol):
    """Whoever stands before the station with a terminal."""

    def tell(self, text: str) -> None:
        """Say something that wants no answer."""

    def sees(self, question: str) -> bool | None:
        """A question for yes or no; None: the part is skipped. "again" is `Again`."""


class Again(Exception):
    """Raised by `Technician.sees`."""


class PressedButton(Closing, Protocol):
    """A push button."""

    def pressed(self) -> bool:
        """Whether it is held down now. Raises DeviceError."""

    def change(self, wait_s: float) -> bool | None:
        """Whether it is held now, when that changed within `wait_s` s. Raises DeviceError."""


class Screen(Signal, Protocol):
    """The OLED: shows cues, and pictures of mode "1" and 128x64."""

    def draw(self, picture: Image.Image) -> None:
        """Draw it. Raises DeviceError, DeviceAbsent."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera with what reads its frames."""

    source: FrameSource
    decoder: Decoder


@dataclass(frozen=True, slots=True)
class Parts:
    """All of it; what is not fitted is None or not in its mapping. Each is opened by `with`.

    Attributes:
        cameras, guns: by the reader's name.
    """

    lamp: Signal | None = None
    buzzer: Signal | None = None
    relay: Signal | None = None
    oled: Screen | None = None
    light: Switch | None = None
    button: PressedButton | None = None
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    guns: Mapping[str, TextSource] = field(default_factory=dict)
