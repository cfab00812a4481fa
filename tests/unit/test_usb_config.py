from __future__ import annotations

import dataclasses

import pytest

from gatepost.build.readers import gun_of, reader_of
from gatepost.config import KeyboardReader, SerialReader
from gatepost.config.claims import devices, names, places
from gatepost.config.readers import ENCODINGS, LAYOUTS
from gatepost.drivers.framing import SUFFIXES as ENDS
from gatepost.drivers.keymaps import LAYOUTS as KNOWN
from gatepost.drivers.typing_keys import SUFFIXES as KEYS
from gatepost.drivers.usb_keyboard import KeyTexts
from gatepost.drivers.usb_serial import SerialTexts
from gatepost.presentations import TextReader
from unit.pictures import ManualClock

Gun = KeyboardReader | SerialReader


def keyboard(**keys: str) -> KeyboardReader:
    return KeyboardReader(name="gun", direction="in", **keys)


def serial(**keys: str) -> SerialReader:
    return SerialReader(name="gun", direction="in", **keys)


@pytest.mark.parametrize(
    ("reader", "key", "told"),
    [
        (keyboard(), "device", "is missing: name the device, or usb"),
        (serial(), "device", "is missing: name the device, or usb"),
        (keyboard(device="/dev/x", usb="1a2b:3c4d"), "usb", "contradicts device"),
        (serial(device="/dev/x", serial="S1"), "serial", "needs usb"),
    ],
)
def test_where_a_reader_is_found_is_said_once(reader: Gun, key: str, told: str) -> None:
    ((where, text),) = places([reader])
    assert where == ("reader", 0, key)
    assert told in text


@pytest.mark.parametrize(
    "readers",
    [
        [keyboard(usb="1a2b:3c4d"), serial(usb="0c2e:0b6a")],
        [keyboard(usb="1a2b:3c4d", serial="S1"), keyboard(usb="1a2b:3c4d", serial="S2")],
        [keyboard(device="/dev/input/event1"), None],
    ],
)
def test_good_places(readers: list[Gun | None]) -> None:
    assert list(places(readers)) == []
    claimed = [claim for _, claim, _ in devices(readers)]
    assert len(set(claimed)) == len(claimed) == len([each for each in readers if each])


def test_one_with_its_serial_and_one_without_would_both_take_it() -> None:
    readers = [keyboard(usb="1a2b:3c4d"), keyboard(usb="1a2b:3c4d", serial="S1")]
    ((where, text),) = places(readers)
    assert where == ("reader", 0, "usb")
    assert "reader[1]'s, which names its serial" in text


def test_the_same_by_vendor_and_product_is_claimed_twice() -> None:
    readers = [serial(usb="1a2b:3c4d"), serial(usb="1a2b:3c4d")]
    assert [claim for _, claim, _ in devices(readers)] == ["1a2b:3c4d", "1a2b:3c4d"]
    assert [claim for _, claim, _ in names(readers)] == ["'gun'", "'gun'"]


def test_all_that_may_be_configured_is_known_to_the_drivers() -> None:
    def choices(kind: type, name: str) -> tuple[str, ...]:
        (item,) = [each for each in dataclasses.fields(kind) if each.name == name]
        return tuple(item.metadata["choices"])

    assert choices(KeyboardReader, "layout") == LAYOUTS == tuple(KNOWN)
    assert set(choices(KeyboardReader, "suffix")) == set(KEYS)
    assert set(choices(SerialReader, "suffix")) == set(ENDS)
    assert all("x".encode(encoding) for encoding in ENCODINGS)


def test_what_is_configured_is_built() -> None:
    clock = ManualClock()
    assert isinstance(gun_of(keyboard(usb="1a2b:3c4d"), clock), KeyTexts)
    assert isinstance(gun_of(serial(device="/dev/x"), clock), SerialTexts)
    assert isinstance(reader_of(keyboard(usb="1a2b:3c4d"), clock, {}, []), TextReader)
