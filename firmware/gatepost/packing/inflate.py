"""DEFLATE, bounded: a bomb is refused before it fills the memory."""

from __future__ import annotations

import zlib

from gatepost.errors import Unreadable
from gatepost.recognised import Layer

MOST = 64 * 1024  # bytes unpacked; the largest code packs less than 3 KiB


def zlib_inflated(data: bytes) -> bytes:
    """What a zlib stream (RFC 1950) holds. Raises Unreadable(COMPRESSION).

    A stream that is cut, that has bytes behind it or that holds more than MOST bytes is a flaw.
    """
    return _inflated(data, zlib.MAX_WBITS)


def raw_inflated(data: bytes) -> bytes:
    """The same of a raw DEFLATE stream (RFC 1951), as SMART Health Cards have it."""
    return _inflated(data, -zlib.MAX_WBITS)


def _inflated(data: bytes, window: int) -> bytes:
    stream = zlib.decompressobj(window)
    try:
        unpacked = stream.decompress(data, MOST + 1)
    except zlib.error as error:
        raise Unreadable(Layer.COMPRESSION, "not DEFLATE") from error
    if len(unpacked) > MOST:
        raise Unreadable(Layer.COMPRESSION, f"more than {MOST} bytes unpacked")
    if not stream.eof:
        raise Unreadable(Layer.COMPRESSION, "the stream is cut")
    if stream.unused_data:
        raise Unreadable(Layer.COMPRESSION, "bytes behind the stream")
    return unpacked
