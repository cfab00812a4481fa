import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from contract.issuing import CERTIFIES, ca, root, token, usage
from gatepost.demo.authority import AuthorityFiles, make_authority, private_pem
from gatepost.errors import ContractError, KeyMaterialError
from gatepost.signing import CHECKPOINT, Signer, load_certificates, verify

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_CA = x509.BasicConstraints(ca=False, path_length=None)


@pytest.fixture(scope="session", params=["p256", "ed25519"])
def files(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1", request.param)


def signed(files: AuthorityFiles, payload: bytes = b"{}") -> str:
    return Signer(files.station_certificate, files.station_key).sign(payload, CHECKPOINT)


def authorities(files: AuthorityFiles) -> list[x509.Certificate]:
    return load_certificates(files.ca)


def test_what_is_signed_verifies_and_names_its_signer(files: AuthorityFiles) -> None:
    told = verify(signed(files, b'{"a":1}'), CHECKPOINT, authorities(files), NOW)
    assert (told.payload, told.signer) == (b'{"a":1}', "gp-1")


def test_an_altered_payload_signature_or_purpose_does_not(files: AuthorityFiles) -> None:
    head, body, signature = signed(files).split(".")
    other = base64.urlsafe_b64encode(b'{"a":2}').decode().rstrip("=")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for text in (f"{head}.{other}.{signature}", f"{head}.{body}.{flipped}", f"{head}.{body}."):
        with pytest.raises(ContractError, match="signature does not hold"):
            verify(text, CHECKPOINT, authorities(files), NOW)
    with pytest.raises(ContractError, match="typ is"):
        verify(signed(files), "gatepost-receipt", authorities(files), NOW)


def test_a_stranger_does_not(files: AuthorityFiles, tmp_path: Path) -> None:
    strangers = make_authority(tmp_path, "gp-1")
    with pytest.raises(ContractError, match="not issued by an authority"):
        verify(signed(strangers), CHECKPOINT, authorities(files), NOW)
    with pytest.raises(ContractError, match="not issued by an authority"):
        verify(signed(files), CHECKPOINT, [], NOW)


@pytest.mark.parametrize("year", [2019, 2050])
def test_outside_the_certificates_validity_it_does_not(files: AuthorityFiles, year: int) -> None:
    with pytest.raises(ContractError, match="not valid at this time"):
        verify(signed(files), CHECKPOINT, authorities(files), datetime(year, 6, 1, tzinfo=UTC))


def header(files: AuthorityFiles, **changes: object) -> str:
    head, body, signature = signed(files).split(".")
    told = json.loads(base64.urlsafe_b64decode(head + "==")) | changes
    new = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    return f"{new}.{body}.{signature}"


def test_the_header_cannot_choose_the_algorithm_or_the_key(files: AuthorityFiles) -> None:
    for changes in (
        {"alg": "none"},
        {"alg": "HS256"},
        {"x5c": []},
        {"x5c": None},
        {"x5c": ["!"]},
        {"x5c": ["AAAA"]},
        {"x5c": [7]},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
    ):
        with pytest.raises(ContractError):
            verify(header(files, **changes), CHECKPOINT, authorities(files), NOW)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "W10.W10.W10", "é.é.é", "x" * 70_000])
def test_garbage_is_named(files: AuthorityFiles, text: str) -> None:
    with pytest.raises(ContractError):
        verify(text, CHECKPOINT, authorities(files), NOW)


def test_keys_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    one, other = (make_authority(tmp_path / name, "gp-1") for name in ("one", "other"))
    with pytest.raises(KeyMaterialError, match="is not the key of"):
        Signer(one.station_certificate, other.station_key)
    with pytest.raises(KeyMaterialError, match="no private key"):
        Signer(one.station_certificate, one.ca)
    with pytest.raises(KeyMaterialError, match="no certificate"):
        Signer(one.station_key, one.station_key)
    with pytest.raises(KeyMaterialError, match="no certificate"):
        Signer(tmp_path / "gone.pem", one.station_key)


# --- the chain


def test_a_chain_leads_through_others_to_the_authority() -> None:
    top = root()
    region = top.issue("region", ca(1), CERTIFIES)
    city = region.issue("city", ca(0))
    leaf = city.issue("gp-1", usage("digital_signature"))
    given = token(leaf, leaf.der, city.der, region.der)
    for trusted in (top, region, city):
        assert verify(given, CHECKPOINT, [trusted.certificate], NOW).signer == "gp-1"
    whole = token(leaf, leaf.der, city.der, region.der, top.der)
    assert verify(whole, CHECKPOINT, [top.certificate], NOW).signer == "gp-1"
    for chain in ((leaf.der, region.der, city.der), (leaf.der, city.der), (leaf.der,)):
        with pytest.raises(ContractError, match="not issued by an authority"):
            verify(token(leaf, *chain), CHECKPOINT, [top.certificate], NOW)


