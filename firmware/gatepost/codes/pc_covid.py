"""PC-Covid personal code, Decision 1405/QD-BTTTT (11 Sep 2021), v1.1.

`SoGiayTo|HoTen|NgaySinh|LoaiDinhDanh|QID|EXT`: document number (its first characters starred
by default), name in upper-case ASCII, birth date (day and month starred by default), 0 declared
by the person or 1 by somebody else, the person's id on the national platform, and an optional
extension. Of EXT neither the order nor the number of parts is certain; the one public sample
parts them by `<`. What is certain by its form is taken from it, the rest stands in `ext`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatepost.codes.dates import loose
from gatepost.codes.names import clean, initials
from gatepost.model import Basis, Claims, Code, Kind

_DOCUMENT = re.compile(r"[0-9A-Za-z*]{5,14}")
_CITIZEN = re.compile(r"[0-9]{9}|[0-9]{12}")
_BIRTH = re.compile(r"[-0-9*/. ]{0,20}")
_QID = re.compile(r"[!-{}~]{1,128}")  # printable ASCII; its true form is not public
_NAME_LONGEST = 120

_EXT_PARTS = re.compile(r"[<|]")
_MOST_PARTS = 64  # what stands behind them is the last, as it is
_GENDER = re.compile(r"[012]")
_INSURANCE = re.compile(r"[A-Z]{2}[0-9*]{8,13}")
_PHONE = re.compile(r"(?:\+?84|0)[35789][0-9*]{8}")
_DECLARER = re.compile(r"[0-9A-Za-z_-]{6,64}")


@dataclass(frozen=True, slots=True)
class PcCovid(Claims):
    """What a PC-Covid code says; what stars hide stays starred.

    Attributes:
        birth: YYYY-MM-DD, or less of it as far as it is told, or "" where it is no date.
        declared_by: "self" or "other".
        declarer: the QID of who declared, never the visitor's.
        gender: 0, 1 or 2 as it stands: the decision does not say which is which.
        ext: the parts of EXT that are not certain, as they stand, parted by `<`.
    """

    document: str
    name: str
    birth: str
    declared_by: str
    qid: str
    declarer: str = ""
    gender: str = ""
    insurance: str = ""
    phone: str = ""
    ext: str = ""


def recognise(text: str) -> Code | None:
    """A PC-Covid code, or None when it is none."""
    parts = text.split("|", 5)
    if len(parts) < 5:
        return None
    document, name, birth, declared, qid = (part.strip() for part in parts[:5])
    if declared not in {"0", "1"} or not _DOCUMENT.fullmatch(document):
        return None
    if not _BIRTH.fullmatch(birth) or (qid and not _QID.fullmatch(qid)) or not _is_name(name):
        return None
    name, birth = clean(name), loose(birth)
    identity, basis, weak = _whom(document, name, birth, qid)
    claims = PcCovid(
        document=document,
        name=name,
        birth=birth,
        declared_by="other" if declared == "1" else "self",
        qid=qid,
        **_extension(parts[5] if len(parts) == 6 else "", qid),
    )
    return Code(
        Kind.PC_COVID,
        identity=identity,
        basis=basis,
        weak=weak,
        initials=initials(name),
        claims=claims,
        for_another=declared == "1",
    )


def _is_name(name: str) -> bool:
    return len(name) <= _NAME_LONGEST and any(each.isalpha() or each == "*" for each in name)


def _whom(document: str, name: str, birth: str, qid: str) -> tuple[str, Basis, bool]:
    """Identity, its basis, and whether it is weak. The QID is the stable key: preferred."""
    if qid and "*" not in qid:
        return qid, Basis.QID, False
    if "*" in document:
        return f"{document}|{name}|{birth}", Basis.CONTENT, True
    if _CITIZEN.fullmatch(document):
        return document, Basis.CITIZEN, False
    return document.upper(), Basis.PASSPORT, False


def _extension(ext: str, qid: str) -> dict[str, str]:
    """What of EXT is certain by its form, each at most once, and the rest."""
    rest = [part for part in map(str.strip, _EXT_PARTS.split(ext, _MOST_PARTS)) if part]
    told = {}
    for name, form in (("gender", _GENDER), ("insurance", _INSURANCE), ("phone", _PHONE)):
        told[name] = next((part for part in rest if form.fullmatch(part)), "")
        if told[name]:
            rest.remove(told[name])
    told["declarer"] = _declarer(rest, qid)
    if told["declarer"]:
        rest.remove(told["declarer"])
    return told | {"ext": "<".join(rest)}


def _declarer(rest: list[str], qid: str) -> str:
    """The QID in EXT: the one part that can be it, or of several the one as long as `qid`."""
    fitting = [part for part in rest if _DECLARER.fullmatch(part) and not part.isalpha()]
    alike = [part for part in fitting if len(part) == len(qid)]
    for found in (alike, fitting):
        if len(found) == 1:
            return found[0]
    return ""
