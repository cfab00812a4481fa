"""Codes of places: what hangs at a door for visitors to scan, and must never count as a visitor.

The national platforms' payloads are not public: any URL of their domains is a site code. A
prefix that is known makes a site code also of one that is broken: it is a poster all the same.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.codes.fields import SITE_ID, mapping, string
from gatepost.codes.url import host
from gatepost.errors import Unreadable
from gatepost.model import Claims, Code, Kind, Layer
from gatepost.packing import jws, strict_json

if TYPE_CHECKING:
    from collections.abc import Callable

_OWN = re.compile(rf"({SITE_ID})(?:;(.{{1,120}}))?")


@dataclass(frozen=True, slots=True)
class Site(Claims):
    """What a place's code says of the place.

    Attributes:
        platform: whose code it is: "pc-covid", "nz", "uk", "gatepost".
        site: the place's id on its platform.
        place: its name.
        address: as it stands, or a postcode.
    """

    platform: str
    site: str = ""
    place: str = ""
    address: str = ""


def _nz(rest: str) -> Site:
    """Base64 JSON `{gln,ver,typ,opn,adr}`, New Zealand's tracing QR specification of 2020."""
    told = mapping(strict_json.loads(_base64(rest)), "the place")
    return Site("nz", _text(told, "gln"), _text(told, "opn"), _text(told, "adr"))


def _uk(rest: str) -> Site:
    """A JWS over `{id,opn,vt,pc}`; the poster's signature helps no visitor: not checked."""
    told = mapping(strict_json.loads(jws.parse(rest).payload), "the venue")
    return Site("uk", _text(told, "id"), _text(told, "opn"), _text(told, "pc"))


def _own(rest: str) -> Site:
    """Our own: `GATEPOST-SITE:` and the site's id, then `;` and its name where it has one."""
    found = _OWN.fullmatch(rest)
    if not found:
        raise Unreadable(Layer.CONTENT, "no site id")
    return Site("gatepost", found[1], found[2] or "")


# A place's kind is a line: by its domain, or by its prefix, in upper case.
_DOMAINS = {"tokhaiyte.vn": "pc-covid", "pccovid.gov.vn": "pc-covid"}
_PREFIXES: dict[str, tuple[str, Callable[[str], Site]]] = {
    "NZCOVIDTRACER:": ("nz", _nz),
    "UKC19TRACING:1:": ("uk", _uk),
    "UKC19TRACING:": ("uk", _uk),
    "GATEPOST-SITE:": ("gatepost", _own),
}
_LONGEST = max(map(len, _PREFIXES))
_STARTS = tuple(_PREFIXES)


def recognise(text: str) -> Code | None:
    """A site code, or None when it is none."""
    text = text.strip()
    start = text[:_LONGEST].upper()
    if start.startswith(_STARTS):
        return _prefixed(text, next(each for each in _STARTS if start.startswith(each)))
    name = host(text)
    for domain, platform in _DOMAINS.items():
        if name == domain or name.endswith("." + domain):
            return Code(Kind.SITE, claims=Site(platform))
    return None


def _prefixed(text: str, prefix: str) -> Code:
    platform, parse = _PREFIXES[prefix]
    try:
        return Code(Kind.SITE, claims=parse(text[len(prefix) :]))
    except Unreadable as error:
        return Code(Kind.SITE, claims=Site(platform), flaw=Layer(error.layer))


def _text(told: dict[Any, Any], name: str) -> str:
    """A text of the place; what is missing or none is left out."""
    value = told.get(name)
    return string(value, name) if isinstance(value, str) and value else ""


def _base64(text: str) -> bytes:
    """Base64 of either alphabet, padded or not."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError as error:  # also where a character is not ASCII
        raise Unreadable(Layer.ENCODING, "no Base64") from error
