"""A wire between two network namespaces: real TCP, real loss. Needs root and `ip`.

    with Wire() as wire:                      # the station is NEAR, the broker FAR
        with wire.at_far(): ...               # this thread's sockets are there
        wire.line = Line(loss=0.4)            # from now on, in both directions

The kernels here have no netem, so that a thread carries the frames from one veth to the other.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

NEAR, FAR = "10.77.0.1", "10.77.0.2"
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEWNET = 0x40000000
_ETH_ALL = 0x0003
_SOL_PACKET, _IGNORE_OUTGOING = 263, 23
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)  # set: tx checksums, TSO, GSO, GRO (linux/ethtool.h)
_MOST_QUEUED = 32  # a modem's memory; where the line is not slow, any number
_PPP_OVERHEAD_BYTES = 8


@dataclass(frozen=True)
class Line:
    """What the wire does to a frame.

    Attributes:
        loss: share of frames that vanish.
        delay_s: how long each is under way, one way.
        bytes_per_s: how many a second go in each direction; 0: any number.
        up, down: whether frames from near to far, and back, pass at all.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    up: bool = True
    down: bool = True


GOOD = Line()


def why_not() -> str:
    """Why there can be no wire here, or ""."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need ip (iproute2)"
    told = _ip("netns", "add", f"gp-try-{os.getpid()}", check=False)
    if told.returncode:
        return f"no network namespaces here: {told.stderr.strip()}"
    _ip("netns", "del", f"gp-try-{os.getpid()}")
    return ""


def _ip(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *args], capture_output=True, text=True, check=check)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """What this thread opens meanwhile lies in `namespace` (setns(2) is per thread)."""
    with (
        Path("/proc/thread-self/ns/net").open("rb") as own,
        Path("/run/netns", namespace).open("rb") as other,
    ):
        _enter(other.fileno())
        try:
            yield
        finally:
            _enter(own.fileno())


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@dataclass
class _Direction:
    """Frames under way from one end to the other."""

    source: socket.socket
    target: socket.socket
    up: bool
    waiting: list[tuple[float, int, bytes]] = field(default_factory=list)
    free_at: float = 0.0
    count: int = 0

    def take(self, line: Line, now: float) -> None:
        try:
            frame = self.source.recv(65536)
        except OSError:  # said once when a cable is pulled
            return
        passes = line.up if self.up else line.down
        full = line.bytes_per_s and len(self.waiting) >= _MOST_QUEUED
        if not passes or full or random.random() < line.loss:
            return
        begins = max(now, self.free_at)
        if line.bytes_per_s:
            begins += (len(frame) - 14 + _PPP_OVERHEAD_BYTES) / line.bytes_per_s
            self.free_at = begins
        self.count += 1
        heapq.heappush(self.waiting, (begins + line.delay_s, self.count, frame))

    def give(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            frame = heapq.heappop(self.waiting)[2]
            with suppress(OSError):  # the cable is out: it is lost
                self.target.send(frame)


class Wire:
    """See the module. `line` may be changed at any time."""

    def __init__(self) -> None:
        self.line = GOOD
        name = f"gp{os.getpid() % 100000}"
        self.near, self.far, self._mid = f"{name}n", f"{name}f", f"{name}w"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="wire", daemon=True)

    def __enter__(self) -> Self:
        for namespace in self._namespaces():
            _ip("netns", "del", namespace, check=False)
            _ip("netns", "add", namespace)
        for namespace, address, end in ((self.near, NEAR, "n0"), (self.far, FAR, "f0")):
            peer = ("peer", "name", "e0", "netns", namespace)
            _ip("-n", self._mid, "link", "add", end, "type", "veth", *peer)
            _ip("-n", self._mid, "link", "set", end, "up")
            _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "e0")
            _ip("-n", namespace, "link", "set", "e0", "up")
            _ip("-n", namespace, "link", "set", "lo", "up")
            with inside(namespace):
                _no_offloads("e0")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        for namespace in self._namespaces():
            _ip("netns", "del", namespace, check=False)

    def _namespaces(self) -> tuple[str, str, str]:
        return self.near, self.far, self._mid

    def at_near(self) -> AbstractContextManager[None]:
        return inside(self.near)

    def at_far(self) -> AbstractContextManager[None]:
        return inside(self.far)

    def pull(self) -> None:
        """The station's cable is out: its kernel knows."""
        _ip("-n", self.near, "link", "set", "e0", "down")

    def plug(self) -> None:
        _ip("-n", self.near, "link", "set", "e0", "up")

    def _carry(self) -> None:
        with inside(self._mid):
            near, far = (_frames(name) for name in ("n0", "f0"))
        with near, far:
            ways = [_Direction(near, far, up=True), _Direction(far, near, up=False)]
            while not self._stop.is_set():
                now = time.monotonic()
                nexts = [way.waiting[0][0] for way in ways if way.waiting]
                wait_s = max(0.0, min([0.1, *(at - now for at in nexts)]))
                ready, _, _ = select.select([way.source for way in ways], [], [], wait_s)
                now = time.monotonic()
                for way in ways:
                    if way.source in ready:
                        way.take(self.line, now)
                    way.give(now)


def _frames(device: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_ALL))
    link.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    link.bind((device, 0))
    return link


def _no_offloads(device: str) -> None:
    """Whole checksums and frames of an MTU: what is carried by hand must be complete."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for command in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP8x", device.encode(), ctypes.addressof(value))
            fcntl.ioctl(link, _SIOCETHTOOL, request)
