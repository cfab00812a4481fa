"""Opens what stations sealed; belongs where the central private key lives, never on a station."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from gatepost import contract
from gatepost.errors import ContractError, KeyMaterialError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_REGISTRY = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
_MOST_TOKEN = 256 * 1024


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What a visitor showed.

    Attributes:
        data: the code's bytes; `text`: the same as text.
        basis: what `identity` rests on: compare within one basis only.
        weak: the identity is starred or partial: never ground for a decision.
        claims: what was understood; nothing of it was checked.
    """

    data: bytes
    text: str
    kind: str
    basis: str
    identity: str
    weak: bool
    claims: tuple[tuple[str, str], ...]

    def told(self) -> dict[str, Any]:
        """The same for JSON; the bytes in hex."""
        return asdict(self) | {"data": self.data.hex(), "claims": dict(self.claims)}


def load_private_key(path: Path) -> OKPKey:
    """The central private key (JWK, X25519, with kid). Raises KeyMaterialError."""
    try:
        jwk = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyMaterialError(f"{path}: no key (JWK) can be read: {error}") from error
    return _key(jwk)


def unseal(token: str, private_jwk: OKPKey | Mapping[str, Any]) -> Unsealed:
    """Open the `sealed` of a scan.

    Raises KeyMaterialError when the key is not the one that it was sealed to, ContractError
    when it was altered or does not hold what it should.
    """
    key = private_jwk if isinstance(private_jwk, OKPKey) else _key(private_jwk)
    header = _header(token)
    if header.get("kid") != key.kid:
        raise KeyMaterialError(f"sealed to key {str(header.get('kid'))[:80]!r}, not {key.kid!r}")
    try:
        opened = jwe.decrypt_compact(token, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ContractError(f"cannot be opened: {error}") from error
    return read(opened.plaintext or b"")


def read(plaintext: bytes | str) -> Unsealed:
    """What was sealed, or stands in `plain` of a site without sealing. Raises ContractError."""
    try:
        told = json.loads(plaintext)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"holds no JSON: {error}") from error
    if wrong := contract.problem("sealed", told):
        raise ContractError(f"holds something else: {wrong}")
    data = _unpad(told["data"])
    return Unsealed(
        data=data,
        text=told.get("text", data.decode("utf-8", "replace")),
        kind=told["kind"],
        basis=told["basis"],
        identity=told["identity"],
        weak=told["weak"] == "yes",
        claims=tuple(told["claims"].items()),
    )


def _key(jwk: Any) -> OKPKey:
    try:
        key = OKPKey.import_key(dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise KeyMaterialError(f"no key (JWK): {error}") from error
    if not key.is_private or key.curve_name != "X25519" or not key.kid:
        raise KeyMaterialError("must be a private X25519 key with a kid")
    return key


def _header(token: str) -> dict[str, Any]:
    if len(token) > _MOST_TOKEN:
        raise ContractError(f"{len(token)} characters, at most {_MOST_TOKEN}")
    try:
        header = json.loads(_unpad(token.partition(".")[0]))
    except (ValueError, RecursionError) as error:
        raise ContractError(f"not a JWE: {error}") from error
    if not isinstance(header, dict):
        raise ContractError("not a JWE: its header is no object")
    return header


def _unpad(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ContractError(f"no base64url: {error}") from error
