"""The process in which zbar runs; a script of its own, that imports nothing of gatepost.

zbar is old C code: a picture full of finder patterns keeps it busy for minutes, or ends it with
SIGFPE. Here it can be killed, and takes nobody with it.

    at first: an empty line, when it has begun
    request:  height, width as u32 little-endian, then height x width bytes of luma
    answer:   a line of JSON, [[data in hexadecimal, [[x, y], ...]], ...]

It ends when its standard input does.
"""

from __future__ import annotations

import ctypes
import json
import signal
import struct
import sys
from types import ModuleType, SimpleNamespace

# The wrapper imports NumPy only to look at the array that it is given: 15 MB for this process.
_numpy = ModuleType("numpy")
vars(_numpy).update(uint8="uint8", asarray=lambda array: array)
sys.modules["numpy"] = _numpy
import zbar  # noqa: E402 - finds that NumPy

_CONFIG = [
    ("ZBAR_NONE", "ZBAR_CFG_ENABLE", 0),
    ("ZBAR_QRCODE", "ZBAR_CFG_ENABLE", 1),
    ("ZBAR_NONE", "ZBAR_CFG_POSITION", 1),
]
_MOST_S = 30


def main() -> None:
    """Answer until nobody asks."""
    scanner = zbar.Scanner(_CONFIG)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(b"\n")
    sink.flush()
    while len(head := source.read(8)) == 8:
        height, width = struct.unpack("<II", head)
        luma = source.read(height * width)
        if len(luma) < height * width:
            return
        signal.alarm(_MOST_S)  # nobody is left to kill it where the station was killed
        found = scanner.scan(_array(luma, height, width))
        signal.alarm(0)
        answer = [[code.data.hex(), code.position] for code in found if code.data]
        sink.write(json.dumps(answer).encode() + b"\n")
        sink.flush()


def _array(luma: bytes, height: int, width: int) -> SimpleNamespace:
    """What the wrapper asks of an array, for bytes; `luma` must outlive it."""
    address = ctypes.cast(ctypes.c_char_p(luma), ctypes.c_void_p).value
    return SimpleNamespace(
        dtype="uint8",
        ndim=2,
        shape=(height, width),
        flags=SimpleNamespace(c_contiguous=True),
        ctypes=SimpleNamespace(data=address),
    )


if __name__ == "__main__":
    main()
