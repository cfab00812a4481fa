"""The board's GPIO chip, found by its label, and gpiozero's pins on it.

gpiozero takes a chip by its number, which differs between models and kernels, and asks the
machine which Pi it is, which fails everywhere else. Here both are given: so the same driver runs
on a Zero 2 W, a 3, a 4, a 5 (whose header is on the RP1) and on simulated lines with such a label.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpiozero.exc import GPIOZeroError

from gatepost.drivers.lines import KNOWN, Chip, Lines
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.runtime import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY = KNOWN["pinctrl-bcm2711"]
_BUSY = "GPIO busy"  # lgpio's words for EBUSY
_OTHERS = "GPIOZERO_PIN_FACTORY"  # by which gpiozero is told to use other pins, as a test's
_IMPORTING = threading.Lock()


class LineHeld(GPIOZeroError):  # type: ignore[misc] # gpiozero has no types
    """Another program holds a line."""


class Pins:
    """The pins of a process: one factory of gpiozero, made when the first output asks for it.

    lgpio is loaded here and now, while the process has one thread: see `library`. None of it
    happens where the variable GPIOZERO_PIN_FACTORY names other pins.

    Args:
        label: of the board's chip; "": whichever known one is there.
        revision: code of the board; 0: that of a board with such a chip.
        lines: the machine's chips.
    """

    def __init__(self, label: str = "", revision: int = 0, lines: Lines | None = None) -> None:
        self._labels = (label,) if label else tuple(KNOWN)
        self._revision = revision
        self._lines = lines or Lines()
        self._lock = threading.Lock()
        self._factory: Any = None
        if not os.environ.get(_OTHERS):
            with suppress(DeviceAbsent):  # told by the first output that asks
                library()

    def __call__(self) -> Any:
        """The factory; None: gpiozero's own choice.

        Raises DeviceAbsent without such a chip or without lgpio, DeviceError otherwise.
        """
        if os.environ.get(_OTHERS):
            return None
        with self._lock:
            if self._factory is None:
                self._factory = self._made()
            return self._factory

    def _made(self) -> Any:
        chip = self._lines.find(*self._labels)
        revision = self._revision or KNOWN.get(chip.label, _ANY)
        return pin_factory(chip, revision, self._lines)


def pin_factory(chip: Chip, revision: int, lines: Lines) -> Any:
    """An LGPIOFactory of gpiozero on `chip`, for a board with that revision code.

    Differs from gpiozero's own in what a relay needs: an output has its level from the first
    moment (gpiozero makes it low, then sets it), and keeps it when its device is closed, until
    the process ends.
    Raises DeviceAbsent without the library lgpio, DeviceError when the chip cannot be opened.
    """
    lgpio = library()
    native = importlib.import_module("gpiozero.pins.lgpio")

    class Pin(native.LGPIOPin):  # type: ignore[misc,name-defined] # a class of another library
        def output_with_state(self, state: float) -> None:
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(bool(state)))  # noqa: SLF001 - as its base class does

        def close(self) -> None:
            self.frequency = None
            if self.function != "output":
                self.when_changed = None
                super().close()

    class Factory(native.LGPIOFactory):  # type: ignore[misc,name-defined] # the same
        def __init__(self) -> None:
            super().__init__(chip.number)
            self.pin_class = Pin
            self.pins: dict[Any, Any] = {}  # those of another chip are none of ours

        def _get_revision(self) -> int:
            return revision

        def pin(self, name: Any) -> Any:
            try:
                return super().pin(name)
            except lgpio.error as error:
                if _BUSY not in str(error):
                    raise
                raise LineHeld(str(lines.held(chip, int(name)))) from error

    try:
        return Factory()
    except lgpio.error as error:
        raise DeviceError(f"{chip.path}: {error}") from error


def library() -> Any:
    """The module lgpio. Raises DeviceAbsent where it is not installed or cannot start.

    While it is loaded it makes a pipe in the current folder, which on a station is not writable,
    and stays in the folder that LG_WD names: it gets one of its own, and we go back.
    """
    with _IMPORTING:
        try:
            with _elsewhere():
                return importlib.import_module("lgpio")
        except ImportError as error:
            raise DeviceAbsent("no pins here: the library lgpio is not installed") from error
        except OSError as error:
            raise DeviceAbsent(f"no pins here: lgpio cannot start: {error}") from error


@contextmanager
def _elsewhere() -> Iterator[None]:
    """In a folder of our own, which is gone afterwards: an open pipe needs no name."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="lgpio-", dir=_writable()) as folder:
        before = os.environ.get("LG_WD")
        os.environ["LG_WD"] = folder
        try:
            yield
        finally:
            os.chdir(here)
            if before is None:
                del os.environ["LG_WD"]
            else:
                os.environ["LG_WD"] = before


def _writable() -> str | None:
    """The service's folder in RAM; None: wherever temporary files lie."""
    folder = runtime_folder()
    return str(folder) if folder and os.access(folder, os.W_OK) else None
