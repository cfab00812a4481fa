"""The guest's second disk: this checkout, built and installed, with keys and settings."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from feeding import configure
from guest_root import CHECKOUT, compile_within, find, make_disk, run

if TYPE_CHECKING:
    from guest_root import Root

    from gatepost.demo.authority import AuthorityFiles

HOME = Path("/srv/gatepost")
READER = "/dev/ttyUSB0"
_SOURCE = ("pyproject.toml", "README.md", "LICENSE", "firmware/gatepost", "hardware/boards")
_KEYS = ("ca", "station_certificate", "station_key", "sealing_public")


def station_disk(root: Root, folder: Path, files: AuthorityFiles, port: int) -> Path:
    """Build it in `folder`; the broker is on `port` of the computer outside. Raises GuestError."""
    files_there = folder / "station"
    (files_there / "keys").mkdir(parents=True)
    places = {}
    for name in _KEYS:
        here: Path = getattr(files, name)
        shutil.copy(here, files_there / "keys" / here.name)
        places[name] = HOME / "keys" / here.name
    # By name: to the guest, localhost is the computer outside, as its certificate says.
    configure(files_there, replace(files, **places), port, {"door": READER}, host="localhost")
    (files_there / "data").mkdir(mode=0o700)
    install_wheel(files_there / "lib")
    _compile(root, files_there / "lib")
    disk = folder / "station.ext4"
    make_disk(files_there, disk, "512M")
    return disk


def read_back(disk: Path, folder: Path) -> Path:
    """The station's data folder out of its disk, after the guest has ended. Raises GuestError."""
    raw = folder / "after.ext4"
    run("qemu-img", "convert", "-O", "raw", disk, raw)
    run(find("e2fsck") or "e2fsck", "-f", "-p", raw)
    run(find("debugfs") or "debugfs", "-R", f"rdump /data {folder}", raw)
    return folder / "data"


def install_wheel(target: Path) -> None:
    """This checkout as an installation has it: its wheel, unpacked. Raises GuestError."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        for name in _SOURCE:  # a copy: setuptools builds where the source lies
            if (CHECKOUT / name).is_dir():
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(CHECKOUT / name, source / name, ignore=leave)
            elif (CHECKOUT / name).exists():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(CHECKOUT / name, source / name)
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "wheel", "--no-deps", "--wheel-dir", place, source)
        wheel = next(Path(place).glob("gatepost-*.whl"))
        run(*pip, "install", "--no-deps", "--no-compile", "--target", target, wheel)


def _compile(root: Root, target: Path) -> None:
    """By the guest's own Python, as an installation does."""
    with tempfile.TemporaryDirectory(dir=root.files / "srv") as place:
        within = Path(place) / "lib"
        shutil.copytree(target, within)
        compile_within(root.files, str(within.relative_to(root.files)))
        shutil.copytree(within, target, dirs_exist_ok=True)
