from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OKPKey

from fakes import BOOT
from gatepost import contract
from gatepost.canonical import canonical
from gatepost.errors import KeyMaterialError
from gatepost.model import Basis, Claims, Code, Direction, Kind, Scan, Stamp
from gatepost.sealing import REGISTRY, Sealer, load_public_key, understood

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said(Claims):
    """Claims of no kind that there is; what is empty is left out."""

    name: str = ""
    pad: str = ""
    raw: str = ""


KEY = OKPKey.generate_key("X25519", {"kid": "central-1"})
PUBLIC: dict[str, Any] = KEY.as_dict(private=False)
AT = Stamp(BOOT, 61_000_000, 1_700_000_000_000_000, True, 5)
CODE = Code(Kind.CCCD, "0*", Basis.CITIZEN, weak=True, claims=Said(name="Đỗ"))


def shown(data: bytes, text: str | None = None) -> Scan:
    return Scan(data, data.decode() if text is None else text, "qr", "door", Direction.IN, 61.0)


def told(data: bytes, text: str | None = None, code: Code = CODE) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(understood(shown(data, text), code, "gp-1", AT))
    assert not contract.problem("sealed", value)
    return value


# --- the plaintext


def test_it_holds_the_code_what_was_understood_and_its_event() -> None:
    value = told("mã".encode())
    assert value.pop("pad").strip("0") == ""
    assert value == {
        "data": "bcOj",
        "kind": "cccd",
        "basis": "citizen",
        "identity": "0*",
        "weak": "yes",
        "claims": {"name": "Đỗ"},
        "source": "gp-1",
        "boot_id": BOOT,
        "boot_us": 61_000_000,
    }


def test_the_text_stands_only_where_it_is_not_the_bytes() -> None:
    assert "text" not in told("mã".encode())
    assert told(b"\xff", "\xff")["text"] == "\xff"


@given(st.binary(max_size=700), st.text(max_size=40), st.text(max_size=40))
def test_its_length_tells_nothing_but_blocks(data: bytes, identity: str, claim: str) -> None:
    code = Code(Kind.DCC, identity, Basis.PASS, claims=Said(pad=claim))
    plain = understood(shown(data, data.decode("latin-1")), code, "gp-1", AT)
    assert len(plain) % 256 == 0
    assert canonical(json.loads(plain)) == plain


def test_neighbours_are_as_long_as_each_other() -> None:
    lengths = {len(Sealer(KEY).seal(understood(shown(b"x" * n), CODE, "gp-1", AT))) for n in
               range(1, 9)}  # fmt: skip
    assert len(lengths) == 1


def test_half_a_surrogate_pair_stops_no_gate() -> None:
    code = Code(Kind.UNKNOWN, "a\ud800", Basis.CONTENT, claims=Said(raw="\udfff"))
    value = told(b"\xed\xa0\x80", "\ud800", code)
    assert (value["identity"], value["claims"], value["text"]) == ("a?", {"raw": "?"}, "?")


# --- the seal


def test_only_the_private_key_opens_it() -> None:
    token = Sealer(OKPKey.import_key(PUBLIC)).seal(b"{}")
    assert jwe.decrypt_compact(token, KEY, registry=REGISTRY).plaintext == b"{}"
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert (header["alg"], header["enc"], header["kid"]) == ("ECDH-ES", "A256GCM", "central-1")


def test_each_has_a_key_of_its_own() -> None:
    sealer = Sealer(KEY)
    assert len({sealer.seal(b"{}").split(".")[0] for _ in range(5)}) == 5


# --- the key


def test_a_public_key_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(json.dumps(PUBLIC))
    assert load_public_key(tmp_path / "key").kid == "central-1"


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        (KEY.as_dict(private=True), "PRIVATE"),
        (OKPKey.generate_key("Ed25519", {"kid": "k"}).as_dict(private=False), "must be X25519"),
        ({name: value for name, value in PUBLIC.items() if name != "kid"}, "kid"),
        (PUBLIC | {"kid": 7}, "key"),
        (PUBLIC | {"kid": ""}, "kid"),
        (PUBLIC | {"x": "AAAA"}, "key"),
        (PUBLIC | {"x": "A" * 43}, "nothing can be sealed"),  # a point of small order
        ({}, "no key"),
        ([], "no key"),
        (7, "no key"),
        ("text", "no key"),
    ],
)
def test_what_cannot_be_sealed_to_is_named(tmp_path: Path, jwk: object, why: str) -> None:
    (tmp_path / "key").write_text(json.dumps(jwk))
    with pytest.raises(KeyMaterialError, match=why):
        load_public_key(tmp_path / "key")


@pytest.mark.parametrize("content", [b"", b"\xff", b"-----BEGIN PUBLIC KEY-----"])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    for name in ("key", "gone"):
        with pytest.raises(KeyMaterialError, match=name):
            load_public_key(tmp_path / name)
