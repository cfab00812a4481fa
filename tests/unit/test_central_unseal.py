from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatepost import contract
from gatepost.central.unseal import load_private_key, read, unseal
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import ContractError, KeyMaterialError
from gatepost.model import Basis, Code, Direction, Kind, Scan
from gatepost.sealing import Sealer, load_public_key, understood

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = "central-private.EXAMPLE-ONLY.jwk"
EXAMPLES = contract.examples()
SEALED = EXAMPLES["sealed.jwe"].decode()
KEY: dict[str, Any] = json.loads(EXAMPLES[PRIVATE])


@pytest.fixture
def files(tmp_path: Path) -> AuthorityFiles:
    return make_authority(tmp_path, "st-1")


def test_the_example_is_opened() -> None:
    opened = unseal(SEALED, KEY)
    assert opened.data == b"GP-EXAMPLE|nobody|0001"
    assert opened.text == "GP-EXAMPLE|nobody|0001"
    assert (opened.kind, opened.basis, opened.identity) == ("pc-covid", "qid", "GP-EXAMPLE-0001")
    assert dict(opened.claims)["name"] == "Nguyễn Văn Mẫu"
    assert not opened.weak
    assert json.dumps(opened.told())


def test_what_a_station_seals_is_opened(files: AuthorityFiles) -> None:
    scan = Scan(b"\xff\xfe", "\u0111", "qr", "front", Direction.IN, 1.0)
    code = Code(Kind.CCCD, identity="0*", basis=Basis.CITIZEN, weak=True)
    sealed = Sealer(load_public_key(files.sealing_public)).seal(understood(scan, code))
    opened = unseal(sealed, load_private_key(files.sealing_private))
    assert (opened.data, opened.text, opened.weak) == (b"\xff\xfe", "\u0111", True)


def test_another_key_is_named(files: AuthorityFiles) -> None:
    with pytest.raises(KeyMaterialError, match="central-example-only"):
        unseal(SEALED, load_private_key(files.sealing_private))


def test_another_key_of_the_same_name_opens_nothing(files: AuthorityFiles) -> None:
    other = json.loads(files.sealing_private.read_bytes()) | {"kid": KEY["kid"]}
    with pytest.raises(ContractError):
        unseal(SEALED, other)


@pytest.mark.parametrize("at", range(5))
def test_what_was_altered_is_refused(at: int) -> None:
    parts = SEALED.split(".")
    parts[at] = ("A" if parts[at][:1] != "A" else "B") + parts[at][1:]
    with pytest.raises((ContractError, KeyMaterialError)):
        unseal(".".join(parts), KEY)


@pytest.mark.parametrize(
    "token", ["", ".", "a.b", "{}", "e30.e30", "\u0111.", "W10.", "A" * 300_000]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises((ContractError, KeyMaterialError)):
        unseal(token, KEY)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 5000, '{"data": 1}'])
def test_what_holds_something_else_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        read(text)


def test_plain_of_a_site_without_sealing_is_read() -> None:
    plain = json.loads(EXAMPLES["event-4-scan-plain.json"])["data"]["plain"]
    assert (read(plain).data, read(plain).kind) == (b"\xff\x00poster", "site")


def test_only_a_private_key_with_a_name_opens(tmp_path: Path, files: AuthorityFiles) -> None:
    nameless = {name: value for name, value in KEY.items() if name != "kid"}
    broken: tuple[dict[str, Any], ...] = ({}, nameless, KEY | {"d": "AA"}, KEY | {"crv": "Ed25519"})
    for number, jwk in enumerate(broken):
        path = tmp_path / f"{number}.jwk"
        path.write_text(json.dumps(jwk), "utf-8")
        with pytest.raises(KeyMaterialError):
            load_private_key(path)
    for path in (files.sealing_public, files.ca, tmp_path / "missing"):
        with pytest.raises(KeyMaterialError):
            load_private_key(path)