def test_a_chain_is_not_longer_than_four() -> None:
    top = root()
    holders = [top]
    for number in range(4):
        holders.append(holders[-1].issue(f"ca-{number}", ca(), CERTIFIES))
    leaf = holders[-1].issue("gp-1")
    chain = [leaf.der, *(each.der for each in holders[:0:-1])]
    with pytest.raises(ContractError, match="1 to 4"):
        verify(token(leaf, *chain), CHECKPOINT, [top.certificate], NOW)
    assert verify(token(leaf, *chain[:4]), CHECKPOINT, [holders[1].certificate], NOW)


NO_ISSUERS: dict[str, tuple[x509.ExtensionType, ...]] = {
    "no basic constraints": (),
    "not a CA": (NO_CA,),
    "a CA that may not certify": (ca(), usage("digital_signature", "crl_sign")),
    "constraints that we do not understand": (
        ca(),
        x509.NameConstraints([x509.DNSName("other.example")], None),
    ),
}


@pytest.mark.parametrize("name", NO_ISSUERS)
def test_who_may_not_issue_counts_nothing(name: str) -> None:
    top = root()
    between = top.issue("between", *NO_ISSUERS[name])
    leaf = between.issue("gp-1")
    for trusted in (top, between):
        with pytest.raises(ContractError, match="not issued by an authority"):
            verify(token(leaf, leaf.der, between.der), CHECKPOINT, [trusted.certificate], NOW)


def test_a_station_issues_no_other_station() -> None:
    top = root()
    station = top.issue("gp-1", NO_CA)
    forged = station.issue("gp-2")
    with pytest.raises(ContractError, match="not issued by an authority"):
        verify(token(forged, forged.der, station.der), CHECKPOINT, [top.certificate], NOW)


def test_a_path_is_as_long_as_its_authorities_allow() -> None:
    top = root(ca(1), CERTIFIES)
    first = top.issue("first", ca())
    second = first.issue("second", ca())
    leaf, lower = first.issue("gp-1"), second.issue("gp-1")
    assert verify(token(leaf, leaf.der, first.der), CHECKPOINT, [top.certificate], NOW)
    with pytest.raises(ContractError, match="not issued by an authority"):
        verify(token(lower, lower.der, second.der, first.der), CHECKPOINT, [top.certificate], NOW)


def test_the_whole_chain_must_be_valid() -> None:
    top = root()
    expired = top.issue("between", ca(), CERTIFIES, year=2025)
    leaf = expired.issue("gp-1")
    with pytest.raises(ContractError, match="not valid at this time"):
        verify(token(leaf, leaf.der, expired.der), CHECKPOINT, [top.certificate], NOW)


# --- the leaf

EKU = x509.ExtendedKeyUsage
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
NO_LEAVES: dict[str, tuple[x509.ExtensionType, ...]] = {
    "an authority's own": (ca(), CERTIFIES),
    "digitalSignature": (usage("key_encipherment"),),
    "clientAuth": (EKU([SERVER]),),
    "critical extension": (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"x"),),
}


@pytest.mark.parametrize("why", NO_LEAVES)
def test_a_certificate_for_something_else_does_not_sign(why: str, tmp_path: Path) -> None:
    top = root()
    leaf = top.issue("gp-1", *NO_LEAVES[why])
    with pytest.raises(ContractError, match=why):
        verify(token(leaf), CHECKPOINT, [top.certificate], NOW)
    (tmp_path / "key").write_bytes(private_pem(leaf.key))
    (tmp_path / "certificate").write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    with pytest.raises(KeyMaterialError, match=why):
        Signer(tmp_path / "certificate", tmp_path / "key")


@pytest.mark.parametrize(
    "extensions",
    [
        (),
        (usage("digital_signature", "key_agreement"), EKU([SERVER, CLIENT])),
        (x509.SubjectAlternativeName([x509.DNSName("gp-1")]),),
    ],
)
def test_a_certificate_for_this_signs(extensions: tuple[x509.ExtensionType, ...]) -> None:
    top = root()
    leaf = top.issue("gp-1", *extensions)
    assert verify(token(leaf), CHECKPOINT, [top.certificate], NOW).signer == "gp-1"


def test_what_is_not_understood_but_not_critical_is_passed_over() -> None:
    top = root()
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"x")
    leaf = top.issue("gp-1", extension, critical=False)
    assert verify(token(leaf), CHECKPOINT, [top.certificate], NOW)


def test_another_algorithm_than_the_keys_is_named() -> None:
    top = root()
    for algorithm in ("ES256", ["Ed25519"], None, {"a": 1}):
        with pytest.raises(ContractError, match="alg is not Ed25519"):
            verify(token(top.issue("gp-1"), alg=algorithm), CHECKPOINT, [top.certificate], NOW)
