"""Base64url without padding (RFC 7515, 2), strict: one text for the same bytes."""

from __future__ import annotations

import base64
import binascii

from gatepost.errors import Unreadable
from gatepost.recognised import Layer


def decode(text: str) -> bytes:
    """The bytes of a text. Raises Unreadable(ENCODING), for padding and line ends too."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable(Layer.ENCODING, "not Base64url") from error
    if encode(data) != text:
        raise Unreadable(Layer.ENCODING, "Base64url with padding, or bits left over")
    return data


def encode(data: bytes) -> str:
    """The text of `data`."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
