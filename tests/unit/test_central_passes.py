"""Every person here is invented."""

from __future__ import annotations

import base64
import json
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import cv2
import pytest
import segno
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from gatepost import trust
from gatepost.central import passes
from gatepost.central.cli import main
from gatepost.central.passes import PassRequest, sign_pass
from gatepost.codes import recognise
from gatepost.codes.signed_pass import Pass
from gatepost.errors import KeyMaterialError, UsageError
from gatepost.model import Basis, Kind, Reason, Stamp, Trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EXP = 1_900_000_000
LONG_NAME = "Nguyễn Thị Hồng Phượng Đặng Trần Thị Mỹ"  # 39 characters, 57 bytes
AT = Stamp("ab" * 16, 1, 1_800_000_000_000_000, True, 1000)


def list_of(*keys: dict[str, object], revoked: Sequence[object] = ()) -> trust.TrustList:
    """A trust list as a station gets it."""
    told = {"type": "gatepost-trust", "version": 1, "issued": "2026-01-01T00:00:00Z"}
    whole = told | {"audience": ["*"], "keys": keys, "revoked": list(revoked)}
    return trust.parse_list(json.dumps(whole).encode())


@given(
    st.sampled_from(passes.ROLES),
    st.integers(1, 2**32 - 1),
    st.none() | st.integers(0, 2**32 - 1),
    st.text("abcđễớ XYZ", max_size=30),
    st.lists(st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,9}\Z"), max_size=3),
    st.binary(min_size=12, max_size=16),
)
def test_a_pass_comes_back(
    role: str, until: int, start: int | None, name: str, places: list[str], identifier: bytes
) -> None:
    if start is not None and start >= until:
        start, until = until - 1, start + 1
    text = sign_pass(KEY, PassRequest(role, until, start, name, tuple(places), identifier))
    code = recognise(text)
    assert (code.kind, code.flaw, code.basis, code.weak) == (Kind.PASS, None, Basis.PASS, False)
    assert code.identity == passes.id_text(identifier)
    assert code.places == tuple(places)
    assert code.claims == Pass(
        name=" ".join(name.split()),
        role=role,
        places=tuple(places),
        valid_from=None if start is None else datetime.fromtimestamp(start, UTC),
        valid_until=datetime.fromtimestamp(until, UTC),
    )
    assert code.proof is not None
    assert code.proof.kid == passes.kid_of(KEY)
    KEY.public_key().verify(code.proof.signature, code.proof.message)


def test_a_station_that_holds_the_entry_verifies_the_pass() -> None:
    code = recognise(sign_pass(KEY, PassRequest("staff", EXP)))
    known = trust.check(code, list_of(passes.trust_entry(KEY, "gate office")), AT)
    assert (known.trust, known.reason, known.issuer) == (Trust.VERIFIED, None, "gate office")
    other = list_of(passes.trust_entry(passes.new_key(), "another"))
    assert trust.check(code, other, AT).trust is Trust.UNKNOWN_KEY
    assert trust.check(code, trust.NOTHING, AT).trust is Trust.UNKNOWN_KEY


def test_another_key_of_the_same_kid_verifies_nothing() -> None:
    entry = passes.trust_entry(passes.new_key(), "another")
    entry["kid"] = passes.trust_entry(KEY, "")["kid"]
    checked = trust.check(recognise(sign_pass(KEY, PassRequest("staff", EXP))), list_of(entry), AT)
    assert (checked.trust, checked.reason) == (Trust.INVALID, Reason.SIGNATURE_INVALID)


def test_a_pass_ends_and_begins() -> None:
    known = list_of(passes.trust_entry(KEY, "gate office"))
    at_s = AT.wall_us // 1_000_000
    ended = recognise(sign_pass(KEY, PassRequest("guest", at_s - 1)))
    early = recognise(sign_pass(KEY, PassRequest("guest", at_s + 99, at_s + 9)))
    assert trust.check(ended, known, AT).reason is Reason.EXPIRED
    assert trust.check(early, known, AT).reason is Reason.NOT_YET_VALID


def test_the_entry_names_no_private_half() -> None:
    entry = passes.trust_entry(KEY, "gate office")
    secret = KEY.private_bytes_raw()
    assert entry.keys() == {"kind", "name", "kid", "jwk"}
    assert entry["jwk"].keys() == {"kty", "crv", "x"}
    assert base64.urlsafe_b64encode(secret).decode().rstrip("=") not in json.dumps(entry)


def test_ids_are_random() -> None:
    one, other = (recognise(sign_pass(KEY, PassRequest("staff", EXP))).identity for _ in "ab")
    assert one != other


