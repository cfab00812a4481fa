"""PC-Covid personal code, Decision 1405/QD-BTTTT (11 Sep 2021), v1.1.

`SoGiayTo|HoTen|NgaySinh|LoaiDinhDanh|QID|EXT`: document number (its first characters starred
by default), name in upper-case ASCII, birth date (day and month starred by default), 0 declared
by the person or 1 by somebody else, the person's id on the national platform, and an optional
extension of which nothing is certain but that it is one.
"""

from __future__ import annotations

import re

from gatepost.codes.names import initials
from gatepost.model import Basis, Code, Kind

_DOCUMENT = re.compile(r"[0-9A-Z*]{5,20}")
_BIRTH = re.compile(r"[0-9*]{1,4}[-/.][0-9*]{1,2}[-/.][0-9*]{1,4}|[0-9*]{4}|")
_QID = re.compile(r"[0-9A-Za-z_-]{4,64}")
_NAME_LONGEST = 120


def recognise(text: str) -> Code | None:
    """The claims of a PC-Covid code, or None when it is none."""
    parts = text.strip().split("|", 5)
    if len(parts) < 5:
        return None
    document, name, birth, declared, qid = (part.strip() for part in parts[:5])
    if declared not in {"0", "1"} or not 0 < len(name) <= _NAME_LONGEST:
        return None
    if not _DOCUMENT.fullmatch(document) or not _BIRTH.fullmatch(birth):
        return None
    if qid and not _QID.fullmatch(qid):
        return None
    identity, basis, weak = _whom(document, name, birth, qid)
    claims = {
        "document": document,
        "name": name,
        "birth": birth,
        "declared_by": "other" if declared == "1" else "self",
        "qid": qid,
        "ext": parts[5] if len(parts) == 6 else "",
    }
    return Code(
        Kind.PC_COVID,
        identity=identity,
        basis=basis,
        weak=weak,
        initials=initials(name),
        claims=tuple((key, value) for key, value in claims.items() if value),
    )


def _whom(document: str, name: str, birth: str, qid: str) -> tuple[str, Basis, bool]:
    """Identity, its basis, and whether it is weak. The QID is the stable key: preferred."""
    if qid:
        return qid, Basis.QID, False
    if "*" in document:
        return f"{document}|{name}|{birth}", Basis.CONTENT, True
    if document.isdecimal() and len(document) in {9, 12}:
        return document, Basis.CITIZEN, False
    return document, Basis.PASSPORT, False
