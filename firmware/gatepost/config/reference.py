"""The reference of the configuration, written from the schema itself.

python -m gatepost.config.reference > firmware/CONFIGURATION.md
"""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import TYPE_CHECKING, get_args, get_type_hints

from gatepost.config.readers import CHECKED_BY, REFUSED
from gatepost.config.schema import READER_TYPES, SPOKEN, Config
from gatepost.config.sheets import sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# Configuration of a station

One TOML file. Paths are relative to it; a reader's `device` is none of them: it is taken as it
stands, so write it in full (`/dev/...`). `gatepost check-config FILE` tells every problem at once,
with its line; the keys and certificates are looked into once the file itself is good. Hardware
that is not fitted has no table. A whole example stands at the end. This page is written from the
schema: `python -m gatepost.config.reference`.
"""
_SYMBOLOGIES = """\
## Symbologies

What a camera's `symbologies` may name. A symbol counts only when what it checks itself by was
right. With Reed-Solomon a false read is next to impossible. The check of bar codes is weaker: of
292,000 pictures of random bars, zxing-cpp took 14 for EAN-13, 1 for UPC-E and none for the other
bar codes in this table, so name those of one digit only where nothing else is printed.

| name | checked by |
|---|---|
"""
_EXAMPLE = """\
## Example

Two lanes at one station: a webcam over the way in, a barcode reader at the way out.

```toml
[station]
id = "gp-7f3a9c"              # also the common name in its certificate
site = "ward-7-office"
data = "/gatepost/data"
certificate = "station.pem"   # beside this file
key = "station.key"

[broker]
host = "mqtt.example.vn"
ca = "ca.pem"

[central]
sealing_key = "central-public.jwk"
authority = "central-ca.pem"  # of whoever signs rules and trust lists

[[reader]]
type = "v4l2"
name = "way-in"
direction = "in"
device = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_0A1B2C3D-video-index0"
width = 1280
height = 720

[[reader]]
type = "serial"
name = "way-out"
direction = "out"
device = "/dev/serial/by-id/usb-Honeywell_1950g_0123456789-if00"

[gate]
rules = "rules.toml"          # without it: a PC-Covid gate that records who comes and goes

[lamp]
red = 17
green = 27
blue = 22

[buzzer]
pin = 18
type = "passive"

[relay]
pin = 23
idle = "low"

[light]
pin = 24                      # switches the light over the code by a transistor

[oled]

[log]
level = "info"
```
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_HEAD, *_tables(), _symbologies(), _EXAMPLE])


def _symbologies() -> str:
    offered = "".join(f"| `{name}` | {check} |\n" for name, check in CHECKED_BY.items())
    refused = "".join(f"| `{name}` | {reason} |\n" for name, reason in REFUSED.items())
    return f"{_SYMBOLOGIES}{offered}\n| not offered | because |\n|---|---|\n{refused}"


def _tables() -> Iterator[str]:
    hints = get_type_hints(Config) | SPOKEN
    for item in fields(Config):
        if item.name == "reader":
            yield from _readers()
            continue
        kind = next(
            part
            for part in (*get_args(hints[item.name]), hints[item.name])
            if part is not NoneType and is_dataclass(part)
        )
        yield from sheet(f"[{item.name}]", kind)


def _readers() -> Iterator[str]:
    for name, kind in READER_TYPES.items():
        yield from sheet(f'[[reader]] with type = "{name}"', kind)


if __name__ == "__main__":
    sys.stdout.write(reference())
