"""`gatepost explain`: a line in, a line out, whatever the line is."""

import base64
import json
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fuzz.seeds import seeds
from fuzz.wrapping import DCC_KID, ECDSA_KEY, WRAPPINGS, text_of
from gatepost import contract
from gatepost.cli import main
from gatepost.packing import base45, base64url, cose

PERSON = "******509123|NGUYEN VAN A|1989-**-**|1|QID7f31a2|"
KEYS = {"kind", "verdict", "reason", "trust", "basis", "weak", "claims", "checks"}
Capture = pytest.CaptureFixture[str]


def fed(lines: bytes, *argv: str, status: int = 0) -> list[dict[str, Any]]:
    """What a process of its own says of its standard input."""
    command = [sys.executable, "-m", "gatepost", "explain", *argv]
    ended = subprocess.run(command, input=lines, capture_output=True, check=False, timeout=50)
    assert ended.returncode == status, ended.stderr.decode()
    return [json.loads(line) for line in ended.stdout.splitlines()]


def explained(capsys: Capture, *argv: str, status: int = 0) -> list[dict[str, Any]]:
    assert main(["explain", *argv]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def dcc() -> str:
    return next(text for text in map(text_of, seeds()) if text.startswith("HC1:"))


@cache
def certificate() -> str:
    """Of the fuzzer's key; valid long enough."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example DSC")])
    begin = datetime(2021, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ECDSA_KEY.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=9000))
        .sign(ECDSA_KEY, SHA256())
    )
    return base64.b64encode(built.public_bytes(Encoding.DER)).decode()


def trust_file(folder: Path, **changes: Any) -> Path:
    path = folder / "trust.json"
    jwk = {"kty": "EC", "crv": "P-256"}
    numbers = ECDSA_KEY.public_key().public_numbers()
    jwk |= {n: base64url.encode(getattr(numbers, n).to_bytes(32, "big")) for n in ("x", "y")}
    key = {"kind": "dcc", "issuer": "VN", "kid": base64url.encode(DCC_KID), "jwk": jwk}
    told = {"type": "gatepost-trust", "version": 1, "issued": "2026-01-01T00:00:00Z"}
    path.write_text(json.dumps(told | {"audience": ["*"], "keys": [key]} | changes))
    return path


def test_a_text_gives_an_object_for_machines(capsys: Capture) -> None:
    (said,) = explained(capsys, "--json", PERSON)
    assert said.keys() == KEYS
    assert (said["kind"], said["verdict"]) == ("pc-covid", "accepted")
    assert said["reason"] == "recorded-for-another"
    assert (said["trust"], said["basis"], said["weak"]) == ("unsigned", "qid", False)
    assert said["claims"]["name"] == "NGUYEN VAN A"


def test_it_gives_people_a_table_with_the_reason_in_both_languages(capsys: Capture) -> None:
    assert main(["explain", "https://pccovid.gov.vn/x"]) == 0
    told = capsys.readouterr().out
    entry = contract.reasons()["poster-shown"]
    assert f"poster-shown: {entry.en}" in told
    assert entry.vi in told
    assert told.startswith("kind     site\n")


def test_a_weak_identity_is_called_so(capsys: Capture) -> None:
    assert main(["explain", "******509123|NGUYEN VAN A|1989-**-**|0||"]) == 0
    assert "weak" in capsys.readouterr().out


def test_lines_of_standard_input_each_give_a_line() -> None:
    lines = f"{PERSON}\r\n\nhttps://example.org/\nno newline at the end"
    said = fed(lines.encode(), "-", "--json")
    assert [each["kind"] for each in said] == ["pc-covid", "unknown", "url", "unknown"]


def test_bytes_that_are_no_utf8_are_a_text_too() -> None:
    said = fed(b"\xff\xfe\x80|\n\xed\xa0\x80\n", "--json")
    assert [each["kind"] for each in said] == ["unknown", "unknown"]


def test_a_line_that_is_too_long_is_an_error_and_not_the_end() -> None:
    lines = b"x" * (3 * 1024 * 1024) + b"\n" + PERSON.encode() + b"\n"
    first, second = fed(lines, "--json", status=1)
    assert "more than" in first["error"]
    assert second["kind"] == "pc-covid"


def test_controls_of_a_code_do_not_reach_the_terminal(capsys: Capture) -> None:
    assert main(["explain", "0|\x1b[31m|x", "--json"]) == 0
    assert main(["explain", "******509123|A \x1b]0;title\x07B|1989|0|QID1234|"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_trust_list_verifies_and_says_what_was_checked(capsys: Capture, tmp_path: Path) -> None:
    path = str(trust_file(tmp_path))
    at = ("--at", "2022-02-01T00:00:00Z")
    (said,) = explained(capsys, "--json", "--trust", path, *at, dcc())
    assert (said["trust"], said["verdict"]) == ("verified", "accepted")
    steps = {step["what"]: step["outcome"] for step in said["checks"]}
    assert steps["signature"] == "holds"
    (said,) = explained(capsys, "--json", *at, dcc())
    assert (said["trust"], said["reason"]) == ("unknown-key", "issuer-unknown")
    zoneless = ("--at", "2022-02-01T00:00:00.5")  # UTC: published vectors write so
    (said,) = explained(capsys, "--json", "--trust", path, *zoneless, dcc())
    assert said["trust"] == "verified"
    late = ("--at", "2099-01-01T07:00:00+07:00")
    (said,) = explained(capsys, "--json", "--trust", path, *late, dcc())
    assert (said["trust"], said["reason"]) == ("invalid", "expired")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--at", "yesterday"], "is no time"),
        (["--at", "2022-02-30T00:00:00Z"], "is no time"),
        (["--trust", "/nowhere/trust.json"], "/nowhere/trust.json: cannot be read"),
        (["--rules", "/nowhere/rules.toml"], "there is no such file"),
        (["--config", "/nowhere/station.toml"], "there is no such file"),
    ],
)
def test_what_cannot_be_used_is_named_before_the_first_code(
    capsys: Capture, argv: list[str], told: str
) -> None:
    assert main(["explain", *argv, PERSON]) == 2
    assert told in capsys.readouterr().err


def test_a_trust_list_that_is_wrong_is_named_with_its_place(
    capsys: Capture, tmp_path: Path
) -> None:
    path = trust_file(tmp_path, keys=[{"kind": "dcc", "jwk": {"kty": "oct", "k": "AA"}}])
    assert main(["explain", "--trust", str(path), PERSON]) == 1
    assert "keys[0].jwk" in capsys.readouterr().err


def test_rules_of_a_file_decide(capsys: Capture, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[gate]\naccept = ["pass"]\n')
    (said,) = explained(capsys, "--json", "--rules", str(rules), PERSON)
    assert (said["verdict"], said["reason"]) == ("refused", "kind-not-accepted")


def objects(*lines: object, status: int = 0) -> list[dict[str, Any]]:
    coded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return fed(b"\n".join(coded) + b"\n", "--input", "jsonl", status=status)


def test_objects_bring_their_own_time_and_certificates() -> None:
    kid = sha256(base64.b64decode(certificate())).digest()[:8]
    payload = next(seed[1:] for seed in seeds() if WRAPPINGS[seed[0]].__name__ == "_dcc")
    coded = base45.encode(zlib.compress(cose.sign1(payload, kid, ECDSA_KEY)))
    line = {"id": 7, "code": f"HC1:{coded}", "at": "2022-02-01T00:00:00Z"}
    plain, good, late = objects(
        line,
        line | {"certificates": [certificate()]},
        line | {"certificates": [certificate()], "at": "2045-02-01T00:00:00Z"},
    )
    assert (plain["id"], plain["trust"]) == (7, "unknown-key")
    assert (good["trust"], good["verdict"]) == ("verified", "accepted")
    assert late["trust"] == "invalid"


def test_what_is_no_object_gives_its_error_and_never_an_end() -> None:
    bad: list[object] = [
        b"{",
        b"[]",
        b"\xff",
        b"[" * 5000,
        {"text": "x"},
        {"code": 5},
        {"code": PERSON, "at": 5},
        {"code": PERSON, "at": "soon"},
        {"code": PERSON, "certificates": "x"},
        {"code": PERSON, "certificates": [5]},
        {"code": PERSON, "certificates": ["!"]},
        {"code": PERSON, "certificates": ["AAAA"]},
        {"code": PERSON, "certificates": ["AAAA"] * 100},
        b'{"code": "x", "code": "y"}',
    ]
    said = objects(*bad, {"code": PERSON}, status=1)
    assert [set(each) for each in said[:-1]] == [{"error"}] * len(bad)
    assert said[-1]["kind"] == "pc-covid"


def test_half_a_surrogate_pair_is_a_text_like_others() -> None:
    (said,) = objects(b'{"code": "\\ud800|x", "id": "\\udfff"}')
    assert (said["kind"], said["id"]) == ("unknown", "?")
