"""JWS in its compact form (RFC 7515), taken apart; nothing of it is checked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatepost.errors import Unreadable
from gatepost.packing import base64url, strict_json
from gatepost.recognised import Layer

LONGEST = 16 * 1024  # characters


@dataclass(frozen=True, slots=True)
class Jws:
    """A signed message: `message` is what the signature goes over."""

    header: dict[str, Any]
    payload: bytes
    message: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """As the header names it, "none" too; "" where it does not."""
        value = self.header.get("alg")
        return value if isinstance(value, str) else ""

    @property
    def kid(self) -> str:
        """The key's id, "" where none is named."""
        value = self.header.get("kid")
        return value if isinstance(value, str) else ""


def parse(token: str) -> Jws:
    """A JWS of three parts. Raises Unreadable(ENCODING) or Unreadable(STRUCTURE)."""
    if len(token) > LONGEST:
        raise Unreadable(Layer.STRUCTURE, f"a JWS of more than {LONGEST} characters")
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise Unreadable(Layer.STRUCTURE, "not a JWS: three parts")
    head, payload, signature = (base64url.decode(part) for part in parts)
    header = strict_json.loads(head)
    if not isinstance(header, dict):
        raise Unreadable(Layer.STRUCTURE, "the header of the JWS is no object")
    if "crit" in header:  # RFC 7515, 4.1.11: none of these is understood here
        raise Unreadable(Layer.STRUCTURE, "a critical header that is not understood")
    message = token.rpartition(".")[0].encode("ascii")
    return Jws(header, payload, message, signature)
