"""Whatever stands in x5c: a ContractError, no other error and no warning (warnings are errors)."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from contract.issuing import CERTIFIES, Holder, b64url, ca, root, token, usage
from gatepost.errors import ContractError
from gatepost.signing import CHECKPOINT, verify

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_CA = x509.BasicConstraints(ca=False, path_length=None)


def version(tbs: bytes, number: int) -> bytes:
    return tbs.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01" + bytes([number]), 1)


def test_a_version_that_does_not_exist_is_named() -> None:
    top = root()
    leaf = top.issue("gp-1")
    odd = top.sign(version(leaf.certificate.tbs_certificate_bytes, 9))
    with pytest.raises(ContractError, match="no certificate that is understood"):
        verify(token(leaf, odd), CHECKPOINT, [top.certificate], NOW)


def test_a_negative_serial_number_warns_nobody() -> None:
    top = root()
    leaf = top.issue("gp-1")
    tbs = bytearray(leaf.certificate.tbs_certificate_bytes)
    tbs[tbs.index(b"\xa0\x03\x02\x01\x02") + 7] |= 0x80
    try:
        told = verify(token(leaf, top.sign(bytes(tbs))), CHECKPOINT, [top.certificate], NOW)
    except ContractError:  # a later cryptography may refuse it
        return
    assert told.signer == "gp-1"


def mutated(draw: random.Random, data: bytes) -> bytes:
    """A few bytes are changed, cut out, put in or said twice."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(changed))
        to = at + draw.randint(0, 4)
        changed[at:to] = draw.choice(
            [bytes([draw.randrange(256)]), b"", changed[at:to] * 2, draw.randbytes(to - at)]
        )
    return bytes(changed)


def hostile(draw: random.Random, top: Holder, between: Holder, leaf: Holder) -> str:
    """A token with something wrong in it, certified by the authority where that is possible."""
    own, above = (each.certificate.tbs_certificate_bytes for each in (leaf, between))
    match draw.randrange(6):
        case 0:
            return token(leaf, mutated(draw, leaf.der), between.der)
        case 1:
            return token(leaf, between.sign(mutated(draw, own)), between.der)
        case 2:
            return token(leaf, leaf.der, top.sign(mutated(draw, above)))
        case 3:
            return token(leaf, leaf.der, mutated(draw, between.der))
        case 4:
            return mutated(draw, token(leaf, leaf.der, between.der).encode()).decode("latin-1")
        case _:
            head, rest = token(leaf, leaf.der, between.der).split(".", 1)
            return f"{b64url(mutated(draw, base64.urlsafe_b64decode(head + '==')))}.{rest}"


def test_no_certificate_or_token_raises_anything_else() -> None:
    draw = random.Random(1)
    top = root()
    between = top.issue("between", ca(), CERTIFIES)
    names = x509.SubjectAlternativeName([x509.DNSName("gp-1")])
    leaf = between.issue(
        "gp-1",
        usage("digital_signature"),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
        names,
        NO_CA,
    )
    refused = []
    for _ in range(6000):
        try:
            verify(hostile(draw, top, between, leaf), CHECKPOINT, [top.certificate], NOW)
        except ContractError as error:
            refused.append(str(error))
    assert 5000 < len(refused) < 6000  # some changes matter to nobody: a serial number, say
    assert all(each.isprintable() and len(each) < 200 for each in refused)
