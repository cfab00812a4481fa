"""USB devices as the kernel shows them, in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TYPES = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n"
VOLUME = "3f000301ff 0 0 483ffff17aff32d bfd4444600000000 1 130ff38b17d000 7bfad9415fff 0\n"


class Tree:
    """What the kernel shows of USB devices in /sys, and udev in /dev."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def device(self, place: str, usb: str, serial: str = "", maker: str = "Maker") -> Path:
        folder = self.root / "sys/devices/pci0/usb1" / place
        folder.mkdir(parents=True)
        vendor, product = usb.split(":")
        words = {"idVendor": vendor, "idProduct": product, "manufacturer": maker}
        for name, word in {**words, "product": "Reader", "serial": serial}.items():
            if word:
                (folder / name).write_text(f"{word}\n")
        return folder

    def interface(self, device: Path, number: str) -> Path:
        folder = device / f"{device.name}:1.{int(number)}"
        folder.mkdir(exist_ok=True)
        (folder / "bInterfaceNumber").write_text(f"{number}\n")
        return folder

    def keyboard(self, device: Path, event: str, number: str = "00", keys: str = TYPES) -> None:
        within = self.interface(device, number) / f"0003:0001.{event}/input/input{event}"
        (within / "capabilities").mkdir(parents=True)
        (within / "capabilities/key").write_text(keys)
        self._class("input", f"event{event}", within)

    def port(self, device: Path, name: str, number: str = "00") -> None:
        self._class("tty", name, self.interface(device, number))

    def link(self, path: str, node: str) -> None:
        link = self.root / "dev" / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../{node}")

    def _class(self, kind: str, name: str, device: Path) -> None:
        node = device / name
        node.mkdir()
        (node / "device").symlink_to(device)
        known = self.root / "sys/class" / kind
        known.mkdir(parents=True, exist_ok=True)
        (known / name).symlink_to(node)
