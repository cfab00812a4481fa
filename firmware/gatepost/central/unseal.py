"""Opens what stations sealed; belongs where the central private key lives, never on a station."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from gatepost import contract
from gatepost.errors import ContractError, KeyMaterialError
from gatepost.model import ScanRecord
from gatepost.wire.bodies import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.model import Event

Keys: TypeAlias = OKPKey | Mapping[str, Any] | Sequence[OKPKey]

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
        source, boot_id, boot_us: of the event for which it was sealed.
    """

    data: bytes
    text: str
    kind: str
    basis: str
    identity: str
    weak: bool
    claims: tuple[tuple[str, str], ...]
    source: str
    boot_id: str
    boot_us: int

    def told(self) -> dict[str, Any]:
        """The same for JSON; the bytes in hex."""
        return asdict(self) | {"data": self.data.hex(), "claims": dict(self.claims)}


def load_private_key(path: Path) -> OKPKey:
    """The central private key (JWK, X25519, with kid). Raises KeyMaterialError."""
    try:
        jwk = json.loads(path.read_bytes())
    except OSError as error:
        raise KeyMaterialError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise KeyMaterialError(f"{path}: is no key (JWK): it holds no JSON") from error
    try:
        return _key(jwk)
    except KeyMaterialError as error:
        raise KeyMaterialError(f"{path}: {error}") from error


def load_private_keys(paths: Sequence[Path]) -> tuple[OKPKey, ...]:
    """Several of them, told apart by their kid. Raises KeyMaterialError, also for one twice."""
    keys = tuple(load_private_key(path) for path in paths)
    names = [key.kid for key in keys]
    if len(set(names)) != len(names):
        raise KeyMaterialError("two central private keys have the same kid")
    return keys


def unseal(token: str, keys: Keys) -> Unsealed:
    """Open the `sealed` of a scan by the one of `keys` to which it was sealed.

    Raises KeyMaterialError when none of them is it, ContractError when it was altered or does
    not hold what it should.
    """
    key = _chosen(_kid(token), _held(keys))
    try:
        opened = jwe.decrypt_compact(token, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ContractError(f"cannot be opened: {type(error).__name__}") from error
    return read(opened.plaintext or b"")


def _held(keys: Keys) -> Sequence[OKPKey]:
    if isinstance(keys, OKPKey):
        return (keys,)
    return (_key(keys),) if isinstance(keys, Mapping) else keys


def _chosen(kid: str, keys: Sequence[OKPKey]) -> OKPKey:
    for key in keys:
        if key.kid == kid:
            return key
    held = ", ".join(repr(key.kid) for key in keys) or "no key"
    raise KeyMaterialError(f"sealed to key {quoted(kid)}, not {held}")


def unseal_event(event: Event, keys: Keys) -> Unsealed:
    """Open what a scan's event holds, sealed or plain, and check that it is of this event.

    Anybody can copy a JWE into another event: it opens there too. Raises KeyMaterialError as
    `unseal` does, ContractError also when it was sealed for another event.
    """
    record = event.record
    if not isinstance(record, ScanRecord):
        raise ContractError("not a scan: nothing is sealed in it")
    opened = unseal(record.sealed, keys) if record.sealed else read(record.plain)
    said = (opened.source, opened.boot_id, opened.boot_us)
    if said != (event.source, event.stamp.boot_id, event.stamp.boot_us):
        raise ContractError("sealed: was made for another event (source, boot_id, boot_us)")
    return opened


def read(plaintext: bytes | str) -> Unsealed:
    """What was sealed, or stands in `plain` of a site without sealing. Raises ContractError."""
    try:
        told = json.loads(plaintext)
    except (ValueError, RecursionError) as error:
        raise ContractError("holds no JSON") from error
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
        source=told["source"],
        boot_id=told["boot_id"],
        boot_us=told["boot_us"],
    )


def _key(jwk: Any) -> OKPKey:
    try:
        key = OKPKey.import_key(dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise KeyMaterialError(f"no key (JWK): {error}") from error
    if not key.is_private or key.curve_name != "X25519" or not key.kid:
        raise KeyMaterialError("must be a private X25519 key with a kid")
    return key


def _kid(token: str) -> str:
    """To which key it was sealed. Its header is ours alone: nothing zipped, no other key."""
    if len(token) > _MOST_TOKEN:
        raise ContractError(f"{len(token)} characters, at most {_MOST_TOKEN}")
    try:
        header = json.loads(_unpad(token.partition(".")[0]))
    except (ContractError, ValueError, RecursionError) as error:
        raise ContractError("not a JWE") from error
    if not isinstance(header, dict) or header.keys() != {"alg", "enc", "kid", "epk"}:
        raise ContractError("not a JWE of ours: its header must hold alg, enc, kid and epk alone")
    kid = header["kid"]
    if type(kid) is not str:
        raise ContractError("not a JWE of ours: kid must be a string")
    return kid


def _unpad(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ContractError("no base64url") from error
