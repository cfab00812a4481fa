"""What the file system of `tearing` is told to do, and what it keeps of it."""

from __future__ import annotations

import errno
import threading
from random import Random
from typing import Any

import mfusepy

from gatepost.demo.tearing.disk import Disk, File, Folder


def wrong(number: int) -> mfusepy.FuseOSError:
    """What the kernel is told when something fails with errno `number`."""
    return mfusepy.FuseOSError(number)


class Orders:
    """The disks, and the orders: each `do_...` is one.

    Attributes:
        counts: of each disk, of each file or folder: writes, bytes, flushes.
    """

    def __init__(self) -> None:
        self.disks: dict[str, Disk] = {}
        self.counts: dict[str, dict[str, dict[str, int]]] = {}
        self._mutex = threading.Lock()
        self._slow_s = 0.0
        self._lies: set[str] = set()
        self._fails: dict[str, list[int]] = {}  # what -> [errno, how many times still]
        self._open: dict[int, tuple[str, str, File | Folder]] = {}
        self._next = 1

    def _power(self, disk: str) -> None:
        if disk not in self.disks or self.disks[disk].off:
            raise wrong(errno.EIO)

    def _may(self, what: str) -> None:
        """Fail as often as was ordered."""
        failing = self._fails.get(what)
        if failing:
            failing[1] -= 1
            if not failing[1]:
                del self._fails[what]
            raise wrong(failing[0])

    def _changed(self, disk: str, node: File | Folder, what: str, name: str) -> None:
        if isinstance(node, File) and node.shared_memory:
            return
        told = "the folder" if isinstance(node, Folder) else name
        if not self.disks[disk].count(f"{what} of {told}"):
            raise wrong(errno.EIO)

    def _tally(self, disk: str, name: str, what: str, much: int) -> None:
        counts = self.counts[disk].setdefault(name, {"writes": 0, "bytes": 0, "flushes": 0})
        counts[what] += much

    def obey(self, order: dict[str, Any]) -> Any:
        """Do what one line of standard input says; the answer to it."""
        with self._mutex:
            return getattr(self, "do_" + order.pop("do"))(**order)

    def do_disk(self, name: str) -> str:
        self.disks[name], self.counts[name] = Disk(), {}
        return name

    def do_arm(self, name: str, after: int) -> int:
        disk = self.disks[name]
        disk.cut_at = disk.changes + after
        return disk.cut_at

    def do_cut(self, name: str) -> dict[str, Any]:
        disk = self.disks[name]
        by_itself, disk.off = disk.off, True
        sectors = sum(file.unflushed for _, file in disk.files() if not file.shared_memory)
        what = disk.last if by_itself else "between two changes"
        return {"what": what, "changes": disk.changes, "unflushed": sectors}

    def do_is_off(self, name: str) -> bool:
        return self.disks[name].off

    def do_tear(self, name: str, fresh: str, seed: str) -> str:
        self.disks[fresh], self.counts[fresh] = self.disks[name].torn(Random(seed)), {}
        return self.disks[fresh].digest()

    def do_drop(self, name: str) -> None:
        del self.disks[name], self.counts[name]

    def do_counts(self, name: str) -> dict[str, dict[str, int]]:
        return self.counts[name]

    def do_slow(self, seconds: float) -> None:
        self._slow_s = seconds

    def do_lie(self, about: list[str]) -> None:
        self._lies = set(about)

    def do_fail(self, what: str, number: int, times: int) -> None:
        self._fails[what] = [number, times]
        if not times:
            del self._fails[what]