def test_an_id_is_never_taken_for_an_option() -> None:
    assert not any(passes.id_text(passes.new_id()).startswith("-") for _ in range(2000))


def test_a_name_of_forty_vietnamese_characters_and_a_place_fit_version_10() -> None:
    name = LONG_NAME + "ý"
    assert len(name) == 40
    text = sign_pass(KEY, PassRequest("staff", EXP, EXP - 1, name, ("ubnd-quan-01",)))
    code = segno.make_qr(text, error="m", boost_error=False)
    assert int(code.version) <= 10
    assert code.mode == "alphanumeric"
    assert recognise(text).flaw is None


def test_what_fills_version_10_is_the_last_that_fits() -> None:
    def signed(size: int) -> str:
        return sign_pass(KEY, PassRequest("staff", EXP, EXP - 1, LONG_NAME, ("a" * size,)))

    most = next(size for size in range(12, 64) if len(signed(size)) > passes.LONGEST_TEXT - 3)
    assert segno.make_qr(signed(most), error="m", boost_error=False).version == 10
    assert len(signed(most)) <= passes.LONGEST_TEXT
    with pytest.raises(UsageError, match="takes 311"):
        signed(most + 2)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (PassRequest("boss", EXP), "role"),
        (PassRequest("staff", EXP, name="a" * 41), "40 characters"),
        (PassRequest("staff", EXP, name="a\x1bb"), "plain text"),
        (PassRequest("staff", EXP, name="a\ud800"), "plain text"),
        (PassRequest("staff", EXP, EXP), "ends before it begins"),
        (PassRequest("staff", 0), "1970"),
        (PassRequest("staff", EXP, -1), "1970"),
        (PassRequest("staff", EXP, places=("Site 1",)), "no site id"),
        (PassRequest("staff", EXP, places=("",)), "no site id"),
        (PassRequest("staff", EXP, identifier=bytes(11)), "12 to 16"),
        (PassRequest("staff", EXP, identifier=bytes(17)), "12 to 16"),
        (PassRequest("staff", EXP, places=tuple(f"site-{n}" for n in range(30))), "version 10"),
    ],
)
def test_what_cannot_stand_in_a_pass_is_refused(request_: PassRequest, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        sign_pass(KEY, request_)


def test_an_id_comes_back_in_one_writing_alone() -> None:
    assert passes.id_bytes(passes.id_text(bytes(13))) == bytes(13)
    for text in ("", "AAAA", "A" * 17 + "B", passes.id_text(bytes(13)) + "==", "đ" * 16):
        with pytest.raises(UsageError, match="no id"):
            passes.id_bytes(text)


# --- keys


def test_a_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "pass.key"
    passes.save_key(KEY, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert passes.load_key(path).private_bytes_raw() == KEY.private_bytes_raw()
    with pytest.raises(UsageError, match="there already"):
        passes.save_key(KEY, path)
    with pytest.raises(UsageError, match="cannot be written"):
        passes.save_key(KEY, tmp_path / "missing" / "pass.key")


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    other = X25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, data in (("text", b"no key"), ("empty", b""), ("other", pem)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(KeyMaterialError, match=name):
            passes.load_key(tmp_path / name)
    with pytest.raises(KeyMaterialError, match="cannot be read"):
        passes.load_key(tmp_path / "missing")


# --- commands


@pytest.fixture
def key_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "pass.key"
    assert main(["pass", "new-key", "--out", str(path), "--name", "Gate office"]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry == passes.trust_entry(passes.load_key(path), "Gate office")
    assert list_of(entry).keys[0].kid == passes.kid_of(passes.load_key(path))
    return path


def test_a_pass_is_signed_and_drawn(
    tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = [tmp_path / "pass.svg", tmp_path / "pass.PNG"]
    for path in drawn:
        status = main(
            ["pass", "sign", "--key", str(key_file), "--role", "guest", "--name", "Vũ Thị Bịa",
             "--from", "2026-01-01T08:00+07:00", "--until", "2030-01-01T18:00+07:00",
             "--place", "site-1", "--place", "site-2", "--id", "AAECAwQFBgcICQoL",
             "--qr", str(path)]
        )  # fmt: skip
        assert status == 0
    out, err = capsys.readouterr()
    text = out.splitlines()[0]
    code = recognise(text)
    assert code.claims == Pass(
        name="Vũ Thị Bịa",
        role="guest",
        places=("site-1", "site-2"),
        valid_from=datetime(2026, 1, 1, 1, tzinfo=UTC),
        valid_until=datetime(2030, 1, 1, 11, tzinfo=UTC),
    )
    assert code.identity == "AAECAwQFBgcICQoL"
    assert err.splitlines()[0] == "id AAECAwQFBgcICQoL"
    assert drawn[0].read_bytes().startswith(b"<?xml")
    assert drawn[1].read_bytes().startswith(b"\x89PNG")


def test_what_is_drawn_is_read_back(
    tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "pass.png"
    words = ["pass", "sign", "--key", str(key_file), "--role", "staff", "--name", LONG_NAME]
    assert main([*words, "--until", "2030-01-01", "--place", "town-hall", "--qr", str(drawn)]) == 0
    picture = cv2.imread(str(drawn), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    (read,) = zxingcpp.read_barcodes(picture)
    assert read.text == capsys.readouterr().out.rstrip("\n")
    modules = picture.shape[0] // 8 - 2 * 4  # 8 pixels each, 4 of margin
    assert (modules - 17) // 4 <= 10


def test_a_pass_is_taken_back_by_the_id_that_was_printed(
    key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["pass", "sign", "--key", str(key_file), "--role", "staff", "--until", "2049-01-01"]
    assert main(words) == 0
    told = capsys.readouterr()
    identifier = told.err.split()[1]
    assert main(["pass", "revoke", identifier, "AAECAwQFBgcICQoL"]) == 0
    revoked = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    entry = passes.trust_entry(passes.load_key(key_file), "Gate office")
    code = recognise(told.out.rstrip("\n"))
    assert trust.check(code, list_of(entry, revoked=revoked[1:]), AT).trust is Trust.VERIFIED
    assert trust.check(code, list_of(entry, revoked=revoked), AT).reason is Reason.REVOKED


def test_of_ids_of_which_one_is_none_none_is_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pass", "revoke", "AAECAwQFBgcICQoL", "AAEC"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "'AAEC' is no id" in told.err


def test_how_long_it_holds_is_told_and_that_it_is_past(
    key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["pass", "sign", "--key", str(key_file), "--role", "ticket", "--until"]
    for until, told in (("2049-05-01T18:00+07:00", ""), ("2020-05-01", ", which is past")):
        assert main([*words, until]) == 0
        line = capsys.readouterr().err.splitlines()[1]
        assert line.startswith("valid until 20")
        assert told in line
        assert (", which" in line) is bool(told)
        moment = datetime.fromisoformat(line.split()[2].rstrip(","))
        assert moment.tzinfo is not None


def test_a_day_alone_is_the_whole_of_it(key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(
        ["pass", "sign", "--key", str(key_file), "--role", "ticket",
         "--from", "2026-05-01", "--until", "2026-05-01"]
    ) == 0  # fmt: skip
    claims = recognise(capsys.readouterr().out.strip()).claims
    assert isinstance(claims, Pass)
    assert claims.valid_from == datetime(2026, 5, 1).astimezone()
    assert claims.valid_until == datetime(2026, 5, 2).astimezone()


@pytest.mark.parametrize(
    "options",
    [
        ["--until", "tomorrow"],
        ["--until", "2026-02-30"],
        ["--until", "2026-05-01", "--from", "2027-05-01"],
        ["--until", "2026-05-01", "--id", "short"],
        ["--until", "2026-05-01", "--qr", "pass.gif"],
        ["--until", "2026-05-01", "--qr", "missing/pass.svg"],
        ["--until", "2026-05-01", "--place", "\x1b[2J"],
        ["--until", "2026-05-01", "--name", "a" * 50],
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    options: list[str], key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pass", "sign", "--key", str(key_file), "--role", "staff", *options]
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gatepost-central: ")
    assert err.count("\n") == 1
    assert err.strip().isprintable()


def test_what_stands_for_a_key_is_told_again(
    key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pass", "show-key", "--key", str(key_file), "--name", "Cổng chính"]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry == passes.trust_entry(passes.load_key(key_file), "Cổng chính")
    assert main(["pass", "show-key", "--key", str(key_file), "--name", "n" * 201]) == 2


def test_a_new_key_needs_a_name_and_a_new_file(
    tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pass", "new-key", "--out", str(key_file)]) == 2
    assert main(["pass", "new-key", "--out", str(tmp_path / "b.key"), "--name", " "]) == 2
    assert "there already" in capsys.readouterr().err
    assert not (tmp_path / "b.key").exists()


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["pass", "sign"],
        ["pass", "new-key"],
        ["pass", "revoke"],
        ["pass", "show-key"],
        ["subject-key"],
        ["list-token"],
    ):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0
        assert "gatepost-central " + " ".join(words) in capsys.readouterr().out


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        passes.save_private(tmp_path / "key", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
