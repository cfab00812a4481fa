"""Vietnamese health-insurance card (BHYT).

`card number|name in hexadecimal UTF-8|birth DD/MM/YYYY|gender|...|$`

The form seen in public code; no official text confirms it. So the first three fields make it
a card, the fourth is taken where it is plain, and all behind it is kept out. A number of 15 is
like nothing else: then an odd name or date costs them alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatepost.codes.dates import loose
from gatepost.codes.names import clean, initials
from gatepost.model import Basis, Claims, Code, Kind

# Since 2021 a card may bear the social-insurance number alone, ten digits. The older number of
# 15 puts group, benefit and province before the same ten: GD 4 79 7930001234. Those change with
# job and home, the ten stay with the person: they are the identity, from either card.
_NUMBER = re.compile(r"(?:[A-Za-z]{2}[0-9]{3})?(?P<person>[0-9]{10})")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,360}")
_PLAIN = 10  # digits; with as many, only a name in hexadecimal and a date make it a card
_GENDER = re.compile(r"[0-9]|Nam|Nữ")
_NAME_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Bhyt(Claims):
    """What an insurance card says; birth as YYYY-MM-DD, or less as far as it is told."""

    card: str
    name: str
    birth: str
    gender: str


def recognise(text: str) -> Code | None:
    """An insurance card, or None when it is none."""
    parts = text.split("|", 4)
    if len(parts) < 3:
        return None
    number, coded, birth = (part.strip() for part in parts[:3])
    found = _NUMBER.fullmatch(number)
    if not found:
        return None
    name, birth = _name(coded), loose(birth)
    if len(number) == _PLAIN and not (name and birth):
        return None
    gender = clean(parts[3][:10]) if len(parts) > 3 else ""
    return Code(
        Kind.BHYT,
        identity=found["person"],
        basis=Basis.INSURANCE,
        initials=initials(name),
        claims=Bhyt(
            card=number.upper(),
            name=name,
            birth=birth,
            gender=gender if _GENDER.fullmatch(gender) else "",
        ),
    )


def _name(coded: str) -> str:
    """The name, or "" where it is no hexadecimal, no UTF-8 or too long."""
    if not _HEX.fullmatch(coded):  # fromhex would let spaces pass
        return ""
    try:
        name = clean(bytes.fromhex(coded).decode("utf-8"))
    except ValueError:
        return ""
    return name if len(name) <= _NAME_LONGEST else ""
