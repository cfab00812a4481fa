"""USB readers as the kernel knows them, from /sys: found by vendor and product, and by name.

udev's own names (by-id) are links that it makes a moment after the device came; what is read
here is there at once, and in a container without udev too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("keyboard", "serial")
_CLASSES = {"keyboard": ("input", "event*"), "serial": ("tty", "tty[AU]*")}
_FOLDERS = {"keyboard": "input", "serial": "serial"}
_LINKS = ("by-id", "by-path")
_NUMBER = re.compile(r"\d+")
# Bits of capabilities/key that every keyboard has: 1, Q, Enter, A (linux/input-event-codes.h).
_TYPED = 1 << 2 | 1 << 16 | 1 << 28 | 1 << 30
_MOST_UP = 12  # folders from a device up to its USB device


@dataclass(frozen=True, slots=True)
class UsbReader:
    """A device on USB that types, or that is a serial port.

    Attributes:
        kind: one of KINDS.
        node: /dev/input/event3, /dev/ttyACM0: another one each time it is plugged in.
        links: names that last, the best first.
        vendor, product: four hex digits each.
        serial: its serial number, or "": many have none.
        told: maker and product in the device's own words.
        place: of the socket it is in: "1-1.2"; interface: which of the device's own.
    """

    kind: str
    node: str
    links: tuple[str, ...]
    vendor: str
    product: str
    serial: str
    told: str
    place: str
    interface: str

    @property
    def usb(self) -> str:
        """As lsusb tells it."""
        return f"{self.vendor}:{self.product}"


def readers(root: Path = Path("/")) -> list[UsbReader]:
    """Every USB device that can be a reader, by kind and node. `root`: where sys and dev are."""
    found = []
    for kind in KINDS:
        folder, pattern = _CLASSES[kind]
        nodes = sorted((root / "sys/class" / folder).glob(pattern), key=_in_order)
        found += [each for node in nodes if (each := _reader(kind, node, root)) is not None]
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is looked for: by a device's name, or by vendor and product.

    Attributes:
        usb: "1a2b:3c4d" in place of `device`; `serial` beside it tells two alike apart.
    """

    kind: str
    device: str = ""
    usb: str = ""
    serial: str = ""
    root: Path = Path("/")

    def __str__(self) -> str:
        if self.device:
            return self.device
        return f"usb {self.usb}" + (f" number {self.serial}" if self.serial else "")

    def node(self) -> str:
        """The device as it is to be opened now. Raises DeviceAbsent; DeviceError for two."""
        if self.device:
            return self.device
        fits = [each for each in readers(self.root) if self._fits(each)]
        if not fits:
            raise DeviceAbsent(f"{self}: no such {self.kind} reader is plugged in")
        if len({each.place for each in fits}) > 1:
            raise DeviceError(f"{self}: {len(fits)} are alike: name its serial or its device")
        node = min(fits, key=lambda each: each.interface).node
        return str(self.root / node.lstrip("/"))

    def _fits(self, reader: UsbReader) -> bool:
        known = reader.kind == self.kind and reader.usb == self.usb
        return known and self.serial in {"", reader.serial}


def _reader(kind: str, node: Path, root: Path) -> UsbReader | None:
    try:
        device = (node / "device").resolve(strict=True)
    except OSError:  # a tty of no device; or one that goes this moment
        return None
    if kind == "keyboard" and not _types(device):
        return None
    above = list(_above(device))
    usb = next((each for each in above if (each / "idVendor").exists()), None)
    if usb is None:
        return None
    interface = next((each for each in above if (each / "bInterfaceNumber").exists()), usb)
    name = f"/dev/input/{node.name}" if kind == "keyboard" else f"/dev/{node.name}"
    told = f"{_word(usb / 'manufacturer')} {_word(usb / 'product')}".strip()
    return UsbReader(
        kind=kind,
        node=name,
        links=tuple(_links(root, _FOLDERS[kind], node.name)),
        vendor=_word(usb / "idVendor"),
        product=_word(usb / "idProduct"),
        serial=_word(usb / "serial"),
        told=told,
        place=usb.name,
        interface=_word(interface / "bInterfaceNumber"),
    )


def _types(device: Path) -> bool:
    """Whether it is a keyboard with letters: not the volume keys that many readers also have."""
    words = _word(device / "capabilities/key").split()
    try:
        lowest = int(words[-1], 16) if words else 0  # 32 keys at least, 64 on 64 bits
    except ValueError:
        return False
    return lowest & _TYPED == _TYPED


def _above(device: Path) -> Iterator[Path]:
    yield device
    yield from list(device.parents)[:_MOST_UP]


def _links(root: Path, folder: str, node: str) -> Iterator[str]:
    """The names of udev that lead to `node`, as they are written in a configuration."""
    for way in _LINKS:
        for link in sorted((root / "dev" / folder / way).glob("*")):
            if link.is_symlink() and link.readlink().name == node:
                yield f"/dev/{folder}/{way}/{link.name}"


def _word(file: Path) -> str:
    """What a file of /sys says; "" where there is none, or its device went this moment."""
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _in_order(path: Path) -> tuple[str, int]:
    """event10 after event9."""
    number = _NUMBER.search(path.name)
    return path.name.rstrip("0123456789"), int(number[0]) if number else 0
