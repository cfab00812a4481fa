"""`gatepost readers`: which USB readers are plugged in, and what to write to use them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.drivers.usb import UsbReader

_NONE = """\
no USB reader was found: neither a keyboard nor a serial port on USB.
Is it plugged in, and does lsusb show it? A camera's lines are in CONFIGURATION.md.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "readers",
        help="list the USB barcode readers that are plugged in",
        description="List the USB devices that can be barcode readers, with the lines that a "
        "configuration needs for each. What is printed is TOML.",
        epilog="examples:\n  gatepost readers\n  gatepost readers --json\n\n"
        "exit status: 0 there are some, 1 there is none\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")
    parser.add_argument("--root", type=Path, default=Path("/"), help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List them; 0 when there are some, 1 when there is none."""
    from gatepost.drivers.usb import readers

    found = readers(args.root)
    if args.json:
        print(json.dumps({"readers": [_machine(each, found) for each in found]}))
    elif found:
        print("\n".join(_text(number, each, found) for number, each in enumerate(found, 1)))
    else:
        print(_NONE, end="")
    return 0 if found else 1


def _machine(reader: UsbReader, found: Sequence[UsbReader]) -> dict[str, object]:
    return {
        "kind": reader.kind,
        "node": reader.node,
        "links": list(reader.links),
        "usb": reader.usb,
        "serial": reader.serial,
        "told": reader.told,
        "socket": reader.place,
        "interface": reader.interface,
        "toml": _keys(reader, found),
    }


def _text(number: int, reader: UsbReader, found: Sequence[UsbReader]) -> str:
    """A comment that says what it is, and its lines."""
    serial = f", serial {_comment(reader.serial)}" if reader.serial else ", no serial number"
    lines = [
        f"# {reader.kind}: {_comment(reader.told)} ({reader.usb}{serial}) in {reader.place}",
        *(f"#   {_comment(name)}" for name in (reader.node, *reader.links)),
        "[[reader]]",
        f'type = "{reader.kind}"',
        f'name = "reader-{number}"',
        'direction = "auto"  # or "in", "out", "none"',
    ]
    keys = _keys(reader, found).items()
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys]
    return "\n".join([*lines, ""])


def _keys(reader: UsbReader, found: Sequence[UsbReader]) -> dict[str, str]:
    """By what it is found again: the best that tells it from the others.

    Its name by id has its serial number, and where it has none, leads to any of two alike: then
    the socket must do. Without udev's names: its vendor and product.
    """
    alike = [each for each in found if (each.kind, each.usb) == (reader.kind, reader.usb)]
    others = [each for each in alike if each.place != reader.place]
    twins = [each for each in others if each.serial == reader.serial]
    way = "by-path" if twins else "by-id"
    link = next((each for each in reader.links if f"/{way}/" in each), "")
    if link and link.isascii() and link.isprintable():
        return {"device": link}
    if twins:
        return {"device": reader.node}
    keys = {"usb": reader.usb}
    return keys | {"serial": reader.serial} if others and reader.serial.isprintable() else keys


def _comment(text: str) -> str:
    """A device's own words may be anything."""
    return "".join(each if each.isprintable() else "?" for each in text)
