"""What identifies a visitor leaves the RAM only sealed to the central key.

JWE compact (RFC 7516): ECDH-ES on X25519 (RFC 8037), A256GCM, `kid` of the central key. Each
event has a fresh ephemeral key, so a stolen station opens none of what it sealed.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from gatepost.canonical import canonical
from gatepost.errors import KeyMaterialError

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.model import Code, Scan

REGISTRY = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])


def load_public_key(path: Path) -> OKPKey:
    """The central side's public key (JWK, X25519, with kid). Raises KeyMaterialError."""
    try:
        jwk = json.loads(path.read_text("utf-8"))
        key = OKPKey.import_key(jwk)
    except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
        raise KeyMaterialError(f"{path}: no key (JWK) can be read: {error}") from error
    if key.is_private:
        raise KeyMaterialError(
            f"{path}: this is a PRIVATE key; it must never be on a station. Treat it as lost, "
            "make a new pair, and put its public half here"
        )
    if key.curve_name != "X25519" or not jwk.get("kid"):
        raise KeyMaterialError(f"{path}: must be an X25519 key with a kid")
    return key


def understood(scan: Scan, code: Code) -> bytes:
    """The plaintext that is sealed: the raw code, and what was understood of it, as JSON.

    `text` stands only where the bytes are not UTF-8: else it is the bytes themselves.
    """
    told: dict[str, Any] = {
        "data": base64.urlsafe_b64encode(scan.data).decode().rstrip("="),
        "kind": code.kind.value,
        "basis": code.basis.value,
        "identity": code.identity,
        "weak": "yes" if code.weak else "no",
        "claims": dict(code.claims),
    }
    if scan.text.encode("utf-8", "replace") != scan.data:
        told["text"] = scan.text.encode("utf-8", "replace").decode()
    return canonical(told)


class Sealer:
    """Seals to one central key."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self._header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key.kid}

    def seal(self, plaintext: bytes) -> str:
        """A JWE that only the holder of the central private key opens."""
        return jwe.encrypt_compact(self._header, plaintext, self._key, registry=REGISTRY)
