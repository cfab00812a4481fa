"""Vietnamese citizen ID card (CCCD, 2021): seven fields in UTF-8.

`12-digit id|9-digit old number or empty|name|birth DDMMYYYY|Nam or Nữ|address|issued DDMMYYYY`

A later card may add fields behind these: they are let be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatepost.codes.dates import compact
from gatepost.codes.names import clean, initials
from gatepost.model import Basis, Claims, Code, Kind

_ID = re.compile(r"[0-9]{12}")
_OLD = re.compile(r"[0-9]{9}|")
_DATE = re.compile(r"[-0-9/.]{0,10}")
_FIELDS = range(7, 13)
_LONGEST = 200  # characters of a name or an address
_GENDER_LONGEST = 10


@dataclass(frozen=True, slots=True)
class Cccd(Claims):
    """What a citizen card says; dates as YYYY-MM-DD, or "" where they are none."""

    citizen_id: str
    old_id: str
    name: str
    birth: str
    gender: str
    address: str
    issued: str


def recognise(text: str) -> Code | None:
    """A citizen card, or None when it is none."""
    parts = text.split("|", _FIELDS.stop)
    if len(parts) not in _FIELDS:
        return None
    number, old, name, birth, gender, address, issued = (part.strip() for part in parts[:7])
    if not (_ID.fullmatch(number) and _OLD.fullmatch(old)):
        return None
    if not (_DATE.fullmatch(birth) and _DATE.fullmatch(issued)):
        return None
    if not name or max(len(name), len(address)) > _LONGEST or len(gender) > _GENDER_LONGEST:
        return None
    name = clean(name)
    return Code(
        Kind.CCCD,
        identity=number,
        basis=Basis.CITIZEN,
        initials=initials(name),
        claims=Cccd(
            citizen_id=number,
            old_id=old,
            name=name,
            birth=compact(birth),
            gender=clean(gender),
            address=clean(address),
            issued=compact(issued),
        ),
    )
