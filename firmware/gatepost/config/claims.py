"""What readers claim: a name, a device. Two that claim the same are a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.config.readers import GUNS, CameraReader, FramesReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatepost.config.lines import Where
    from gatepost.config.readers import KeyboardReader, SerialReader
    from gatepost.config.schema import ReaderConfig


def names(readers: Iterable[ReaderConfig | None]) -> Iterator[tuple[Where, str, str]]:
    """Each reader's name: where, what, and who claims it."""
    for index, reader in enumerate(readers):
        if reader is not None:
            yield ("reader", index, "name"), repr(reader.name), f"reader[{index}]"


def devices(readers: Iterable[ReaderConfig | None]) -> Iterator[tuple[Where, str, str]]:
    """Each reader's device, in the same way; a reader that names none claims none."""
    for index, reader in enumerate(readers):
        if reader is None or isinstance(reader, FramesReader):
            continue
        if isinstance(reader, CameraReader):
            yield ("reader", index, "camera"), f"camera {reader.camera}", f"reader[{index}]"
        elif reader.device:
            yield ("reader", index, "device"), reader.device, f"reader[{index}]"
        elif isinstance(reader, GUNS) and reader.usb:
            claimed = f"{reader.usb} {reader.serial}".rstrip()
            yield ("reader", index, "usb"), claimed, f"reader[{index}]"


def places(readers: Iterable[ReaderConfig | None]) -> Iterator[tuple[Where, str]]:
    """Where a USB reader is looked for must be said once: by its device, or by its kind."""
    guns = [(index, reader) for index, reader in enumerate(readers) if isinstance(reader, GUNS)]
    for index, gun in guns:
        if not gun.device and not gun.usb:
            yield (
                ("reader", index, "device"),
                "is missing: name the device, or usb; `gatepost readers` lists both",
            )
        elif gun.device and gun.usb:
            yield ("reader", index, "usb"), "contradicts device: keep one of them"
        elif gun.serial and not gun.usb:
            yield ("reader", index, "serial"), "needs usb: a device is found by its name alone"
        elif gun.usb and not gun.serial:
            yield from _alike(index, gun, guns)


def _alike(
    index: int,
    gun: SerialReader | KeyboardReader,
    guns: Iterable[tuple[int, SerialReader | KeyboardReader]],
) -> Iterator[tuple[Where, str]]:
    """Beside one that names its serial number, one without would take either."""
    for other, each in guns:
        if each.serial and each.usb == gun.usb and type(each) is type(gun):
            told = f"is also reader[{other}]'s, which names its serial: name this one's too"
            yield ("reader", index, "usb"), told
            return
