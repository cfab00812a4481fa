"""Signs our own passes, where the private key lives: never on a station.

    cti, exp, nbf, {name, role, places} -> CBOR -> COSE_Sign1 (Ed25519) -> Base45 -> "GP1:..."

Stations read it by codes.signed_pass, whose labels these are; a test holds the two together.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gatepost.errors import KeyMaterialError, Unreadable, UsageError
from gatepost.packing import base45, base64url, cbor, cose
from gatepost.wire.bodies import NAME

if TYPE_CHECKING:
    from pathlib import Path

ROLES = ("staff", "guest", "ticket")
LONGEST_NAME = 40  # characters
LONGEST_TEXT = 311  # alphanumeric characters in a QR of version 10, level M (ISO/IEC 18004)
ID_BYTES = range(12, 17)

_PREFIX = "GP1:"
_EXP, _NBF, _CTI = 4, 5, 7  # RFC 8392
_HOLDER = -65537
_NAME, _ROLE, _PLACES = 1, 2, 3
_KID_BYTES = 8
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class PassRequest:
    """What a pass shall say.

    Attributes:
        not_after_s, not_before_s: seconds since 1970; without the second it holds at once.
        name: the holder's, at most LONGEST_NAME characters; "" for a pass of nobody.
        places: the sites where it is valid; none: all.
        identifier: 12 to 16 bytes by which it can be revoked; random where none are given.
    """

    role: str
    not_after_s: int
    not_before_s: int | None = None
    name: str = ""
    places: tuple[str, ...] = ()
    identifier: bytes = b""


def sign_pass(key: Ed25519PrivateKey, request: PassRequest) -> str:
    """The text of a signed pass, for a QR of version 10 at most.

    Raises UsageError for what cannot stand in a pass, or does not fit.
    """
    payload = cbor.dumps(_claims(request))
    text = _PREFIX + base45.encode(cose.sign1(payload, kid_of(key), key))
    if len(text) > LONGEST_TEXT:
        raise UsageError(
            f"the pass has {len(text)} characters, and a QR of version 10 takes {LONGEST_TEXT}: "
            "shorten the name or name fewer places"
        )
    return text


def _claims(request: PassRequest) -> dict[int, Any]:
    identifier = request.identifier or new_id()
    if len(identifier) not in ID_BYTES:
        raise UsageError(f"the id has {len(identifier)} bytes: it must have 12 to 16")
    start = request.not_before_s
    if start is not None and start >= request.not_after_s:
        raise UsageError("the pass ends before it begins")
    if request.not_after_s <= 0 or (start is not None and start < 0):
        raise UsageError("the pass is of a time before 1970")
    claims = {_CTI: identifier, _EXP: request.not_after_s, _HOLDER: _holder(request)}
    return claims if start is None else claims | {_NBF: start}


def _holder(request: PassRequest) -> dict[int, Any]:
    if request.role not in ROLES:
        raise UsageError(f"the role must be one of {', '.join(ROLES)}")
    told: dict[int, Any] = {_ROLE: ROLES.index(request.role) + 1}
    name = " ".join(unicodedata.normalize("NFC", request.name).split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"the name must be at most {LONGEST_NAME} characters of plain text")
    for place in request.places:
        if not NAME.fullmatch(place):
            raise UsageError(f"{place!r} is no site id: small letters, digits and hyphens")
    if name:
        told[_NAME] = name
    if request.places:
        told[_PLACES] = list(request.places)
    return told


def new_id() -> bytes:
    """A random id: 96 bits, which nobody guesses. As text it looks like no option: no "-" first."""
    while id_text(found := secrets.token_bytes(ID_BYTES.start)).startswith("-"):
        pass
    return found


def id_text(identifier: bytes) -> str:
    """A pass's id as stations, lists and revocations have it: base64url without padding."""
    return base64url.encode(identifier)


def id_bytes(text: str) -> bytes:
    """The same back. Raises UsageError."""
    told = f"{text!r} is no id: base64url of 12 to 16 bytes"
    try:
        data = base64url.decode(text)
    except Unreadable as error:
        raise UsageError(told) from error
    if len(data) not in ID_BYTES:
        raise UsageError(told)
    return data


# --- keys


def new_key() -> Ed25519PrivateKey:
    """A key that signs passes."""
    return Ed25519PrivateKey.generate()


def kid_of(key: Ed25519PrivateKey) -> bytes:
    """The key's id: the first 8 bytes of SHA-256 over its raw public half."""
    return hashlib.sha256(_public(key)).digest()[:_KID_BYTES]


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def trust_entry(key: Ed25519PrivateKey, name: str) -> dict[str, Any]:
    """What stands for it in a trust list's `keys`: the public half; `name` is for people."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(_public(key))}  # RFC 8037
    return {"kind": "pass", "name": name, "kid": base64url.encode(kid_of(key)), "jwk": jwk}


def revocation(identifier: bytes) -> dict[str, str]:
    """What stands for a pass in a trust list's `revoked`."""
    digest = hashlib.sha256(id_text(identifier).encode("ascii")).hexdigest()
    return {"kind": "pass", "id": digest}


def save_key(key: Ed25519PrivateKey, path: Path) -> None:
    """Write it as PEM (PKCS 8) that its owner alone can read. Raises UsageError."""
    save_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def save_private(path: Path, data: bytes) -> None:
    """Write a new file that its owner alone can read; an old one is never overwritten."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except FileExistsError as error:
        raise UsageError(f"{path}: is there already; a key is never overwritten") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
    with os.fdopen(number, "wb") as file:
        file.write(data)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file. Raises KeyMaterialError."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise KeyMaterialError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError(f"{path}: no private key without a password (PEM)") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyMaterialError(f"{path}: must be an Ed25519 key")
    return key


# --- pictures


def save_qr(text: str, path: Path) -> None:
    """Draw a pass as a QR, by the path's suffix .svg or .png. Raises UsageError."""
    if path.suffix.lower() not in {".svg", ".png"}:
        raise UsageError(f"{path}: --qr draws .svg or .png")
    try:
        import segno  # noqa: PLC0415 - only who draws needs it
    except ImportError as error:
        raise UsageError("--qr needs segno: pip install 'gatepost[central]'") from error
    code = segno.make_qr(text, error="m", boost_error=False)
    try:
        code.save(str(path), scale=8, border=4)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
