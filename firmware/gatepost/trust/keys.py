"""Keys that are trusted, and the list that holds them: frozen, and fit for their kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatepost.errors import TrustError
from gatepost.model import SIGNED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from joserfc.jwk import OKPKey

    from gatepost.model import Proof

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

# What a code of a kind may be signed with, by its name in JOSE; nothing else is looked at.
ALGORITHMS: dict[Kind, frozenset[str]] = {
    Kind.DCC: frozenset({"ES256", "PS256"}),
    Kind.SHC: frozenset({"ES256"}),
    Kind.NZCP: frozenset({"ES256"}),
    Kind.PASS: frozenset({"EdDSA"}),
    Kind.PRETIX: frozenset({"EdDSA"}),
}

_NEEDED = {
    Kind.DCC: "must be P-256, P-384 or RSA of 2048 to 4096 bits",
    Kind.SHC: "must be P-256",
    Kind.NZCP: "must be P-256",
    Kind.PASS: "must be Ed25519",
    Kind.PRETIX: "must be Ed25519",
}
_RSA_BITS = range(2048, 4097)
_RSA_EXPONENTS = range(3, 2**32)  # beyond, a signature costs several times as long
_MARK_SIZE = 16  # bytes of a digest that a revocation names at least
_DCC_KID_SIZE = 8  # bytes, by the standard
# The kid of a DCC key that is tried for codes whose own kid is longer than the standard's.
OTHER_FORM = b"of another form"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, and what it is trusted for. TrustError where it does not fit its kind.

    Attributes:
        kind: the kind of code that it may sign.
        issuer: as codes name it, "" where any.
        kid: as codes carry it (of a JWS: the ASCII bytes); b"": codes need not name it.
        name: of the issuer, for people.
        not_before_s, not_after_s: its certificate's validity, seconds since 1970.
        usages: what it may sign ("test", "vaccination", "recovery"); empty: all.
        algorithm: with which it verifies, by the key itself, never by the code.
        size: of an ECDSA signature of it, bytes; 0 for another key.
    """

    kind: Kind
    issuer: str
    kid: bytes
    key: PublicKey
    name: str = ""
    not_before_s: float | None = None
    not_after_s: float | None = None
    usages: frozenset[str] = frozenset()
    algorithm: str = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        key = self.key
        size = key.key_size // 4 if isinstance(key, ec.EllipticCurvePublicKey) else 0
        object.__setattr__(self, "size", size)
        algorithm = algorithm_of(self.kind, self.key)
        if not algorithm:
            raise TrustError(_NEEDED.get(self.kind, f"no key signs {self.kind}"))
        object.__setattr__(self, "algorithm", algorithm)


def algorithm_of(kind: Kind, key: object) -> str:
    """With which algorithm a key signs codes of a kind; "" where it must not.

    COSE does not tie ES256 to P-256 (RFC 9053, 2.1), and there are issuers of health
    certificates that use it with P-384; JOSE does (RFC 7518, 3.4).
    """
    algorithm = ""
    if isinstance(key, ed25519.Ed25519PublicKey):
        algorithm = "EdDSA"
    elif isinstance(key, rsa.RSAPublicKey):
        if key.key_size in _RSA_BITS and key.public_numbers().e in _RSA_EXPONENTS:
            algorithm = "PS256"
    elif isinstance(key, ec.EllipticCurvePublicKey) and (
        isinstance(key.curve, ec.SECP256R1)
        or (kind is Kind.DCC and isinstance(key.curve, ec.SECP384R1))
    ):
        algorithm = "ES256"
    return algorithm if algorithm in ALGORITHMS.get(kind, ()) else ""


def mark(kind: Kind, identity: str) -> bytes:
    """What stands in TrustList.revoked for the code that names `identity`."""
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).digest()
    return mark_of_digest(kind, digest)


def mark_of_digest(kind: Kind, digest: bytes) -> bytes:
    """The same, by SHA-256 of the identity, of which 16 bytes are enough."""
    return kind.value.encode() + b":" + digest[:_MARK_SIZE]


@dataclass(frozen=True, slots=True)
class TrustList:
    """What a station trusts, as one whole.

    Attributes:
        version: a later list has a higher one; 0 for none.
        revoked: marks (see `mark`) of codes that no longer count.
        central: the keys to which visitors' data are sealed, the newest first.
        issued: when, RFC 3339, or "".
        audience: the sites or stations that it is for; "*" is any.
    """

    version: int = 0
    keys: tuple[TrustedKey, ...] = ()
    revoked: frozenset[bytes] = frozenset()
    central: tuple[OKPKey, ...] = ()
    issued: str = ""
    audience: tuple[str, ...] = ()
    _found: Mapping[tuple[Kind, bytes], tuple[TrustedKey, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_found", _by_kid(self.keys))

    def matching(self, kind: Kind, proof: Proof) -> Sequence[TrustedKey]:
        """Every key that may have signed a code: those of its kid, those that need none."""
        found = self._found.get((kind, proof.kid), ())
        if proof.kid:
            found += self._found.get((kind, b""), ())
        if kind is Kind.DCC and len(proof.kid) > _DCC_KID_SIZE:
            found += self._found.get((kind, OTHER_FORM), ())
        return [key for key in found if _issues(key, proof)]

    def is_revoked(self, kind: Kind, identity: str) -> bool:
        """Whether the list takes back the code that names `identity`."""
        return bool(self.revoked) and mark(kind, identity) in self.revoked


def _issues(key: TrustedKey, proof: Proof) -> bool:
    """Whether the key is its issuer's; a health certificate need not name its country."""
    return key.issuer in ("", proof.issuer) or (key.kind is Kind.DCC and not proof.issuer)


def _by_kid(keys: Iterable[TrustedKey]) -> dict[tuple[Kind, bytes], tuple[TrustedKey, ...]]:
    found: dict[tuple[Kind, bytes], list[TrustedKey]] = {}
    for key in keys:
        found.setdefault((key.kind, key.kid), []).append(key)
    return {place: tuple(same) for place, same in found.items()}


NOTHING = TrustList()

assert ALGORITHMS.keys() == SIGNED  # noqa: S101 - a signed kind without a rule would be a hole
