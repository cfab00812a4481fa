from __future__ import annotations

import dataclasses
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatepost.demo.authority import make_authority
from gatepost.errors import KeyMaterialError
from gatepost.sealing import load_public_key
from gatepost.signing import Signer, common_name, load_certificates

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import Algorithm


@pytest.mark.parametrize("algorithm", ["p256", "ed25519"])
def test_everybody_trusts_everybody(tmp_path: Path, algorithm: Algorithm) -> None:
    made = make_authority(tmp_path / "new" / "folder", "st-7", algorithm)
    ca = load_certificates(made.ca)[0]
    pairs = {
        "st-7": (made.station_certificate, made.station_key),
        "localhost": (made.broker_certificate, made.broker_key),
        "central": (made.central_certificate, made.central_key),
    }
    for name, (path, key) in pairs.items():
        certificate = load_certificates(path)[0]
        certificate.verify_directly_issued_by(ca)
        assert common_name(certificate) == name
        assert certificate.not_valid_before_utc == datetime(2020, 1, 1, tzinfo=UTC)
        private = load_pem_private_key(key.read_bytes(), None)
        assert private.public_key() == certificate.public_key()
    names = load_certificates(made.broker_certificate)[0].extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]
    assert str(names.value.get_values_for_type(x509.IPAddress)[0]) == "127.0.0.1"


def test_each_certificate_is_for_one_thing(tmp_path: Path) -> None:
    made = make_authority(tmp_path, "st-7")
    client, server = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
    for path, use in (
        (made.station_certificate, client),
        (made.central_certificate, client),
        (made.broker_certificate, server),
    ):
        told = load_certificates(path)[0].extensions
        basic = told.get_extension_for_class(x509.BasicConstraints)
        usage = told.get_extension_for_class(x509.KeyUsage)
        assert (basic.critical, basic.value.ca) == (True, False)
        assert (usage.critical, usage.value.digital_signature) == (True, True)
        assert not usage.value.key_cert_sign
        assert list(told.get_extension_for_class(x509.ExtendedKeyUsage).value) == [use]
    told = load_certificates(made.ca)[0].extensions
    basic = told.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    usage = told.get_extension_for_class(x509.KeyUsage)
    assert (usage.value.key_cert_sign, usage.value.digital_signature) == (True, False)


def test_a_broker_signs_no_checkpoint(tmp_path: Path) -> None:
    made = make_authority(tmp_path, "st-7")
    with pytest.raises(KeyMaterialError, match="clientAuth"):
        Signer(made.broker_certificate, made.broker_key)


def test_secrets_are_for_their_owner_alone_also_when_made_again(tmp_path: Path) -> None:
    for _ in range(2):
        made = make_authority(tmp_path, "st-1")
        for path in (made.station_key, made.broker_key, made.central_key, made.sealing_private):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_sealing_key_is_one(tmp_path: Path) -> None:
    made = make_authority(tmp_path, "st-1")
    assert load_public_key(made.sealing_public).kid
    assert all(path.is_file() for path in dataclasses.astuple(made))
