"""EU Digital COVID Certificate, the format of Vietnam's vaccine passport too (Decision 5772).

`HC1:` + Base45 (RFC 9285) of zlib of COSE_Sign1 (RFC 9052) of a CWT (RFC 8392) whose claim
-260 holds {1: the certificate}. A person, one sort of entry and its date must be there. What only
describes may be missing: there are issuers who leave out the id or a test's result, and their
certificates are certificates. Lenient where issuers differ: null for what is absent,
dates with a time, times as floats or, in the first version, as numbers of seconds or
milliseconds, doses as text, several entries of one sort, of which the newest counts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from gatepost.codes.dates import moment
from gatepost.codes.names import initials
from gatepost.errors import Unreadable
from gatepost.model import Basis, Claims, Code, Kind, Layer, Proof
from gatepost.packing import base45, cbor, cose, inflate

_PREFIX = "HC1:"
_WRONG_PREFIX = re.compile(r"HC[0-9]:(?=[0-9A-Z $%*+\-./:]{20})")
_ZLIB = ("6BF", "NCF", "V7F", "Y9F")  # Base45 of how a zlib stream begins, at its four levels
_FARTHEST = 5  # characters before it, where the prefix is damaged

_ISS, _EXP, _NBF, _IAT, _HCERT = 1, 4, 5, 6, -260
_LATEST_S = 2.0**53  # beyond it a float counts no seconds
_LONGEST = 200  # characters of a text; the standard has 80

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_PARTIAL = re.compile(r"(?:19|20)[0-9]{2}(?:-(?:0[1-9]|1[0-2]))?")
_WHAT = {"v": "vaccination", "t": "test", "r": "recovery"}
_DATED = {"v": "dt", "t": "sc", "r": "fr"}
# The texts of an entry; its date is the fifth.
_FIELDS = {
    "v": ("ci", "co", "is", "tg", "dt", "vp", "mp", "ma"),
    "t": ("ci", "co", "is", "tg", "sc", "tt", "tr", "nm", "ma", "tc"),
    "r": ("ci", "co", "is", "tg", "fr", "df", "du"),
}
_DOSE = re.compile(r"[1-9][0-9]?")
_MILLISECONDS = 10**11  # from here on a number of seconds would be a date in the year 5138
_RESULTS = {"260415000": "not detected", "260373001": "detected"}  # SNOMED CT
_TEXTS, _MAPS = {str}, {dict}
_Common: TypeAlias = tuple[str, str, str, str, str]  # what, both names, birth, version


@dataclass(frozen=True, slots=True)
class Dcc(Claims):
    """What every certificate says; codes of value sets as they are, dates as YYYY-MM-DD.

    Attributes:
        what: "vaccination", "test" or "recovery".
        name_transliterated: as in a passport, surname<<given names.
        birth: may be partial: "1964", "1964-08", "".
        certificate: its unique id (UVCI), or "".
        country, issuer: by whom it was issued.
        disease: SNOMED CT.
        date: of the vaccination, of the first positive test, or when the sample was taken.
    """

    what: str
    name: str
    name_transliterated: str
    birth: str
    version: str
    certificate: str
    country: str
    issuer: str
    disease: str
    date: str


@dataclass(frozen=True, slots=True)
class Vaccination(Dcc):
    """What one of a vaccination says beyond that: which dose of how many."""

    vaccine: str
    product: str
    maker: str
    dose: int | None
    doses: int | None


@dataclass(frozen=True, slots=True)
class Test(Dcc):
    """What one of a test says; `result` is "detected", "not detected", or a code."""

    test_type: str
    result: str
    test_name: str
    maker: str
    centre: str


@dataclass(frozen=True, slots=True)
class Recovery(Dcc):
    """What one of a recovery says: from when until when it counts, by its issuer."""

    valid_from: str
    valid_until: str


def recognise(text: str) -> Code | None:
    """A certificate, whole or broken; None where it is none."""
    text = text.strip("\r\n\t")
    if not text.startswith(_PREFIX):
        return Code(Kind.DCC, flaw=Layer.PREFIX) if _lost_its_prefix(text) else None
    try:
        return _code(cose.parse(inflate.zlib_inflated(base45.decode(text[4:]))))
    except Unreadable as error:
        return Code(Kind.DCC, flaw=Layer(error.layer))


def _lost_its_prefix(text: str) -> bool:
    """Another version's prefix, or what unpacks once a damaged prefix is taken off."""
    if _WRONG_PREFIX.match(text):
        return True
    for begin in _ZLIB:
        place = text.find(begin, 0, _FARTHEST + len(begin))
        if place >= 0:
            try:
                cose.parse(inflate.zlib_inflated(base45.decode(text[place:])))
            except Unreadable:
                continue
            return True
    return False


