"""Public keys written as JWK (RFC 7517, RFC 8037), read by joserfc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import x25519
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from gatepost.errors import TrustError
from gatepost.packing.foreign import FOREIGN

if TYPE_CHECKING:
    from gatepost.trust.keys import PublicKey

_RAISED = (JoseError, *FOREIGN)
_MOST_KID = 200


def public_key(jwk: Any) -> PublicKey:
    """A key of P-256 or Ed25519 that verifies. Raises TrustError."""
    _check_public(jwk)
    read: Any
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            read = ECKey
        case "OKP", "Ed25519":
            read = OKPKey
        case _:
            raise TrustError("must be P-256 or Ed25519")
    try:
        key: PublicKey = read.import_key(dict(jwk)).public_key
    except _RAISED as error:
        raise TrustError(f"no key: {str(error)[:80]!a}") from error
    return key


def sealing_key(jwk: Any) -> OKPKey:
    """A key of X25519 with a kid, to which can be sealed. Raises TrustError."""
    _check_public(jwk)
    if (jwk.get("kty"), jwk.get("crv")) != ("OKP", "X25519"):
        raise TrustError("must be X25519")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MOST_KID or not kid.isprintable():
        raise TrustError("must have a kid")
    try:
        key = OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "kid")})
        # A point of low order gives everybody the same secret: cryptography refuses it here.
        x25519.X25519PrivateKey.generate().exchange(key.public_key)  # type: ignore[arg-type]
    except _RAISED as error:
        raise TrustError(f"nothing can be sealed to it: {str(error)[:80]!a}") from error
    return key


def _check_public(jwk: Any) -> None:
    if not isinstance(jwk, dict):
        raise TrustError("must be an object")
    if "d" in jwk:
        raise TrustError(
            "this is a PRIVATE key; it must never be here. Treat it as lost, "
            "make a new pair, and put its public half here"
        )
