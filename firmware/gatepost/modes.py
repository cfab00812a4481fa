"""Which mode somebody asks the station for: a file that starts another service.

`gatepost-setup.path` watches for it; `gatepost-setup.service` takes the daemon's place, removes
the file when it is done, and the daemon comes back.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from gatepost.errors import DeviceError
from gatepost.runtime import runtime_folder

_DEFAULT = Path("/run/gatepost")
_NAME = "mode"


class Mode(StrEnum):
    """What may be asked for beside the daemon's own work."""

    SETUP = "setup"
    SELFTEST = "selftest"


def place(folder: Path | None = None) -> Path:
    """The file; without `folder` in the service's own, which systemd names."""
    return (folder or runtime_folder() or _DEFAULT) / _NAME


def ask(mode: Mode, folder: Path | None = None) -> None:
    """Ask for `mode`: the whole word stands there at once, or nothing does.

    Raises DeviceError where it cannot be written: no such folder, no room, read-only.
    """
    path = place(folder)
    new = path.with_name(f".{_NAME}.new")
    try:
        new.write_text(f"{mode}\n", "ascii")
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise DeviceError(f"{path}: {error.strerror}") from error


def asked(folder: Path | None = None) -> Mode | None:
    """What is asked for; None: nothing, or nothing that we know."""
    try:
        return Mode(place(folder).read_text("ascii")[:32].strip())
    except (OSError, ValueError):
        return None


def over(folder: Path | None = None) -> None:
    """What was asked for is done (or given up). Raises DeviceError where it cannot be removed."""
    path = place(folder)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}") from error
