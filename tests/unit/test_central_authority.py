from __future__ import annotations

import dataclasses
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gatepost.demo.authority import make_authority
from gatepost.sealing import load_public_key
from gatepost.signing import common_name, load_certificates

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


def test_secrets_are_for_their_owner_alone_also_when_made_again(tmp_path: Path) -> None:
    for _ in range(2):
        made = make_authority(tmp_path, "st-1")
        for path in (made.station_key, made.broker_key, made.central_key, made.sealing_private):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_sealing_key_is_one(tmp_path: Path) -> None:
    made = make_authority(tmp_path, "st-1")
    assert load_public_key(made.sealing_public).kid
    assert all(path.is_file() for path in dataclasses.astuple(made))
