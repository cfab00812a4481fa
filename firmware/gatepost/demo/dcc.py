"""An invented vaccine passport in the shape of the EU Digital COVID Certificate.

claims -> CBOR -> COSE_Sign1 -> zlib -> Base45 -> "HC1:..."
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.demo.issuers import kid
from gatepost.packing import base45, cbor

if TYPE_CHECKING:
    import random

    from gatepost.demo.issuers import Es256Key

ISSUER, EXPIRES, ISSUED, CERTIFICATE = 1, 4, 6, -260  # CWT claims
NEVER_AGES = 4_102_358_400  # 2099-12-31: a demo must work in any year
LONG_PAST = 1_672_444_800  # 2022-12-31
_FIRST_ISSUED = 1_640_995_200  # 2022-01-01


@dataclass(frozen=True, slots=True)
class Holder:
    """An invented person: names in ASCII, the date of birth as YYYY-MM-DD."""

    family: str
    given: str
    born: str


def _certificate(holder: Holder, rng: random.Random) -> dict[str, Any]:
    vaccination = {
        "tg": "840539006",
        "vp": "1119349007",
        "mp": "EU/1/20/1528",
        "ma": "ORG-100030215",
        "dn": 2,
        "sd": 2,
        "dt": f"2021-{rng.randint(8, 12):02}-{rng.randint(1, 28):02}",
        "co": "VN",
        "is": "Ministry of Examples",
        "ci": f"URN:UVCI:01:VN:{rng.getrandbits(80):020X}#{base45.ALPHABET[rng.randrange(36)]}",
    }
    name = {
        "fn": holder.family,
        "gn": holder.given,
        "fnt": holder.family.upper().replace(" ", "<"),
        "gnt": holder.given.upper().replace(" ", "<"),
    }
    return {"ver": "1.3.0", "nam": name, "dob": holder.born, "v": [vaccination]}


def invent_passport(
    holder: Holder, rng: random.Random, key: Es256Key, expires: int = NEVER_AGES
) -> str:
    """Make the text of a vaccine passport of an invented person.

    Args:
        holder: whose.
        rng: where the certificate's number and its dates come from.
        key: signs it.
        expires: until when it is valid, seconds since 1970.

    Returns:
        "HC1:" and 500 to 600 characters of Base45.
    """
    claims = {
        ISSUER: "VN",
        EXPIRES: expires,
        ISSUED: _FIRST_ISSUED + rng.randrange(90) * 86_400,
        CERTIFICATE: {1: _certificate(holder, rng)},
    }
    signed = key.sign1(cbor.dumps(claims), kid(key))
    return "HC1:" + base45.encode(zlib.compress(signed, 9))
