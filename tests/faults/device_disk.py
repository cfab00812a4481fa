"""The virtual station's disks: this checkout installed as on a station, and its data partition.

`systemd/install` puts everything where it belongs, from outside, as an image is made. The data
partition is empty and has nothing but its label.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

from device_root import AGENT
from feeding import SITE, STATION
from guest_disk import install_wheel
from guest_root import (
    CHECKOUT,
    PYTHON,
    GuestError,
    compile_within,
    find,
    make_disk,
    run,
    write_files,
)

if TYPE_CHECKING:
    from pathlib import Path

    from guest_root import Root

    from gatepost.demo.authority import AuthorityFiles

INSTALL = CHECKOUT / "systemd/install"
VERSION = "0.0.0+rig"
HOME = f"opt/gatepost/versions/{VERSION}"
CONFIG = "/etc/gatepost/station.toml"
BOARD = CHECKOUT / "hardware/boards/pi-4.toml"
# What the readers of device_agent are called by udev.
KEYBOARD = "/dev/input/by-id/usb-Rig_keyboard_reader_0001-event-kbd"
SERIAL = "/dev/serial/by-id/usb-Rig_serial_reader_0001-if00"
_KEYS = ("ca", "station_certificate", "station_key", "sealing_public")
_FSTAB = "/dev/vda / ext4 defaults 0 1\n"


def disks(root: Root, folder: Path, files: AuthorityFiles, port: int) -> tuple[Path, Path]:
    """Build both in `folder`; the broker is on `port` of the computer outside.

    Raises GuestError.
    """
    there = folder / "system"
    run("cp", "-a", "--reflink=auto", root.files, there)
    _install(there, folder)
    _configure(there, files, port)
    shutil.copy(AGENT, there / "usr/local/lib/device_agent.py")
    for name in ("etc/.updated", "var/.updated"):  # else the first boot rebuilds every cache
        (there / name).touch()
    system, data, empty = folder / "system.ext4", folder / "data.ext4", folder / "empty"
    make_disk(there, system, "3G")
    empty.mkdir()
    make_disk(empty, data, "512M")
    run(find("tune2fs") or "tune2fs", "-L", "gatepost-data", data)
    shutil.rmtree(there)
    return system, data


def read_back(disk: Path, folder: Path) -> Path:
    """The station's data folder out of its disk, after the guest has ended. Raises GuestError."""
    raw = folder / "after.ext4"
    run("qemu-img", "convert", "-O", "raw", disk, raw)
    # 1: the journal was played back, as at the next boot after a machine that froze.
    run(find("e2fsck") or "e2fsck", "-f", "-p", raw, most=1)
    (folder / "after").mkdir()
    run(find("debugfs") or "debugfs", "-R", f"rdump / {folder}/after", raw)
    return folder / "after"


def settings(port: int, *, readers: str = "", more: str = "") -> str:
    """The station's configuration; `readers` in place of its two, `more` tables beside."""
    return f"""\
[station]
id = "{STATION}"
site = "{SITE}"
data = "/gatepost/data"
certificate = "station.pem"
key = "station.key"
[broker]
host = "localhost"
port = {port}
ca = "ca.pem"
[central]
sealing_key = "sealing-public.jwk"
authority = "ca.pem"
[log]
format = "json"
[board]
profile = "/opt/gatepost/current/share/gatepost/boards/{BOARD.name}"
without = ["light"]
[relay]
idle = "low"
[buzzer]
type = "active"
{more}
{readers or READERS}
"""


READERS = f"""\
[[reader]]
type = "keyboard"
name = "keys"
direction = "in"
device = "{KEYBOARD}"
pause_ms = 1000
[[reader]]
type = "serial"
name = "line"
direction = "out"
device = "{SERIAL}"
"""


def board() -> dict[str, Any]:
    """The board's profile: its pins by part."""
    return tomllib.loads(BOARD.read_text("utf-8"))


def _install(there: Path, folder: Path) -> None:
    version = folder / "version"
    packages = version / f"lib/python{PYTHON}/site-packages"
    install_wheel(packages)
    (version / "bin").mkdir()
    # A virtual environment, as pip's on a station, that sees the system's packages.
    (version / "bin/python").symlink_to(f"/usr/bin/python{PYTHON}")
    write_files(version, {
        "pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = true\n",
        "bin/gatepost": f"#!/{HOME}/bin/python\n"
        "import sys\nfrom gatepost.cli import main\nsys.exit(main())\n",
    })  # fmt: skip
    (version / "bin/gatepost").chmod(0o755)
    (there / "etc/fstab").write_text(_FSTAB, "utf-8")
    run("sh", INSTALL, "--root", there, "--version", VERSION, "--from", version,
        "--read-only-root")  # fmt: skip
    compile_within(there, HOME)


def _configure(there: Path, files: AuthorityFiles, port: int) -> None:
    place = there / "etc/gatepost"
    for name in _KEYS:
        here: Path = getattr(files, name)
        shutil.copy(here, place / here.name)
    (place / "station.toml").write_text(settings(port), "utf-8")
    group = _group(there, "gatepost")
    for path in (place, *place.iterdir()):
        os.chown(path, 0, group)
        path.chmod(0o750 if path.is_dir() else 0o640)


def _group(there: Path, name: str) -> int:
    """A group's number in the guest, where the installer made it."""
    for row in (there / "etc/group").read_text("utf-8").splitlines():
        if row.split(":")[0] == name:
            return int(row.split(":")[2])
    raise GuestError(f"the installer made no group {name}")
