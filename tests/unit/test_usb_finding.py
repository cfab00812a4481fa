from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from gatepost.cli import main
from gatepost.config import KeyboardReader, SerialReader
from gatepost.drivers.usb import Place, readers
from gatepost.errors import DeviceAbsent, DeviceError
from unit.usb_tree import VOLUME, Tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_every_reader_is_found_with_its_names(tree: Tree) -> None:
    gun = tree.device("1-1.2", "1a2b:3c4d", "S1")
    tree.keyboard(gun, "10")
    tree.keyboard(gun, "9", "01", VOLUME)
    tree.link("input/by-id/usb-Maker_Reader_S1-event-kbd", "event10")
    tree.link("input/by-path/pci-usb-0:1.2-event-kbd", "event10")
    tree.port(tree.device("1-1.3", "0c2e:0b6a"), "ttyACM0")
    (tree.root / "sys/class/tty/ttyAMA0").mkdir()  # the Pi's own: no USB
    keyboard, serial = readers(tree.root)
    assert (keyboard.kind, keyboard.node, keyboard.usb) == (
        "keyboard",
        "/dev/input/event10",
        "1a2b:3c4d",
    )
    assert keyboard.links == (
        "/dev/input/by-id/usb-Maker_Reader_S1-event-kbd",
        "/dev/input/by-path/pci-usb-0:1.2-event-kbd",
    )
    assert (keyboard.serial, keyboard.told, keyboard.place) == ("S1", "Maker Reader", "1-1.2")
    assert (serial.kind, serial.node, serial.links) == ("serial", "/dev/ttyACM0", ())


def test_nothing_is_found_where_there_is_nothing(tree: Tree) -> None:
    assert readers(tree.root) == []


def test_a_place_by_vendor_and_product_is_found_under_its_new_number(tree: Tree) -> None:
    place = Place("keyboard", usb="1a2b:3c4d", root=tree.root)
    with pytest.raises(DeviceAbsent, match="usb 1a2b:3c4d: no such keyboard reader is plugged in"):
        place.node()
    gun = tree.device("1-1.2", "1a2b:3c4d")
    tree.keyboard(gun, "4", "01")
    tree.keyboard(gun, "5", "00")
    assert place.node() == f"{tree.root}/dev/input/event5"  # the first interface of the one device
    (tree.root / "sys/class/input/event5").unlink()
    (tree.root / "sys/class/input/event4").unlink()
    tree.keyboard(gun, "17", "00")
    assert place.node() == f"{tree.root}/dev/input/event17"


def test_two_alike_need_a_serial_number(tree: Tree) -> None:
    for place, serial, name in (("1-1.2", "S1", "ttyACM0"), ("1-1.3", "S2", "ttyACM1")):
        tree.port(tree.device(place, "0c2e:0b6a", serial), name)
    with pytest.raises(DeviceError, match="2 are alike: name its serial") as told:
        Place("serial", usb="0c2e:0b6a", root=tree.root).node()
    assert not isinstance(told.value, DeviceAbsent)
    second = Place("serial", usb="0c2e:0b6a", serial="S2", root=tree.root)
    assert second.node() == f"{tree.root}/dev/ttyACM1"
    with pytest.raises(DeviceAbsent, match="number S3"):
        Place("serial", usb="0c2e:0b6a", serial="S3", root=tree.root).node()


def test_a_place_by_its_device_is_taken_as_it_stands() -> None:
    assert Place("serial", "/dev/ttyACM0").node() == "/dev/ttyACM0"


def listed(tree: Tree, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, list[dict[str, str]]]:
    code = main(["readers", "--root", str(tree.root)])
    told = capsys.readouterr().out
    assert main(["readers", "--json", "--root", str(tree.root)]) == code
    return code, told, json.loads(capsys.readouterr().out)["readers"]


def test_the_command_lists_them_with_lines_to_paste(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.keyboard(tree.device("1-1.2", "1a2b:3c4d", "S1"), "3")
    tree.link("input/by-id/usb-Maker_Reader_S1-event-kbd", "event3")
    tree.port(tree.device("1-1.3", "0c2e:0b6a"), "ttyACM0")
    code, told, machine = listed(tree, capsys)
    assert code == 0
    assert 'type = "keyboard"' in told
    assert 'device = "/dev/input/by-id/usb-Maker_Reader_S1-event-kbd"' in told
    assert 'usb = "0c2e:0b6a"' in told
    assert [each["usb"] for each in machine] == ["1a2b:3c4d", "0c2e:0b6a"]


def test_the_lines_of_two_alike_without_numbers_name_their_sockets(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, name in (("1-1.2", "ttyACM0"), ("1-1.3", "ttyACM1")):
        tree.port(tree.device(place, "0c2e:0b6a"), name)
        tree.link(f"serial/by-path/pci-usb-0:{place}", name)
    tree.link("serial/by-id/usb-Maker_Reader-if00", "ttyACM1")
    _, told, _ = listed(tree, capsys)
    assert 'device = "/dev/serial/by-path/pci-usb-0:1-1.2"' in told
    assert 'device = "/dev/serial/by-path/pci-usb-0:1-1.3"' in told
    assert "by-id" not in told.split("[[reader]]", 1)[1].split("#")[0]


def test_the_command_says_what_to_do_where_there_is_none(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, machine = listed(tree, capsys)
    assert (code, machine) == (1, [])
    assert "lsusb" in told


def test_what_the_command_writes_is_a_good_configuration(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.keyboard(tree.device("1-1.2", "1a2b:3c4d", 'odd "S\\1'), "3")
    tree.port(tree.device("1-1.3", "0c2e:0b6a", "N1"), "ttyACM0")
    _, told, _ = listed(tree, capsys)
    for entry, kind in zip(
        tomllib.loads(told)["reader"], (KeyboardReader, SerialReader), strict=False
    ):
        assert entry.pop("type") in {"keyboard", "serial"}
        reader = kind(**entry)
        assert reader.device or reader.usb
    assert reader.usb == "0c2e:0b6a"
