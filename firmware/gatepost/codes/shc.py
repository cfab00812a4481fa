"""SMART Health Card: `shc:/` and two digits for each character of a JWS, its code minus 45.

The JWS (ES256) holds, packed by raw DEFLATE, a FHIR bundle: a patient and what was done to
them. Published at spec.smarthealth.cards; there a card cut into several codes is withdrawn.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.codes.dates import loose, moment
from gatepost.codes.fields import broken, mapping, seconds, sequence, string
from gatepost.codes.names import clean, initials
from gatepost.errors import Unreadable
from gatepost.model import Basis, Claims, Code, Kind, Layer, Proof
from gatepost.packing import inflate, jws, strict_json

if TYPE_CHECKING:
    from datetime import datetime

    from gatepost.packing.jws import Jws

_PREFIX = "shc:/"
_PART = re.compile(r"([0-9]{1,3})/([0-9]{1,3})/(.*)", re.DOTALL)
_SMALLEST = 45  # the code of "-", the first character that a JWS may hold
_NONE = 255
# By the byte that two digits would be in hexadecimal: the character that they are here.
_PAIRS = bytes(
    10 * (each >> 4) + (each & 15) + _SMALLEST
    if each & 15 < 10 and 10 * (each >> 4) + (each & 15) + _SMALLEST <= ord("z")
    else _NONE
    for each in range(256)
)
_MOST_IMMUNIZATIONS = 20
# Several times what the densest QR of a real bundle unpacks to: bytes, and values in them.
_MOST_JSON, _MOST_VALUES = 32 * 1024, 2500


@dataclass(frozen=True, slots=True)
class Immunization:
    """One vaccination: YYYY-MM-DD or less, and its code (CVX, as a rule)."""

    on: str
    code: str

    def __str__(self) -> str:
        return f"{self.on} {self.code}".strip()


@dataclass(frozen=True, slots=True)
class Shc(Claims):
    """What a SMART Health Card says; birth as YYYY-MM-DD, or less as far as it is told."""

    name: str
    birth: str
    immunizations: tuple[Immunization, ...]
    issuer: str
    issued: datetime | None
    expires: datetime | None


def recognise(text: str) -> Code | None:
    """A SMART Health Card, or None when it is none."""
    if text[: len(_PREFIX)].lower() != _PREFIX:
        return None
    body = text[len(_PREFIX) :].strip()
    part = _PART.fullmatch(body)
    if part:
        if (part[1], part[2]) != ("1", "1"):
            return Code(Kind.SHC, flaw=Layer.PARTIAL)
        body = part[3]
    try:
        return _card(jws.parse(_letters(body)))
    except Unreadable as error:
        return broken(Kind.SHC, error)


def _letters(digits: str) -> str:
    """The JWS that pairs of digits stand for. Raises Unreadable(ENCODING)."""
    try:
        letters = binascii.unhexlify(digits).translate(_PAIRS)
    except ValueError as error:  # also where a character is not ASCII
        raise Unreadable(Layer.ENCODING, "not two digits for each character") from error
    if _NONE in letters:
        raise Unreadable(Layer.ENCODING, "two digits that are no character")
    return letters.decode("ascii")


def _card(token: Jws) -> Code:
    if token.header.get("zip") != "DEF":
        raise Unreadable(Layer.STRUCTURE, "not packed as it must be: zip")
    told = strict_json.loads(inflate.raw_inflated(token.payload), _MOST_JSON, _MOST_VALUES)
    told = mapping(told, "the card", Layer.STRUCTURE)
    kid = string(token.kid, "kid") if token.kid else ""
    issuer = _issuer(told.get("iss"))
    issued_s = seconds(told.get("nbf"), "nbf")
    expires_s = seconds(told["exp"], "exp") if "exp" in told else None
    name, birth, immunizations = _people(told)
    proof = Proof(
        algorithm=token.algorithm,
        kid=kid.encode(),
        issuer=issuer,
        message=token.message,
        signature=token.signature,
        not_before_s=issued_s,
        not_after_s=expires_s,
        issued_s=issued_s,
    )
    return Code(
        Kind.SHC,
        identity=hashlib.sha256(token.payload).hexdigest(),  # the card: many share name and birth
        basis=Basis.CONTENT,
        initials=initials(name),
        claims=Shc(name, birth, immunizations, issuer, moment(issued_s), moment(expires_s)),
        proof=proof,
    )


def _issuer(value: Any) -> str:
    """The issuer's URL, as the specification has it: https, and no slash at its end."""
    issuer = string(value, "iss", 500)
    if not issuer.startswith("https://") or issuer.endswith("/"):
        raise Unreadable(Layer.CONTENT, "iss is no URL of an issuer")
    return issuer


def _people(told: dict[str, Any]) -> tuple[str, str, tuple[Immunization, ...]]:
    """The patient's name and birth, and the vaccinations, of a FHIR bundle (R4)."""
    subject = mapping(mapping(told.get("vc"), "vc").get("credentialSubject"), "the subject")
    bundle = mapping(subject.get("fhirBundle"), "the bundle")
    entries = [mapping(each, "an entry") for each in sequence(bundle.get("entry"), "entry")]
    resources = [mapping(each.get("resource"), "a resource") for each in entries]
    patients = [each for each in resources if each.get("resourceType") == "Patient"]
    if len(patients) != 1:
        raise Unreadable(Layer.CONTENT, f"{len(patients)} patients instead of one")
    shots = [each for each in resources if each.get("resourceType") == "Immunization"]
    name, birth = _name(patients[0].get("name")), patients[0].get("birthDate")
    given = map(_immunization, shots[:_MOST_IMMUNIZATIONS])
    return (
        name,
        loose(birth) if isinstance(birth, str) else "",
        tuple(each for each in given if str(each)),
    )


def _name(names: Any) -> str:
    """The first of a patient's names: given names, then the family's; or its text."""
    first = mapping(next(iter(sequence(names, "name")), None), "a name")
    if "family" not in first and "given" not in first:
        return clean(string(first.get("text"), "a name's text"))
    parts = [string(each, "a given name") for each in sequence(first.get("given", []), "given")]
    if "family" in first:
        parts.append(string(first["family"], "family"))
    return clean(string(" ".join(parts), "the name"))


def _immunization(resource: dict[str, Any]) -> Immunization:
    on = resource.get("occurrenceDateTime")
    codings = mapping(resource.get("vaccineCode", {}), "vaccineCode").get("coding", [])
    code = mapping(next(iter(sequence(codings, "coding")), {}), "a coding").get("code")
    return Immunization(
        loose(on[:10]) if isinstance(on, str) else "",
        string(code, "a vaccine's code", 40) if isinstance(code, str) and code else "",
    )
