import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import ContractError, KeyMaterialError
from gatepost.signing import CHECKPOINT, Signer, load_certificates, verify

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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
    for token in (f"{head}.{other}.{signature}", f"{head}.{body}.{flipped}", f"{head}.{body}."):
        with pytest.raises(ContractError, match="signature does not hold"):
            verify(token, CHECKPOINT, authorities(files), NOW)
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


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "W10.W10.W10", "é.é.é", "x" * 70_000])
def test_garbage_is_named(files: AuthorityFiles, token: str) -> None:
    with pytest.raises(ContractError):
        verify(token, CHECKPOINT, authorities(files), NOW)


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
