"""Where a spool may lie: never in RAM, and how much room there is."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

# What forgets at a power cut, whatever was flushed. An overlay's upper layer is mostly a tmpfs
# (read-only roots of Raspberry Pi OS, containers) and may be: it is not asked what it is.
_VOLATILE = frozenset({"tmpfs", "ramfs", "overlay", "overlayfs", "aufs", "rootfs", "devtmpfs"})
# linux/magic.h: a second opinion where mountinfo cannot be read, or names another device.
_MAGIC = {0x01021994: "tmpfs", 0x858458F6: "ramfs", 0x794C7630: "overlay", 0x61756673: "aufs"}
_MOUNTS = Path("/proc/self/mountinfo")
_STATFS_BYTES = 256


def volatile(folder: Path) -> str:
    """The name of the file system if what is flushed in `folder` is gone with the power, else "".

    Symbolic links and bind mounts are seen through. A folder that is not there yet is where its
    nearest parent is; one that may not be looked at counts as safe: opening it will tell.
    """
    place = folder.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    try:
        device = os.stat(place).st_dev  # noqa: PTH116 - follows links
    except OSError:
        return ""
    kind = _mounted(device)
    return kind if kind in _VOLATILE else _magic(place)


def _mounted(device: int) -> str:
    """The type of the file system on a device (proc_pid_mountinfo(5)), or ""."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    for line in lines:
        own, _, rest = line.partition(" - ")
        words = own.split(" ")
        if len(words) > 2 and words[2] == wanted and rest:
            return rest.split(" ")[0]
    return ""


def _magic(place: Path) -> str:
    """The same by statfs(2), whose first field is the type on every Linux that a Pi runs."""
    with suppress(OSError, AttributeError):
        buffer = ctypes.create_string_buffer(_STATFS_BYTES)
        statfs = ctypes.CDLL(None, use_errno=True).statfs
        if statfs(os.fsencode(place), buffer) == 0:
            magic = ctypes.c_long.from_buffer(buffer).value & 0xFFFFFFFF
            return _MAGIC.get(magic, "")
    return ""


def room(folder: Path) -> int | None:
    """Bytes that may still be written there; None where the file system does not tell."""
    try:
        told = os.statvfs(folder)
    except OSError:
        return None
    return told.f_bavail * told.f_frsize if told.f_blocks else None


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and its parents, as far as they lack, their names flushed. Raises OSError."""
    lacking = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(lacking):
        each.mkdir(mode=mode if each == folder else 0o777, exist_ok=True)
        flush_folder(each.parent)


def flush_folder(folder: Path) -> None:
    """Flush a folder: the names in it. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
