"""The key material that a configuration names, as `gatepost.build.keys_of` judges it."""

from pathlib import Path

import pytest

from gatepost.config import Config, load
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import ConfigError
from gatepost.keys import keys_of


@pytest.fixture
def files(tmp_path: Path) -> AuthorityFiles:
    return make_authority(tmp_path / "keys", "gp-1")


def config_of(files: AuthorityFiles) -> Config:
    path = files.ca.parent / "station.toml"
    path.write_text(f"""\
[station]
id = "gp-1"
site = "ward-7"
data = "data"
certificate = "{files.station_certificate.name}"
key = "{files.station_key.name}"
[broker]
host = "broker.example"
ca = "{files.ca.name}"
[central]
sealing_key = "{files.sealing_public.name}"
[[reader]]
type = "frames"
name = "door"
direction = "in"
path = "."
""")
    return load(path)


def problems(files: AuthorityFiles) -> str:
    with pytest.raises(ConfigError) as caught:
        keys_of(config_of(files))
    return "\n".join(caught.value.problems)


def test_good_keys(files: AuthorityFiles) -> None:
    signer, sealer = keys_of(config_of(files))
    assert signer.name == "gp-1"
    assert sealer is not None


@pytest.mark.parametrize("wrong", [b"", b"no key", b"\xff\x00", b"[1]", b'{"kty": "OKP"}'])
@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("station_certificate", "station."),
        ("station_key", "station.key"),
        ("ca", "broker.ca"),
        ("sealing_public", "central.sealing_key"),
    ],
)
def test_what_is_no_key_is_named(files: AuthorityFiles, file: str, told: str, wrong: bytes) -> None:
    path: Path = getattr(files, file)
    path.write_bytes(wrong)
    found = problems(files)
    assert told in found
    assert str(path) in found


def test_a_private_sealing_key_is_refused(files: AuthorityFiles) -> None:
    files.sealing_public.write_bytes(files.sealing_private.read_bytes())
    assert "PRIVATE key" in problems(files)


def test_the_key_of_another_certificate_is_refused(files: AuthorityFiles) -> None:
    files.station_key.write_bytes(files.broker_key.read_bytes())
    assert "is not the key of" in problems(files)


def test_a_certificate_that_names_another_is_refused(files: AuthorityFiles) -> None:
    files.station_certificate.write_bytes(files.central_certificate.read_bytes())
    files.station_key.write_bytes(files.central_key.read_bytes())
    assert "names 'central', not this station 'gp-1'" in problems(files)


def test_all_are_told_at_once(files: AuthorityFiles) -> None:
    for path in (files.station_key, files.sealing_public):
        path.write_bytes(b"nothing")
    found = problems(files)
    assert all(key in found for key in ("station.key", "central.sealing_key"))
