"""Our own signed pass, for staff, guests and tickets: `GP1:` and Base45 of a COSE_Sign1.

Ed25519 over a CWT (RFC 8392), so small that it needs no compression: cti (the pass's random
id, 12 to 16 bytes), exp, nbf where it begins later, and one private claim, a map of the
holder's name, the role and the places. central.passes writes what is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.codes import cwt
from gatepost.codes.dates import moment
from gatepost.codes.fields import SITE_ID, broken, mapping, octets, sequence, string
from gatepost.codes.names import clean, initials
from gatepost.errors import Unreadable
from gatepost.model import Basis, Claims, Code, Kind, Layer
from gatepost.packing import base45, base64url

if TYPE_CHECKING:
    from datetime import datetime

    from gatepost.codes.cwt import Cwt

_FORM = re.compile(r"GP[0-9]{1,3}:(.*)", re.DOTALL)
_PREFIX = "GP1:"
_HOLDER = -65537  # the first label for private use, RFC 8392, 9.1
_NAME, _ROLE, _PLACES = 1, 2, 3  # in it
_ROLES = {1: "staff", 2: "guest", 3: "ticket"}
_ID_BYTES = range(12, 17)
_KID_BYTES = range(8, 9)
_NAME_LONGEST = 40
_PLACE = re.compile(SITE_ID)


@dataclass(frozen=True, slots=True)
class Pass(Claims):
    """What a pass says; no places: valid at any."""

    name: str
    role: str
    places: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None


def recognise(text: str) -> Code | None:
    """One of our passes, or None when it is none."""
    if text[:2] != "GP":
        return None
    found = _FORM.fullmatch(text.strip())  # no Base45 ends in its own space
    if not found:
        return None
    if not text.startswith(_PREFIX):  # another version
        return Code(Kind.PASS, flaw=Layer.PREFIX)
    try:
        return _pass(cwt.parse(base45.decode(found[1])))
    except Unreadable as error:
        return broken(Kind.PASS, error)


def _pass(token: Cwt) -> Code:
    proof = token.proof(octets(token.kid, "kid", _KID_BYTES))
    if proof.not_after_s is None:
        raise Unreadable(Layer.CONTENT, "exp is missing")
    holder = mapping(token.claims.get(_HOLDER, {}), "the holder")
    name = clean(string(holder[_NAME], "the name", _NAME_LONGEST)) if _NAME in holder else ""
    places = _places(holder.get(_PLACES, []))
    number = token.identifier(_ID_BYTES)
    return Code(
        Kind.PASS,
        identity=base64url.encode(number),
        basis=Basis.PASS,
        initials=initials(name),
        claims=Pass(
            name=name,
            role=_role(holder),
            places=places,
            valid_from=moment(proof.not_before_s),
            valid_until=moment(proof.not_after_s),
        ),
        proof=proof,
        places=places,
    )


def _role(holder: dict[Any, Any]) -> str:
    value = holder.get(_ROLE)
    if value is None:
        return ""
    if type(value) is not int or value not in _ROLES:
        raise Unreadable(Layer.CONTENT, "a role that is not known")
    return _ROLES[value]


def _places(value: Any) -> tuple[str, ...]:
    """The sites: one that is no site id would open no gate, or worse, an empty list all."""
    places = tuple(string(each, "a place", 63) for each in sequence(value, "places"))
    if not all(_PLACE.fullmatch(place) for place in places):
        raise Unreadable(Layer.CONTENT, "a place that is no site id")
    return places
