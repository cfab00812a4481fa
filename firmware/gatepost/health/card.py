"""The card that holds the spool: which it is, how worn, and what the kernel thinks of it.

SD cards tell nothing of their wear; eMMC does (JEDEC JESD84-B51, EXT_CSD 267 to 269; the kernel's
Documentation/driver-api/mmc/mmc-dev-attrs.rst). For the others there is what was written to
them (Documentation/block/stat.rst), ext4's own count of errors (Documentation/ABI/testing/
sysfs-fs-ext4), and how long a flush takes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from gatepost.health.files import MOST, number, text, whole, word

_SECTOR = 512  # bytes, whatever the device's own are
_WRITTEN = 6  # place of "sectors written" in a block device's `stat`
_DAY_S = 86_400
_LEAST_S = 600.0  # of uptime: before, a day's writing is guesswork
_MOST_LIFE = 11  # "exceeded its maximum estimated device life time"


class Mount(NamedTuple):
    """What is mounted where the data lie: "179:3", and whether it can be written to."""

    number: str
    kind: str
    read_only: bool


def mount_of(data: Path, mountinfo: str) -> Mount | None:
    """The mount that holds `data` by the text of /proc/self/mountinfo (proc(5)), or None."""
    place = os.path.realpath(data)
    found: tuple[str, Mount] | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, rest = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(rest) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        if place != point and not place.startswith(point.rstrip("/") + "/"):
            continue
        if found is None or len(point) >= len(found[0]):  # of two on one place, the later counts
            options = {*fields[5].split(","), *rest[2].split(",")}
            read_only = bool(options & {"ro", "emergency_ro"})
            found = point, Mount(fields[2], rest[0], read_only)
    return found[1] if found else None


def card(data: Path, sys: Path, proc: Path, uptime_s: float) -> dict[str, int | str]:
    """What is known of the card under `data`.

    Args:
        data: the folder of the spool.
        sys: /sys.
        proc: /proc.
        uptime_s: since the machine's boot, which the kernel counts from too.
    """
    mount = mount_of(data, text(proc / "self/mountinfo") or "")
    if mount is None:
        return {}
    told: dict[str, int | str] = {"card_read_only": int(mount.read_only)}
    if not re.fullmatch(r"\d{1,5}:\d{1,7}", mount.number):
        return told
    part = Path(os.path.realpath(sys / "dev/block" / mount.number))
    if not part.is_dir():  # tmpfs, overlay: there is no card
        return told
    disk = part.parent if (part / "partition").exists() else part
    told["card_device"] = part.name[:40]
    if mount.kind == "ext4":
        errors = number(sys / "fs/ext4" / part.name / "errors_count")
        if errors is not None and errors >= 0:
            told["card_errors"] = errors
    return {**told, **_written(disk, uptime_s), **_itself(disk / "device")}


def _written(disk: Path, uptime_s: float) -> dict[str, int]:
    fields = (text(disk / "stat") or "").split()
    sectors = whole(fields[_WRITTEN]) if len(fields) > _WRITTEN else None
    if sectors is None or not 0 <= sectors <= MOST // _SECTOR:
        return {}
    told = {"card_written_bytes": sectors * _SECTOR}
    a_day = round(sectors * _SECTOR * _DAY_S / uptime_s) if uptime_s >= _LEAST_S else MOST + 1
    if a_day <= MOST:
        told["card_written_day_bytes"] = a_day
    return told


def _itself(device: Path) -> dict[str, int | str]:
    """What the card says of itself: name, maker's number, when it was made, and its wear."""
    told: dict[str, int | str] = {}
    for name, file in (("card_name", "name"), ("card_maker", "manfid"), ("card_made", "date")):
        value = word(device / file)
        if value is not None:
            told[name] = value
    lives = [whole(each, 16) for each in (text(device / "life_time") or "").split()]
    used = [each for each in lives if each is not None and 0 < each <= _MOST_LIFE]
    if used:  # 1: up to 10 % of its life is used, ... 11: more than all of it
        told["card_used_percent"] = max(used) * 10
    end = number(device / "pre_eol_info", 16)
    if end is not None and 0 < end <= 3:  # 1 normal, 2: 80 % of the spare blocks used, 3: 90 %
        told["card_spare_state"] = end
    return told
