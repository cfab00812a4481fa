from __future__ import annotations

import hmac
import io
import json
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost import contract
from gatepost import subjects as lists
from gatepost.central import subjects
from gatepost.central.cli import main
from gatepost.central.subjects import subject
from gatepost.central.unseal import Unsealed, read
from gatepost.codes import recognise
from gatepost.errors import KeyMaterialError, UsageError
from gatepost.model import SIGNED, Basis, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, OTHER = bytes(32), bytes(31) + b"\x01"
EXAMPLE = read(contract.examples()["sealed-plaintext.json"])


def shown(kind: str, basis: str, identity: str = "001099000001", *, weak: bool = False) -> Unsealed:
    return replace(EXAMPLE, kind=kind, basis=basis, identity=identity, weak=weak)


def test_the_same_visitor_is_the_same_whatever_they_show() -> None:
    card = shown("cccd", "citizen")
    declared = shown("pc-covid", "citizen")
    assert subject(KEY, card) == subject(KEY, declared, "unsigned")
    assert len(subject(KEY, card)) == 64


def test_a_subject_is_computed_as_it_is_written_down() -> None:
    of_basis = hmac.new(KEY, b"gatepost central subject 1\0citizen", "sha256").digest()
    expected = hmac.new(of_basis, b"001099000001", "sha256").hexdigest()
    assert subject(KEY, shown("cccd", "citizen")) == expected


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_identities_bases_and_keys_are_different(one: str, two: str) -> None:
    told = {
        subject(key, shown("pc-covid", basis, whom))
        for key in (KEY, OTHER)
        for basis in ("qid", "citizen", "passport", "insurance")
        for whom in {one, two}
    }
    assert len(told) == 8 * len({one, two})


def test_a_basis_and_an_identity_cannot_run_into_each_other() -> None:
    assert subject(KEY, shown("x", "a", "b\x00c")) != subject(KEY, shown("x", "a\x00b", "c"))


@pytest.mark.parametrize("trust", ["", "unsigned", "verified"])
def test_the_weak_and_nobody_have_none(trust: str) -> None:
    assert subject(KEY, shown("pc-covid", "content", weak=True), trust) == ""
    assert subject(KEY, shown("cccd", "citizen", weak=True), trust) == ""
    assert subject(KEY, shown("site", "none", ""), trust) == ""
    assert subject(KEY, shown("site", "none", "x"), trust) == ""
    assert subject(KEY, shown("cccd", "citizen", ""), trust) == ""


@pytest.mark.parametrize("kind", sorted(SIGNED))
@pytest.mark.parametrize("trust", ["", "unsigned", "invalid", "unknown-key", "VERIFIED"])
def test_a_signed_kind_that_is_not_verified_has_none(kind: Kind, trust: str) -> None:
    for basis in ("pass", "content", "citizen"):
        assert subject(KEY, shown(kind.value, basis), trust) == ""
        assert subject(KEY, shown(kind.value, basis), "verified") != ""


def test_a_kind_that_is_newer_than_this_needs_its_signature_by_its_basis() -> None:
    assert subject(KEY, shown("badge", "pass"), "unsigned") == ""
    assert subject(KEY, shown("badge", "pass"), "verified") != ""


@pytest.mark.parametrize("trust", ["invalid", "unknown-key", "later-word"])
def test_a_signature_that_does_not_hold_joins_nobody_whatever_the_kind(trust: str) -> None:
    assert subject(KEY, shown("badge", "citizen"), trust) == ""
    assert subject(KEY, shown("badge", "citizen"), "verified") != ""


def test_half_a_surrogate_pair_stops_nothing() -> None:
    assert subject(KEY, shown("pc-covid", "qid", "\ud800")) != ""


# --- its key


def test_a_key_is_new_its_owners_alone_and_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "subject.key"
    assert main(["subject-key", "--out", str(path)]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(subjects.load_key(path)) == 32
    assert main(["subject-key", "--out", str(path)]) == 2
    assert "there already" in capsys.readouterr().err
    subjects.new_key(tmp_path / "another.key")
    assert subjects.load_key(tmp_path / "another.key") != subjects.load_key(path)


@pytest.mark.parametrize("data", [b"", b"AAAA", b"\xff" * 43, b"A" * 44, b"A" * 100_000, b"a b"])
def test_what_is_no_key_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "subject.key"
    path.write_bytes(data)
    with pytest.raises(KeyMaterialError, match="no subject key"):
        subjects.load_key(path)
    with pytest.raises(KeyMaterialError, match="cannot be read"):
        subjects.load_key(tmp_path / "missing")
    with pytest.raises(UsageError, match="cannot be written"):
        subjects.new_key(tmp_path / "missing" / "subject.key")


# --- tokens for lists

SALT = "a salt of a list"


@pytest.fixture
def stdin() -> Iterator[io.BytesIO]:
    before, data = sys.stdin, io.BytesIO()
    sys.stdin = io.TextIOWrapper(data, "utf-8")
    yield data
    sys.stdin = before


def listed(stdin: io.BytesIO, basis: str, *lines: str) -> int:
    stdin.write("\n".join(lines).encode("utf-8", "surrogateescape"))
    stdin.seek(0)
    return main(["list-token", "--salt", SALT, "--basis", basis])


@pytest.mark.parametrize(
    ("basis", "line", "code"),
    [
        ("citizen", " 001089012345 ", "001089012345||Nguyễn Văn Á|03031989|Nam|Phố|01052021"),
        ("passport", "c1234567", "C1234567|TRAN THI B|1989|0|"),
        ("qid", "QID7f31a2", "******509123|NGUYEN VAN A|1989|0|QID7f31a2|"),
        ("insurance", "7930001234", "GD4797930001234|4d61|01/02/1989|1|$"),
        ("insurance", "hs4017930001234", "GD4797930001234|4d61|01/02/1989|1|$"),
    ],
)
def test_a_token_is_that_of_the_code_that_a_gate_sees(
    stdin: io.BytesIO, capsys: pytest.CaptureFixture[str], basis: str, line: str, code: str
) -> None:
    seen = recognise(code)
    assert seen.basis is Basis(basis)
    assert listed(stdin, basis, "", line) == 0
    assert capsys.readouterr().out.split() == [lists.token(SALT, basis, seen.identity)]


def test_what_is_no_identity_is_told_by_its_line_alone(
    stdin: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        listed(stdin, "citizen", "001089012345", "12345", "٠٠١٠٨٩٠١٢٣٤٥", "012345678", "\udcff")
        == 1
    )
    out, err = capsys.readouterr()
    assert len(out.split()) == 2
    assert "line 2" in err
    assert "line 3" in err
    assert "12345" not in err


def test_a_salt_that_is_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list-token", "--salt", "short", "--basis", "citizen"]) == 2
    assert "16 characters" in capsys.readouterr().err


def test_the_example_joins_with_itself() -> None:
    again = read(json.dumps(json.loads(contract.examples()["sealed-plaintext.json"])))
    assert subject(KEY, EXAMPLE) == subject(KEY, again) != ""
