"""What of a code is believed: by which key, until when, for what, and with what doubt."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dccs import (
    EXPIRES,
    ISSUED,
    NOW,
    a_test,
    certificate,
    content,
    cwt,
    ec_key,
    kid_of,
    recovered,
    rsa_key,
    signature,
    signed,
    stamp,
    text,
    usage,
)
from hypothesis import given
from hypothesis import strategies as st

from gatepost import trust
from gatepost.codes import dcc
from gatepost.errors import TrustError
from gatepost.model import SIGNED, Checked, Code, Kind, Layer, Proof, Reason, Trust
from gatepost.packing import cbor, cose
from gatepost.trust.keys import OTHER_FORM

KID = b"kid-of-a"
OLD_ARC = "1.3.6.1.4.1.0.1847.2021.1"


def key(private: Any = None, **changed: Any) -> trust.TrustedKey:
    private = ec_key() if private is None else private
    return trust.TrustedKey(
        **{"kind": Kind.DCC, "issuer": "", "kid": KID, "key": private.public_key(), **changed}
    )


def listed(*keys: trust.TrustedKey, **changed: Any) -> trust.TrustList:
    return trust.TrustList(version=1, keys=keys or (key(),), **changed)


def code_of(claims: Any = None, **how: Any) -> Code:
    code = dcc.recognise(text(signed(claims, **how)))
    assert code is not None
    assert code.flaw is None
    return code


def check(code: Code | None = None, trusted: trust.TrustList | None = None, **now: Any) -> Checked:
    return trust.check(code or code_of(), trusted or listed(), stamp(**now))


def outcome(checked: Checked) -> tuple[Trust, Reason | None]:
    return checked.trust, checked.reason


VERIFIED = (Trust.VERIFIED, None)


def refused(reason: Reason) -> tuple[Trust, Reason]:
    return Trust.INVALID, reason


# --- form, algorithm, key, signature ---


def test_a_whole_code_of_a_trusted_key_is_verified() -> None:
    checked = check(trusted=listed(key(name="Ministry of Examples")))
    assert outcome(checked) == VERIFIED
    assert checked.issuer == "Ministry of Examples"
    assert checked.time_known
    assert [step.name for step in checked.steps] == [
        "form",
        "algorithm",
        "key",
        "signature",
        "usage",
        "revocation",
        "validity",
        "key-validity",
    ]
    assert {step.outcome for step in checked.steps} == {"holds"}


@pytest.mark.parametrize("kind", sorted(set(Kind) - SIGNED))
def test_a_kind_without_signatures_is_unsigned(kind: Kind) -> None:
    assert trust.check(Code(kind), listed(), stamp()) == Checked(Trust.UNSIGNED)


@pytest.mark.parametrize("kind", sorted(SIGNED))
@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        (Layer.PREFIX, Reason.DAMAGED_PREFIX),
        (Layer.ENCODING, Reason.DAMAGED_ENCODING),
        (Layer.COMPRESSION, Reason.DAMAGED_COMPRESSION),
        (Layer.STRUCTURE, Reason.DAMAGED_STRUCTURE),
        (Layer.CONTENT, Reason.DAMAGED_CONTENT),
        (Layer.PARTIAL, Reason.PART_OF_SEVERAL),
        (None, Reason.DAMAGED_STRUCTURE),
    ],
)
def test_a_broken_code_is_invalid_by_its_layer(
    kind: Kind, flaw: Layer | None, reason: Reason
) -> None:
    checked = trust.check(Code(kind, flaw=flaw), listed(), stamp())
    assert outcome(checked) == refused(reason)


def test_every_layer_has_its_reason() -> None:
    reasons = {trust.check(Code(Kind.DCC, flaw=each), listed(), stamp()).reason for each in Layer}
    assert len(reasons) == len(Layer)


@pytest.mark.parametrize("algorithm", [-8, -35, -36, -16, -257, -9, 5, "ES256K", "none", None, ""])
def test_another_algorithm_is_not_looked_at(algorithm: Any) -> None:
    code = code_of(protected={1: algorithm, 4: KID})
    assert outcome(check(code)) == refused(Reason.ALGORITHM_NOT_ALLOWED)


@pytest.mark.parametrize("kind", [Kind.SHC, Kind.NZCP, Kind.PASS, Kind.PRETIX])
@pytest.mark.parametrize("algorithm", ["none", "", "HS256", "RS256", "ES384", "PS256", "es256"])
def test_each_kind_has_its_algorithms(kind: Kind, algorithm: str) -> None:
    code = Code(kind, proof=Proof(algorithm, b"", "", b"", b""))
    assert outcome(check(code)) == refused(Reason.ALGORITHM_NOT_ALLOWED)


def test_the_algorithm_is_the_keys_and_not_the_codes() -> None:
    claims_rsa = code_of(protected={1: -37, 4: KID})
    assert outcome(check(claims_rsa)) == refused(Reason.SIGNATURE_INVALID)
    claims_ec = code_of(key=rsa_key(), protected={1: -7, 4: KID})
    assert outcome(check(claims_ec, listed(key(rsa_key())))) == refused(Reason.SIGNATURE_INVALID)


def test_ps256_and_p_384_are_verified_for_health_certificates() -> None:
    for private in (rsa_key(), ec_key("a", "P-384")):
        assert outcome(check(code_of(key=private), listed(key(private)))) == VERIFIED


def test_a_key_that_nobody_knows_is_unknown() -> None:
    unknown = (Trust.UNKNOWN_KEY, Reason.ISSUER_UNKNOWN)
    assert outcome(check(trusted=trust.NOTHING)) == unknown
    assert outcome(check(code_of(kid=b"another!"))) == unknown
    assert outcome(check(code_of(protected={1: -7}))) == unknown
    assert outcome(check(trusted=listed(key(kind=Kind.SHC)))) == unknown
    assert outcome(check(trusted=listed(key(issuer="AT")))) == unknown


def test_a_key_of_an_issuer_counts_for_that_issuer() -> None:
    assert outcome(check(trusted=listed(key(issuer="VN")))) == VERIFIED
    assert outcome(check(code_of(cwt(iss=...)), listed(key(issuer="VN")))) == VERIFIED
    card = Code(Kind.SHC, proof=Proof("ES256", KID, "", b"", b""))
    only = listed(key(kind=Kind.SHC, issuer="https://example.com"))
    assert trust.check(card, only, stamp()).reason is Reason.ISSUER_UNKNOWN


def test_every_key_of_a_colliding_kid_is_tried() -> None:
    others = [key(ec_key(str(number))) for number in range(5)]
    assert outcome(check(trusted=listed(*others, key(), key(rsa_key())))) == VERIFIED
    assert outcome(check(trusted=listed(*others))) == refused(Reason.SIGNATURE_INVALID)


def test_a_key_without_kid_matches_any() -> None:
    assert outcome(check(trusted=listed(key(kid=b"")))) == VERIFIED


def test_of_one_key_listed_twice_the_one_that_may_counts() -> None:
    old = key(not_after_s=NOW - 1)
    assert outcome(check(trusted=listed(old, key()))) == VERIFIED
    assert outcome(check(trusted=listed(old, key(ec_key("b"))))) == refused(Reason.ISSUER_NOT_VALID)


def test_any_number_of_certificates_can_be_trusted_for_a_line() -> None:
    ders = [
        certificate(ec_key(), country=f"{chr(65 + n // 26)}{chr(65 + n % 26)}") for n in range(40)
    ]
    code = code_of(kid=kid_of(ders[-1]))
    assert outcome(check(code, trust.of_certificates(ders))) == VERIFIED


def with_signature(made: bytes) -> Code:
    parsed = cose.parse(signed())
    code = dcc.recognise(text(cbor.dumps([parsed.protected, {}, parsed.payload, made])))
    assert code is not None
    return code


GOOD = cose.parse(signed()).signature


@pytest.mark.parametrize(
    "made",
    [
        b"",
        b"\0",
        GOOD[:-1],
        GOOD + b"\0",
        GOOD[32:] + GOOD[:32],
        bytes(64),
        b"\xff" * 64,
        GOOD[:32] + bytes(32),
        bytes(32) + GOOD,
        GOOD * 20,
    ],
)
def test_a_signature_of_another_form_does_not_hold(made: bytes) -> None:
    assert outcome(check(with_signature(made))) == refused(Reason.SIGNATURE_INVALID)


@given(st.integers(0, 511))
def test_a_flipped_bit_in_the_signature_does_not_hold(bit: int) -> None:
    flipped = (int.from_bytes(GOOD, "big") ^ 1 << bit).to_bytes(64, "big")
    assert outcome(check(with_signature(flipped))) == refused(Reason.SIGNATURE_INVALID)


DATA = signed()


@given(st.integers(0, len(DATA) - 1), st.integers(0, 7))
def test_no_flipped_bit_of_a_code_is_believed(place: int, bit: int) -> None:
    flipped = bytearray(DATA)
    flipped[place] ^= 1 << bit
    code = dcc.recognise(text(bytes(flipped)))
    assert code is not None
    assert check(code).trust is not Trust.VERIFIED


def test_another_content_under_the_same_signature_is_refused() -> None:
    parsed = cose.parse(signed())
    forged = cbor.dumps(cwt(content(dob="2000-01-01")))
    code = dcc.recognise(text(cbor.dumps([parsed.protected, {}, forged, parsed.signature])))
    assert code is not None
    assert outcome(check(code)) == refused(Reason.SIGNATURE_INVALID)


# --- keys that do not fit their kind ---


def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.mark.parametrize(
    ("kind", "private"),
    [
        (Kind.DCC, ec_key("a", "P-521")),
        (Kind.DCC, ec.generate_private_key(ec.SECP256K1())),
        (Kind.DCC, rsa_key(1024)),
        (Kind.DCC, ed_key()),
        (Kind.SHC, ec_key("a", "P-384")),
        (Kind.SHC, rsa_key()),
        (Kind.NZCP, ed_key()),
        (Kind.NZCP, ec_key("a", "P-384")),
        (Kind.PASS, ec_key()),
        (Kind.PRETIX, rsa_key()),
        (Kind.PC_COVID, ec_key()),
        (Kind.URL, ed_key()),
    ],
)
def test_a_key_that_does_not_fit_its_kind_is_none(kind: Kind, private: Any) -> None:
    with pytest.raises(TrustError):
        key(private, kind=kind)


def test_a_key_of_rsa_with_a_slow_exponent_is_none() -> None:
    modulus = rsa_key().public_key().public_numbers().n
    slow = rsa.RSAPublicNumbers(2**64 + 1, modulus).public_key()
    with pytest.raises(TrustError, match="RSA"):
        trust.TrustedKey(Kind.DCC, "", KID, slow)


def test_passes_and_tickets_are_verified_by_ed25519() -> None:
    private = ed_key()
    for kind in (Kind.PASS, Kind.PRETIX):
        proof = Proof("EdDSA", b"", "", b"message", private.sign(b"message"))
        trusted = listed(key(private, kind=kind, kid=b""))
        assert outcome(trust.check(Code(kind, proof=proof), trusted, stamp())) == VERIFIED
        other = Proof("EdDSA", b"", "", b"massage", private.sign(b"message"))
        code = Code(kind, proof=other)
        assert trust.check(code, trusted, stamp()).reason is Reason.SIGNATURE_INVALID


def test_jws_kinds_are_verified_by_p_256() -> None:
    for kind in (Kind.SHC, Kind.NZCP):
        proof = Proof("ES256", b"key-1", "issuer", b"message", signature(ec_key(), b"message"))
        trusted = listed(key(kind=kind, kid=b"key-1", issuer="issuer"))
        assert outcome(trust.check(Code(kind, proof=proof), trusted, stamp())) == VERIFIED


# --- times ---


@pytest.mark.parametrize(
    ("at", "bound_s", "reason"),
    [
        (EXPIRES, 0, None),
        (EXPIRES + 1, 0, Reason.EXPIRED),
        (EXPIRES + 60, 60, None),
        (EXPIRES + 61, 60, Reason.EXPIRED),
        (ISSUED, 0, None),
        (ISSUED - 1, 0, Reason.NOT_YET_VALID),
        (ISSUED - 60, 60, None),
        (ISSUED - 61, 60, Reason.NOT_YET_VALID),
    ],
)
def test_a_code_is_valid_within_its_times_and_our_doubt(
    at: float, bound_s: float, reason: Reason | None
) -> None:
    checked = check(code_of(cwt(nbf=ISSUED)), at=at, bound_s=bound_s)
    assert checked.reason is reason
    assert checked.time_known


@pytest.mark.parametrize(
    ("at", "bound_s", "reason"),
    [
        (2000, 0, None),
        (2001, 0, Reason.ISSUER_NOT_VALID),
        (2010, 10, None),
        (2011, 10, Reason.ISSUER_NOT_VALID),
        (1000, 0, None),
        (999, 0, Reason.ISSUER_NOT_VALID),
        (990, 10, None),
        (989, 10, Reason.ISSUER_NOT_VALID),
    ],
)
def test_a_key_is_valid_within_its_times_and_our_doubt(
    at: float, bound_s: float, reason: Reason | None
) -> None:
    trusted = listed(key(not_before_s=1000, not_after_s=2000))
    assert check(code_of(cwt(exp=9999)), trusted, at=at, bound_s=bound_s).reason is reason


def test_a_station_that_does_not_know_the_time_says_so_and_refuses_nothing_for_it() -> None:
    for trusted in (listed(), listed(key(not_before_s=1, not_after_s=2))):
        checked = check(trusted=trusted, at=0, synchronised=False)
        assert outcome(checked) == VERIFIED
        assert not checked.time_known
        assert "unknown" in {step.outcome for step in checked.steps}


def test_what_has_no_end_needs_no_time() -> None:
    checked = check(code_of(cwt(exp=...)), at=0, synchronised=False)
    assert outcome(checked) == VERIFIED
    assert checked.time_known


def test_an_unknown_time_hides_no_bad_signature() -> None:
    checked = check(with_signature(GOOD[::-1]), at=0, synchronised=False)
    assert outcome(checked) == refused(Reason.SIGNATURE_INVALID)


def test_a_code_issued_later_than_our_clock_is_let_be() -> None:
    assert outcome(check(code_of(cwt(iat=NOW + 86_400)))) == VERIFIED


@given(
    st.floats() | st.integers(-(2**80), 2**80) | st.none(),
    st.floats() | st.integers(-(2**80), 2**80) | st.none(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 2**60),
)
def test_no_time_raises_and_what_is_no_number_is_refused(
    begin: float | None, end: float | None, wall_us: int, bound_us: int
) -> None:
    proof = Proof("ES256", KID, "", b"m", signature(ec_key(), b"m"), begin, end)
    now = stamp(wall_us / 1e6, bound_s=bound_us / 1e6)
    reason = trust.check(Code(Kind.DCC, proof=proof), listed(), now).reason
    if begin is not None and begin != begin:  # noqa: PLR0124 - NaN
        assert reason is Reason.NOT_YET_VALID
    elif end is not None and end != end:  # noqa: PLR0124 - NaN
        assert reason in {Reason.EXPIRED, Reason.NOT_YET_VALID}


# --- what a key may, and what is taken back ---

SORTS = {
    1: content(v=..., t=[a_test()]),
    2: content(),
    3: content(v=..., r=[recovered()]),
}


@pytest.mark.parametrize("arc", ["1.3.6.1.4.1.1847.2021.1", OLD_ARC])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("entitled", [(), (1,), (2,), (3,), (1, 2), (1, 2, 3)])
def test_a_certificate_signs_what_its_extended_key_usage_says(
    entitled: tuple[int, ...], sort: int, arc: str
) -> None:
    der = certificate(ec_key(), usages=tuple(usage(each, arc) for each in entitled))
    code = code_of(cwt(SORTS[sort]), kid=kid_of(der))
    may = not entitled or sort in entitled
    reason = None if may else Reason.ISSUER_NOT_ENTITLED
    assert check(code, trust.of_certificates([der])).reason is reason


def test_another_extended_key_usage_says_nothing() -> None:
    der = certificate(ec_key(), usages=("1.3.6.1.5.5.7.3.2",))
    assert outcome(check(code_of(kid=kid_of(der)), trust.of_certificates([der]))) == VERIFIED


def test_a_revoked_code_is_refused_whatever_its_key_and_time() -> None:
    code = code_of()
    revoked = frozenset({trust.mark(Kind.DCC, code.identity)})
    assert outcome(check(code, listed(revoked=revoked))) == refused(Reason.REVOKED)
    late = check(code, listed(revoked=revoked), at=EXPIRES + 9)
    assert outcome(late) == refused(Reason.REVOKED)


def test_another_kinds_revocation_does_not_count() -> None:
    code = code_of()
    revoked = frozenset({trust.mark(Kind.PASS, code.identity), trust.mark(Kind.DCC, "other")})
    assert outcome(check(code, listed(revoked=revoked))) == VERIFIED


def test_half_a_surrogate_pair_in_an_identity_does_no_harm() -> None:
    proof = Proof("ES256", KID, "\ud800", b"m", signature(ec_key(), b"m"))
    code = Code(Kind.DCC, identity="\ud800", proof=proof)
    revoked = frozenset({trust.mark(Kind.DCC, "\ud800")})
    assert outcome(check(code, listed(revoked=revoked))) == refused(Reason.REVOKED)
    assert trust.check(code, trust.NOTHING, stamp()).trust is Trust.UNKNOWN_KEY


# --- keys out of certificates ---


def test_a_certificate_outside_its_validity_is_refused() -> None:
    der = certificate(ec_key(), begin=ISSUED - 1000, end=ISSUED + 1000)
    trusted = trust.of_certificates([der])
    code = code_of(kid=kid_of(der))
    assert outcome(check(code, trusted, at=ISSUED)) == VERIFIED
    assert outcome(check(code, trusted)) == refused(Reason.ISSUER_NOT_VALID)


def test_a_certificate_is_trusted_for_the_kinds_that_its_key_fits() -> None:
    kinds = {each.kind for each in trust.of_certificates([certificate(ec_key())]).keys}
    assert kinds == {Kind.DCC, Kind.SHC, Kind.NZCP}
    kinds = {each.kind for each in trust.of_certificates([certificate(rsa_key())]).keys}
    assert kinds == {Kind.DCC}
    assert trust.of_certificates([certificate(ec_key("a", "P-521"))]).keys == ()
    assert trust.of_certificates([]) == trust.NOTHING


@pytest.mark.parametrize(
    ("kid", "reason"),
    [
        (b"fifteen bytes..", None),
        (b"foo", Reason.ISSUER_UNKNOWN),
        (b"8 bytes.", Reason.ISSUER_UNKNOWN),
    ],
)
def test_a_certificate_of_a_line_is_tried_for_kids_that_are_longer_than_the_standards(
    kid: bytes, reason: Reason | None
) -> None:
    code = code_of(protected={1: -7, 4: kid})
    trusted = trust.of_certificates([certificate(ec_key())])
    assert trust.check(code, trusted, stamp()).reason is reason


def test_a_certificate_names_its_issuer() -> None:
    der = certificate(ec_key())
    checked = check(code_of(kid=kid_of(der)), trust.of_certificates([der]))
    assert checked.issuer == "Ministry of Examples, VN"


def test_a_kid_follows_from_a_certificate_by_the_rule_of_its_kind() -> None:
    der = certificate(ec_key())
    keys = [each for each in trust.of_certificates([der]).keys if each.kid != OTHER_FORM]
    kids = {each.kind: each.kid for each in keys}
    assert kids[Kind.DCC] == kid_of(der)
    assert len(kids[Kind.SHC]) == 43
    assert kids[Kind.NZCP] == b""


def test_a_usage_that_lists_nothing_limits_nothing() -> None:
    empty = x509.UnrecognizedExtension(x509.ExtensionOID.EXTENDED_KEY_USAGE, b"\x30\x00")
    der = certificate(ec_key(), extension=empty)
    assert outcome(check(code_of(kid=kid_of(der)), trust.of_certificates([der]))) == VERIFIED


def test_a_usage_that_cannot_be_read_is_no_licence() -> None:
    broken = x509.UnrecognizedExtension(x509.ExtensionOID.EXTENDED_KEY_USAGE, b"\x30\x05")
    with pytest.raises(TrustError):
        trust.of_certificates([certificate(ec_key(), extension=broken)])


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30\x00",
        b"no certificate",
        certificate(ec_key())[:-1],
        certificate(ec_key()) + b"\0",
    ],
)
def test_a_certificate_that_cannot_be_read_is_told(der: bytes) -> None:
    with pytest.raises(TrustError, match="no certificate that can be read"):
        trust.of_certificates([certificate(ec_key()), der])


DER = certificate(ec_key())


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_told(place: int, value: int) -> None:
    damaged = DER[:place] + bytes([value]) + DER[place + 1 :]
    with contextlib.suppress(TrustError):
        assert len(trust.of_certificates([damaged]).keys) <= len(SIGNED)
