"""What identifies a visitor leaves the RAM only sealed to the central key.

JWE compact (RFC 7516): ECDH-ES on X25519 (RFC 8037), A256GCM, `kid` of the central key. Each
event has a fresh ephemeral key, so a stolen station opens none of what it sealed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from joserfc import jwe

from gatepost.canonical import canonical
from gatepost.errors import KeyMaterialError
from gatepost.model import told as claims_of
from gatepost.packing import base64url
from gatepost.trust import sealing_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from joserfc.jwk import OKPKey

    from gatepost.model import Code, Scan, Stamp

REGISTRY = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
_BLOCK = 256


def load_public_key(path: Path) -> OKPKey:
    """The central side's public key (JWK, X25519, with kid). Raises KeyMaterialError."""
    try:
        return sealing_key(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise KeyMaterialError(f"{path}: no key (JWK): {error}") from error


def understood(scan: Scan, code: Code, source: str, stamp: Stamp) -> bytes:
    """The plaintext that is sealed: the raw code, and what was understood of it, as JSON.

    `source` and `stamp` are the event's: copied into another event, it belies itself. `pad`
    fills it to a multiple of 256 bytes: the length of what is sealed does not tell the code's.
    `text` stands only where the bytes are not UTF-8: else it is the bytes themselves.
    """
    told: dict[str, Any] = {
        "data": base64url.encode(scan.data),
        "kind": code.kind.value,
        "basis": code.basis.value,
        "identity": _utf8(code.identity),
        "weak": "yes" if code.weak else "no",
        "claims": {name: _utf8(value) for name, value in claims_of(code.claims).items()},
        "source": source,
        "boot_id": stamp.boot_id,
        "boot_us": stamp.boot_us,
        "pad": "",
    }
    text = _utf8(scan.text)
    if text.encode() != scan.data:
        told["text"] = text
    told["pad"] = "0" * (-len(canonical(told)) % _BLOCK)
    return canonical(told)


def _utf8(text: str) -> str:
    """Half a surrogate pair has no canonical form; a visitor's code must not stop the gate."""
    return text.encode("utf-8", "replace").decode()


class Sealer:
    """Seals to one central key."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self._header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key.kid}

    def seal(self, plaintext: bytes) -> str:
        """A JWE that only the holder of the central private key opens."""
        return jwe.encrypt_compact(self._header, plaintext, self._key, registry=REGISTRY)


def newest(keys: Sequence[OKPKey], configured: Sealer) -> Sealer:
    """To the newest of the centre's `keys` (the first); to the configured one without any."""
    return Sealer(keys[0]) if keys else configured
