"""Vietnamese citizen ID card (CCCD, 2021): seven fields in UTF-8.

`12-digit id|9-digit old number or empty|name|birth DDMMYYYY|Nam or Nữ|address|issued DDMMYYYY`
"""

from __future__ import annotations

import re
import unicodedata

from gatepost.codes.names import initials
from gatepost.model import Basis, Code, Kind

_ID = re.compile(r"[0-9]{12}")
_OLD = re.compile(r"[0-9]{9}|")
_DATE = re.compile(r"[0-9]{8}|")
_FIELDS = ("citizen_id", "old_id", "name", "birth", "gender", "address", "issued")


def recognise(text: str) -> Code | None:
    """The claims of a citizen card, or None when it is none."""
    parts = [unicodedata.normalize("NFC", part).strip() for part in text.strip().split("|")]
    if len(parts) != len(_FIELDS):
        return None
    number, old, name, birth, _gender, _address, issued = parts
    if not (_ID.fullmatch(number) and _OLD.fullmatch(old) and name):
        return None
    if not (_DATE.fullmatch(birth) and _DATE.fullmatch(issued)):
        return None
    return Code(
        Kind.CCCD,
        identity=number,
        basis=Basis.CITIZEN,
        initials=initials(name),
        claims=tuple((key, value) for key, value in zip(_FIELDS, parts, strict=True) if value),
    )
