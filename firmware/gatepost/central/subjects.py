"""The subject that joins visits: who came is the same, without saying who.

Computed where events are unsealed, with a secret key that never leaves the centre: a key on
the stations would let a thief try all citizen numbers within minutes.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import TYPE_CHECKING

from gatepost.central.passes import save_private
from gatepost.errors import KeyMaterialError
from gatepost.model import SIGNED, Basis, Trust

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.central.unseal import Unsealed

KEY_BYTES = 32
_DOMAIN = b"gatepost central subject 1\x00"
_MOST_FILE = 1024
# These rest on a signature whatever kind they came with, also one that is newer than this.
_SIGNED_BASES = frozenset({Basis.PASS.value, Basis.CONTENT.value})
_OF_NO_SIGNATURE = (Trust.UNSIGNED.value, "")  # else there is one, and it does not hold
_SIGNED_KINDS = frozenset(kind.value for kind in SIGNED)


def subject(key: bytes, visitor: Unsealed, trust: str = "") -> str:
    """Who it was, 64 hex digits, equal for the same identity on the same basis; "" for nobody.

    HMAC-SHA-256 of the identity under a key of its basis, which is HMAC-SHA-256 of the domain
    and the basis under the centre's secret.

    Args:
        key: the centre's secret, 32 bytes.
        visitor: what was unsealed.
        trust: of the event, one of model.Trust; "" where it is not known.

    Nobody is who shows a weak identity, and who shows a signed code that is not verified: both
    can be made by anybody, and would be joined to somebody else.
    """
    if visitor.weak or not visitor.identity or visitor.basis == Basis.NONE.value:
        return ""
    signed = visitor.kind in _SIGNED_KINDS or visitor.basis in _SIGNED_BASES
    believed = {Trust.VERIFIED.value} if signed else {Trust.VERIFIED.value, *_OF_NO_SIGNATURE}
    if trust not in believed:
        return ""
    of_basis = hmac.digest(key, _DOMAIN + _octets(visitor.basis), "sha256")
    return hmac.digest(of_basis, _octets(visitor.identity), "sha256").hex()


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def new_key(path: Path) -> None:
    """Write a new secret that its owner alone can read. Raises UsageError."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=")
    save_private(path, text + b"\n")


def load_key(path: Path) -> bytes:
    """The secret in a file of new_key. Raises KeyMaterialError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_FILE).strip()
    except OSError as error:
        raise KeyMaterialError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        key = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise KeyMaterialError(f"{path}: no subject key (base64url of 32 bytes)") from error
    if len(key) != KEY_BYTES:
        raise KeyMaterialError(f"{path}: no subject key (base64url of 32 bytes)")
    return key