def _code(signed: cose.Sign1) -> Code:
    claims = cbor.loads(signed.payload)
    holder = claims.get(_HCERT) if type(claims) is dict else None
    content = holder.get(1) if type(holder) is dict else None
    if type(content) is not dict:
        raise Unreadable(Layer.STRUCTURE, "no certificate in the claims")
    told = _claims(content)
    issuer = claims.get(_ISS)
    proof = Proof(
        signed.algorithm,
        signed.kid,
        issuer if type(issuer) is str else "",
        cose.to_be_signed(signed.protected, signed.payload),
        signed.signature,
        _seconds(claims.get(_NBF)),
        _seconds(claims.get(_EXP)),
        _seconds(claims.get(_IAT)),
        told.what,
    )
    surname, _, given = told.name_transliterated.partition("<<")
    shown = initials(f"{given} {surname}".replace("<", " ") if surname else told.name)
    identity = told.certificate or hashlib.sha256(signed.payload).hexdigest()
    return Code(Kind.DCC, identity, Basis.CONTENT, False, shown, told, proof)


def _claims(content: dict[Any, Any]) -> Dcc:
    """What a certificate says. Raises Unreadable(CONTENT) where it is not what it must be."""
    sort, entry = _entry(content)
    names = content.get("nam")
    if type(names) is not dict:
        raise _lacking("nam")
    version: Any = content.get("ver")
    birth: Any = content.get("dob")
    parts = [names.get(part) or "" for part in ("fnt", "gnt", "fn", "gn")]
    _check_texts(version, birth, *parts)
    surname, given, last, first = parts
    if not any(parts):
        raise _lacking("a name")
    if not _VERSION.fullmatch(version):
        raise _lacking("ver")
    common = (
        _WHAT[sort],
        f"{first} {last}" if first and last else first or last,
        f"{surname}<<{given}" if given else surname,
        _day(birth) if birth else "",
        version,
    )
    return _OF_SORT[sort](entry, common)


def _entry(content: dict[Any, Any]) -> tuple[str, dict[Any, Any]]:
    """Of which sort it is, and the newest entry: exactly one sort may have entries."""
    sorts = [sort for sort in _WHAT if content.get(sort)]
    if len(sorts) != 1:
        raise Unreadable(Layer.CONTENT, "not exactly one of v, t and r")
    sort = sorts[0]
    entries = content[sort]
    if type(entries) is not list or {*map(type, entries)} != _MAPS:
        raise _lacking(sort)
    if len(entries) == 1:
        return sort, entries[0]
    return sort, max(entries, key=lambda each: str(each.get(_DATED[sort])))


def _vaccination(entry: dict[Any, Any], common: _Common) -> Dcc:
    ci, co, by, target, given, vaccine, product, maker = _told("v", entry)
    dose, doses = _count(entry.get("dn")), _count(entry.get("sd"))
    day = _day(given)
    return Vaccination(*common, ci, co, by, target, day, vaccine, product, maker, dose, doses)


def _test(entry: dict[Any, Any], common: _Common) -> Dcc:
    ci, co, by, target, sampled, test_type, result, name, maker, centre = _told("t", entry)
    _check_moment(sampled)
    result = _RESULTS.get(result, result)
    day = _day(sampled)
    return Test(*common, ci, co, by, target, day, test_type, result, name, maker, centre)


def _recovery(entry: dict[Any, Any], common: _Common) -> Dcc:
    ci, co, by, target, first, begin, end = _told("r", entry)
    begin, end = (_day(each) if each else "" for each in (begin, end))
    return Recovery(*common, ci, co, by, target, _day(first), begin, end)


_OF_SORT = {"v": _vaccination, "t": _test, "r": _recovery}


def _told(sort: str, entry: dict[Any, Any]) -> list[str]:
    """The texts of an entry, "" for what is absent."""
    told = [entry.get(name) or "" for name in _FIELDS[sort]]
    if type(told[4]) is int:
        at = moment(told[4] / 1000 if told[4] >= _MILLISECONDS else told[4])
        told[4] = at.isoformat() if at else ""
    _check_texts(*told)
    return told


def _count(value: Any) -> int | None:
    """A number of doses, None where it is not told."""
    if value is None:
        return None
    if type(value) not in (int, str) or not _DOSE.fullmatch(str(value)):
        raise _lacking("dn or sd")
    return int(value)


def _check_texts(*values: Any) -> None:
    """Texts, of a length that a person's certificate can have."""
    if {*map(type, values)} != _TEXTS or max(map(len, values)) > _LONGEST:
        raise _lacking("a text")


def _lacking(member: str) -> Unreadable:
    return Unreadable(Layer.CONTENT, f"{member} is missing, or not what it must be")


def _day(text: str) -> str:
    """A date, a date with a time, a year with or without a month; the time falls away."""
    day = text[:10]
    try:
        if day[4:8:3] == "--" and day < "2100" and text[10:11] in ("", "T", " "):
            date.fromisoformat(day)
            return day
    except ValueError:
        pass
    if _PARTIAL.fullmatch(text):
        return text
    raise _lacking("a date")


def _check_moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise _lacking("a time") from error


def _seconds(value: Any) -> float | None:
    """Seconds since 1970, whole or not; None where nothing is said."""
    if value is None:
        return None
    if type(value) not in (int, float) or not -_LATEST_S <= value <= _LATEST_S:
        raise Unreadable(Layer.CONTENT, "a time that is none")
    return float(value)
