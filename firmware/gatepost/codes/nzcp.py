"""NZ COVID Pass: `NZCP:/1/` and Base32 of a COSE_Sign1 (ES256) over a CWT.

NZ COVID Pass - Technical Specification v1 (nzcp.covid19.health.nz). It says whose pass it is
and until when; never why.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gatepost.codes import cwt
from gatepost.codes.dates import loose, moment
from gatepost.codes.fields import broken, mapping, octets, string
from gatepost.codes.names import clean, initials
from gatepost.errors import Unreadable
from gatepost.model import Basis, Claims, Code, Kind, Layer

if TYPE_CHECKING:
    from datetime import datetime

    from gatepost.codes.cwt import Cwt

_PREFIX = "NZCP:/"
_FORM = re.compile(r"NZCP:/1/(.*)", re.DOTALL)
_CONTEXT = "https://www.w3.org/2018/credentials/v1"
_TYPES = ["VerifiableCredential", "PublicCovidPass"]
_VERSION = "1.0.0"
_NAME_LONGEST = 100
# Base32 (RFC 4648, 6) as the digits that int() reads; all else is none of them.
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DIGITS = bytes(b"0123456789abcdefghijklmnopqrstuv!"[_ALPHABET.find(n)] for n in range(256))


@dataclass(frozen=True, slots=True)
class Nzcp(Claims):
    """What a NZ COVID Pass says; `jti` is its id, birth YYYY-MM-DD."""

    given: str
    family: str
    birth: str
    issuer: str
    jti: str
    not_before: datetime | None
    expires: datetime | None


def recognise(text: str) -> Code | None:
    """A NZ COVID Pass, or None when it is none."""
    if text[: len(_PREFIX)].upper() != _PREFIX:
        return None
    found = _FORM.fullmatch(text.strip())
    if not found:  # another version, or the prefix in small letters
        return Code(Kind.NZCP, flaw=Layer.PREFIX)
    try:
        return _pass(cwt.parse(_base32(found[1])))
    except Unreadable as error:
        return broken(Kind.NZCP, error)


def _base32(text: str) -> bytes:
    """Base32, strict: no spare bits, padded in full or not at all. Raises Unreadable(ENCODING).

    As one large number, in a fraction of the time that the standard library takes.
    """
    digits = text.rstrip("=")
    bits = 5 * len(digits)
    padding = len(text) - len(digits)
    try:
        number = int(digits.encode("ascii").translate(_DIGITS), 32) if digits else 0
    except ValueError as error:
        raise Unreadable(Layer.ENCODING, "no Base32") from error
    spare = bits % 8
    if spare >= 5 or number & ((1 << spare) - 1) or padding not in (0, -len(digits) % 8):
        raise Unreadable(Layer.ENCODING, "Base32 with spare bits or padding")
    return (number >> spare).to_bytes(bits // 8, "big")


def _pass(token: Cwt) -> Code:
    kid = _kid(token.kid)
    issuer = string(token.claims.get(cwt.ISSUER), "iss")
    if not issuer.startswith("did:web:"):
        raise Unreadable(Layer.CONTENT, "iss is no did:web")
    subject = _subject(mapping(token.claims.get("vc"), "vc"))
    proof = token.proof(kid, issuer)
    if proof.not_before_s is None or proof.not_after_s is None:
        raise Unreadable(Layer.CONTENT, "nbf or exp is missing")
    given = clean(string(subject.get("givenName"), "givenName", _NAME_LONGEST))
    family = subject.get("familyName")
    family = clean(string(family, "familyName", _NAME_LONGEST)) if family else ""
    jti = uuid.UUID(bytes=token.identifier(range(16, 17))).urn
    return Code(
        Kind.NZCP,
        identity=jti,
        basis=Basis.CONTENT,
        initials=initials(f"{given} {family}"),
        claims=Nzcp(
            given=given,
            family=family,
            birth=loose(string(subject.get("dob"), "dob", 10)),
            issuer=issuer,
            jti=jti,
            not_before=moment(proof.not_before_s),
            expires=moment(proof.not_after_s),
        ),
        proof=replace(proof, issued_s=proof.not_before_s),  # its issuance date, by the spec
    )


def _kid(value: Any) -> bytes:
    """The key's id: text by the specification, a byte string in its own examples."""
    if isinstance(value, bytes):
        return octets(value, "kid", range(1, 201))
    return string(value, "kid").encode()


def _subject(vc: dict[Any, Any]) -> dict[Any, Any]:
    """Who it is for, where the credential is one of this specification."""
    context = vc.get("@context")
    if not isinstance(context, list) or context[:1] != [_CONTEXT]:
        raise Unreadable(Layer.CONTENT, "another @context")
    if vc.get("type") != _TYPES or vc.get("version") != _VERSION:
        raise Unreadable(Layer.CONTENT, "another type or version")
    return mapping(vc.get("credentialSubject"), "credentialSubject")
