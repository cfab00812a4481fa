"""An invented vaccine passport in the shape of the EU Digital COVID Certificate.

    claims -> CBOR -> COSE_Sign1 -> zlib -> Base45 -> "HC1:..."

Right in its shape alone: its signature is random bytes and nobody ever issued it, so a
station can only find that it does not know the key.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import random

Cbor: TypeAlias = "int | str | bytes | list[Cbor] | dict[int | str, Cbor]"

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
COSE_SIGN1 = b"\xd2"  # CBOR tag 18
ALGORITHM, KEY_ID, ES256 = 1, 4, -7  # COSE header labels, and ECDSA on P-256
ISSUER, EXPIRES, ISSUED, CERTIFICATE = 1, 4, 6, -260  # CWT claims
NEVER_AGES = 4_102_358_400  # 2099-12-31: a demo must work in any year


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | extra]) + value.to_bytes(size, "big")
    raise OverflowError("an integer of CBOR has at most 64 bits")


def cbor(value: Cbor) -> bytes:
    """Write `value` as CBOR (RFC 8949). Raises OverflowError beyond 64-bit integers."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    pairs = (cbor(key) + cbor(item) for key, item in value.items())
    return _head(5, len(value)) + b"".join(pairs)


def base45(data: bytes) -> str:
    """Write `data` as Base45 (RFC 9285): three characters for two bytes, two for a last one."""
    out = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            out.append(BASE45[digit])
    return "".join(out)


def _certificate(family: str, given: str, born: str, rng: random.Random) -> Cbor:
    vaccination: Cbor = {
        "tg": "840539006",
        "vp": "1119349007",
        "mp": "EU/1/20/1528",
        "ma": "ORG-100030215",
        "dn": 2,
        "sd": 2,
        "dt": f"2021-{rng.randint(8, 12):02}-{rng.randint(1, 28):02}",
        "co": "VN",
        "is": "Ministry of Examples",
        "ci": f"URN:UVCI:01:VN:{rng.getrandbits(80):020X}#{BASE45[rng.randrange(36)]}",
    }
    name: Cbor = {
        "fn": family,
        "gn": given,
        "fnt": family.upper().replace(" ", "<"),
        "gnt": given.upper().replace(" ", "<"),
    }
    return {"ver": "1.3.0", "nam": name, "dob": born, "v": [vaccination]}


def invent_passport(family: str, given: str, born: str, rng: random.Random) -> str:
    """Make the text of a vaccine passport of an invented person.

    Args:
        family: the family name, ASCII.
        given: the given names, ASCII.
        born: the date of birth, YYYY-MM-DD.
        rng: where the key id, the certificate's number and the signature come from.

    Returns:
        "HC1:" and 500 to 600 characters of Base45.
    """
    claims: Cbor = {
        ISSUER: "VN",
        EXPIRES: NEVER_AGES,
        ISSUED: 1_640_995_200 + rng.randrange(90) * 86_400,
        CERTIFICATE: {1: _certificate(family, given, born, rng)},
    }
    protected = cbor({ALGORITHM: ES256, KEY_ID: rng.randbytes(8)})
    signed = COSE_SIGN1 + cbor([protected, {}, cbor(claims), rng.randbytes(64)])
    return "HC1:" + base45(zlib.compress(signed, 9))
