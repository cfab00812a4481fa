"""What a text was recognised as, before and after it is checked; a part of the model.

A text becomes a Code (what it says of itself), then a Checked (what of it is to be believed).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum

from gatepost.reasons import Reason


class Kind(StrEnum):
    """What a code is. A stable part of the wire contract."""

    PC_COVID = "pc-covid"
    CCCD = "cccd"
    BHYT = "bhyt"
    DCC = "dcc"
    SHC = "shc"
    NZCP = "nzcp"
    PRETIX = "pretix"
    PASS = "pass"  # noqa: S105 - our own signed pass, not a password
    MDOC = "mdoc"
    SITE = "site"
    URL = "url"
    UNKNOWN = "unknown"


SIGNED = frozenset({Kind.DCC, Kind.SHC, Kind.NZCP, Kind.PRETIX, Kind.PASS})
NOBODY = frozenset({Kind.MDOC, Kind.SITE, Kind.URL, Kind.UNKNOWN})  # these name no visitor


class Basis(StrEnum):
    """What an identity rests on; identities of different bases are never compared."""

    QID = "qid"
    CITIZEN = "citizen"
    PASSPORT = "passport"
    INSURANCE = "insurance"
    PASS = "pass"  # noqa: S105 - a ticket, not a password
    CONTENT = "content"
    NONE = "none"


class Trust(StrEnum):
    """What is known of a code's signature."""

    VERIFIED = "verified"
    INVALID = "invalid"
    UNKNOWN_KEY = "unknown-key"
    UNSIGNED = "unsigned"


class Layer(StrEnum):
    """In which layer a code of a known kind is broken; or that it is only a part of one."""

    PREFIX = "prefix"
    ENCODING = "encoding"
    COMPRESSION = "compression"
    STRUCTURE = "structure"
    CONTENT = "content"
    PARTIAL = "partial"

    @property
    def reason(self) -> Reason:
        """What a visitor with such a code is told."""
        return _DAMAGED[self]


_DAMAGED = {
    Layer.PREFIX: Reason.DAMAGED_PREFIX,
    Layer.ENCODING: Reason.DAMAGED_ENCODING,
    Layer.COMPRESSION: Reason.DAMAGED_COMPRESSION,
    Layer.STRUCTURE: Reason.DAMAGED_STRUCTURE,
    Layer.CONTENT: Reason.DAMAGED_CONTENT,
    Layer.PARTIAL: Reason.PART_OF_SEVERAL,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a code says; each kind has its own fields. Nothing of it is proved by standing there."""


def told(claims: Claims | None) -> dict[str, str]:
    """The claims as text, for what is sealed and for `explain`; what is empty is left out."""
    if claims is None:
        return {}
    values = ((item.name, getattr(claims, item.name)) for item in fields(claims))
    return {name: _text(value) for name, value in values if value not in (None, "", ())}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a signed code offers to be believed; nothing of it was checked.

    Attributes:
        algorithm: of JOSE: ES256, PS256, EdDSA; what a code names beyond these, as it names it.
        kid: the key's id in the code, b"" where it names none.
        issuer: as the code names it, "" where it does not.
        message, signature: what was signed, and by which bytes (ECDSA: r and s, RFC 9053).
        not_before_s, not_after_s: seconds since 1970 between which it is valid, where it says so.
        issued_s: when it was issued, where it says so.
        usage: what a key must be for, where keys differ in that: "vaccination", "test", ...
    """

    algorithm: str
    kid: bytes
    issuer: str
    message: bytes
    signature: bytes
    not_before_s: float | None = None
    not_after_s: float | None = None
    issued_s: float | None = None
    usage: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """What a text was recognised as.

    Attributes:
        identity: whom it names, comparable within one `basis` only; "" where nobody.
        weak: the identity is starred or partial: recorded, never the ground for a decision.
        initials: what the visitor may see of it on the screen ("N. V. A."), or "".
        claims: what was understood, for the sealed part of the event only.
        proof: what is to be verified; None for a kind without signatures, or a broken code.
        flaw: in which layer it is broken; then all else but `kind` may be missing.
        for_another: somebody declares for the visitor.
        places: the sites for which it was issued; empty: any.
    """

    kind: Kind
    identity: str = ""
    basis: Basis = Basis.NONE
    weak: bool = False
    initials: str = ""
    claims: Claims | None = None
    proof: Proof | None = None
    flaw: Layer | None = None
    for_another: bool = False
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was checked: "signature", "holds", and more for people, or ""."""

    name: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What of a code is to be believed.

    Attributes:
        reason: why it is not, or None.
        time_known: False where a validity could not be checked as nobody knows the time.
        issuer: the name of the key that verified it, by the trust list, or "".
        steps: what was checked, in order.
    """

    trust: Trust
    reason: Reason | None = None
    time_known: bool = True
    issuer: str = ""
    steps: tuple[Step, ...] = ()
