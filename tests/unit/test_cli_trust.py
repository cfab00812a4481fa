import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from desires import Source, said
from gatepost.cli import main
from gatepost.desired import Desire, Held

RULES, TRUST = Desire.RULES, Desire.TRUST
RAW = (Encoding.Raw, PublicFormat.Raw)
KIND = {TRUST: "trust", RULES: "rules"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


def configured(folder: Path, source: Source, central: str) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "station.toml"
    path.write_text(f"""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "{source.files.station_certificate}"
key = "{source.files.station_key}"
[broker]
host = "127.0.0.1"
ca = "{source.files.ca}"
[central]
{central}
[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/null"
""")
    return path


@pytest.fixture
def config(tmp_path: Path, source: Source) -> Path:
    files = source.files
    return configured(
        tmp_path, source, f'sealing_key = "{files.sealing_public}"\nauthority = "{files.ca}"'
    )


@pytest.fixture
def no_authority(tmp_path: Path, source: Source) -> Path:
    return configured(tmp_path, source, f'sealing_key = "{source.files.sealing_public}"')


Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command with --json: its status, what it printed, and its errors."""

    def command(*words: object) -> tuple[int, Any, str]:
        status = main([*map(str, words), "--json"])
        told = capsys.readouterr()
        return status, json.loads(told.out) if told.out else None, told.err

    return command


def put(folder: Path, content: bytes) -> Path:
    path = folder / "given"
    path.write_bytes(content)
    return path


def pass_key(name: str = "Gate office") -> dict[str, Any]:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*RAW)
    coded = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {"kind": "pass", "name": name, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": coded}}


def dcc_key(source: Source) -> dict[str, Any]:
    pem = source.files.broker_certificate.read_bytes()
    der = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return {"kind": "dcc", "issuer": "VN", "certificate": base64.b64encode(der).decode()}


# --- apply, then show


@pytest.mark.parametrize("kind", list(Desire))
def test_what_is_applied_is_held_and_shown(
    kind: Desire, config: Path, source: Source, run: Run
) -> None:
    token = put(config.parent, source.token(kind, 3) + b"\n")
    status, told, _ = run(KIND[kind], "apply", token, "--config", config)
    assert (status, told["ok"], told["version"], told["new"]) == (0, True, 3, True)
    assert run(KIND[kind], "apply", token, "--config", config)[1]["new"] is False
    held = Held(config.parent / "data" / "desired", source.centre)
    assert [each.version for each in held.look()] == [3]
    status, told, _ = run(KIND[kind], "show", "--config", config)
    assert (status, told["version"], told["signer"], told["problems"]) == (0, 3, "central", [])


@pytest.mark.parametrize("kind", list(Desire))
def test_what_a_station_would_refuse_is_not_applied(
    kind: Desire, config: Path, source: Source, tmp_path: Path, run: Run
) -> None:
    run(KIND[kind], "apply", put(tmp_path, source.token(kind, 3)), "--config", config)
    for content, why in (
        (source.token(kind, 2), "3 is held already"),
        (source.station_signs(kind, 4), "this station itself"),
        (source.token(kind, 4, audience=["site-9"]), "audience"),
        (json.dumps(said(kind, 4)).encode(), "not a JWS"),
        (b"", "not a JWS"),
        (b"\xff", "not a JWS"),
    ):
        status, told, _ = run(KIND[kind], "apply", put(tmp_path, content), "--config", config)
        assert (status, told["ok"]) == (1, False)
        assert why in told["problems"][0]
    assert run(KIND[kind], "show", "--config", config)[1]["version"] == 3


def test_keys_are_shown_by_kind_and_issuer_with_kid_and_validity(
    config: Path, source: Source, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    revoked = [{"kind": "pass", "id": "ab" * 32}]
    token = source.token(TRUST, 1, keys=[dcc_key(source), pass_key()], revoked=revoked)
    assert run("trust", "apply", put(tmp_path, token), "--config", config)[0] == 0
    _, told, _ = run("trust", "show", "--config", config)
    dcc, own = told["keys"]
    assert (dcc["kind"], dcc["issuer"], dcc["algorithm"]) == ("dcc", "VN", "ES256")
    assert (dcc["not_before"], dcc["not_after"]) == ("2020-01-01T00:00:00Z", "2049-12-31T00:00:00Z")
    assert (own["kind"], own["name"], own["algorithm"]) == ("pass", "Gate office", "EdDSA")
    assert own["kid"]
    assert told["revoked"] == 1
    main(["trust", "show", "--config", str(config)])
    text = capsys.readouterr().out
    assert dcc["kid"] in text
    assert "Gate office" in text


def test_it_says_to_whom_is_sealed(config: Path, source: Source, tmp_path: Path, run: Run) -> None:
    own = json.loads(source.files.sealing_public.read_text())
    run("trust", "apply", put(tmp_path, source.token(TRUST, 1)), "--config", config)
    assert run("trust", "show", "--config", config)[1]["sealed_to"] == own["kid"]
    newer = [
        own | {"kid": f"c-{year}", "since": f"{year}-01-01T00:00:00Z"} for year in (2025, 2026)
    ]
    token = put(tmp_path, source.token(TRUST, 2, central=newer))
    assert run("trust", "check", token, "--config", config)[1]["changes"] == [
        "central keys: c-2026, c-2025"
    ]
    run("trust", "apply", token, "--config", config)
    told = run("trust", "show", "--config", config)[1]
    assert (told["central"], told["sealed_to"]) == (["c-2026", "c-2025"], "c-2026")


@pytest.mark.parametrize("kind", list(Desire))
def test_nothing_held_is_no_fault_and_a_damaged_file_is(
    kind: Desire, config: Path, source: Source, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(KIND[kind], "show", "--config", config)[:2] == (
        0,
        {"kind": KIND[kind], "version": 0, "problems": []},
    )
    folder = config.parent / "data" / "desired"
    folder.mkdir()
    (folder / f"{KIND[kind]}.jws").write_bytes(source.token(kind)[:-9])
    status, told, _ = run(KIND[kind], "show", "--config", config)
    assert status == 1
    assert "signature does not hold" in told["problems"][0]
    assert main([KIND[kind], "show", "--config", str(config)]) == 1
    shown = capsys.readouterr()
    assert "nothing from the centre is held" in shown.out
    assert f"{KIND[kind]}.jws" in shown.err


@pytest.mark.parametrize("kind", list(Desire))
def test_without_an_authority_it_says_what_to_configure(
    kind: Desire, no_authority: Path, source: Source, tmp_path: Path, run: Run
) -> None:
    token = put(tmp_path, source.token(kind))
    status, told, error = run(KIND[kind], "apply", token, "--config", no_authority)
    assert (status, told) == (2, None)
    assert "[central] authority" in error
    status, told, _ = run(KIND[kind], "show", "--config", no_authority)
    assert status == 0
    assert "[central] authority" in told["problems"][0]
    status, told, _ = run(KIND[kind], "check", token, "--config", no_authority)
    assert (status, told["signature"]) == (0, "not checked")


def test_a_station_that_never_ran_has_no_folder_to_put_it_in(
    config: Path, source: Source, tmp_path: Path, run: Run
) -> None:
    (config.parent / "data").rmdir()
    status, told, _ = run("trust", "apply", put(tmp_path, source.token(TRUST)), "--config", config)
    assert status == 1
    assert "cannot be kept" in told["problems"][0]
    assert "start the station once" in told["problems"][0]


def test_what_is_wrong_names_the_file_and_what_to_do(
    config: Path, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = put(tmp_path, b'[gate]\naccept = ["pass"]\n')
    assert main(["rules", "apply", str(plain), "--config", str(config)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"gatepost: {plain}: ")
    assert "gatepost-central sign" in told
    other = put(tmp_path, source.token(TRUST))
    assert main(["rules", "check", str(other), "--config", str(config)]) == 1
    assert capsys.readouterr().err.startswith(f"gatepost: {other}: typ is not")


# --- check


@pytest.mark.parametrize("kind", list(Desire))
def test_a_token_is_checked_as_the_station_would(
    kind: Desire, config: Path, source: Source, tmp_path: Path, run: Run
) -> None:
    good = put(tmp_path, source.token(kind, 5))
    status, told, _ = run(KIND[kind], "check", good, "--config", config)
    assert (status, told["ok"], told["signature"], told["version"]) == (0, True, "good", 5)
    assert not (config.parent / "data" / "desired").exists()
    assert run(KIND[kind], "check", good)[1]["signature"] == "not checked"
    run(KIND[kind], "apply", good, "--config", config)
    status, told, _ = run(KIND[kind], "check", good, "--config", config)
    assert (status, told["problems"]) == (1, ["version 5: it is the one that is held"])
    status, told, _ = run(
        KIND[kind], "check", put(tmp_path, source.station_signs(kind, 9)), "--config", config
    )
    assert (status, told["problems"]) == (1, ["signed by this station itself"])


def test_a_plain_list_is_checked_and_its_problems_are_told(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    good = put(tmp_path, json.dumps(said(TRUST, 2, keys=[pass_key()])).encode())
    status, told, _ = run("trust", "check", good)
    assert (status, told["signature"], told["version"], told["changes"]) == (0, "none", 2, [])
    assert told["sealed_to"] is None
    bad = put(tmp_path, json.dumps(said(TRUST, 0, keys=[{"kind": "url"}])).encode())
    status, told, _ = run("trust", "check", bad)
    assert status == 1
    assert [each.split(":")[1].strip() for each in told["problems"]] == ["version", "keys[0].kind"]
    assert main(["trust", "check", str(bad)]) == 1
    assert "keys[0].kind" in capsys.readouterr().err


def test_a_list_is_checked_before_it_is_signed(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = {"keys": [pass_key()], "revoked": [{"kind": "pass", "id": "ab" * 32}]}
    good = put(tmp_path, json.dumps(draft).encode())
    status, told, _ = run("trust", "check", good)
    assert (status, told["signature"], told["revoked"]) == (0, "none", 1)
    assert not {"version", "issued", "audience"} & told.keys()
    assert main(["trust", "check", str(good)]) == 0
    assert "audience" not in capsys.readouterr().out
    status, told, _ = run("trust", "check", put(tmp_path, b'{"keys": [{"kind": "url"}]}'))
    assert (status, len(told["problems"])) == (1, 1)
    assert "keys[0].kind" in told["problems"][0]


def test_a_signed_list_must_say_all_of_it_itself(tmp_path: Path, source: Source, run: Run) -> None:
    token = source.sign(b'{"keys": []}', TRUST.typ)
    assert run("trust", "check", put(tmp_path, token))[0] == 1


def test_plain_rules_are_checked_and_every_problem_is_told(tmp_path: Path, run: Run) -> None:
    status, told, _ = run("rules", "check", put(tmp_path, b'[gate]\naccept = ["pass"]\n'))
    assert (status, told["rules"]["accept"]) == (0, ["pass"])
    bad = put(tmp_path, b'[gate]\nrepeat_s = -1\nday_reset = "25:00"\nopens = 1\n')
    status, told, _ = run("rules", "check", bad)
    assert status == 1
    assert [each.split(":")[1] for each in told["problems"]] == ["2", "3", "4"]
    status, told, _ = run("rules", "check", put(tmp_path, b"\xff\xfe"))
    assert (status, told["ok"]) == (1, False)


def test_it_says_what_would_change(config: Path, source: Source, tmp_path: Path, run: Run) -> None:
    first, second = pass_key(), pass_key("Town hall")
    token = source.token(TRUST, 1, keys=[first], revoked=[{"kind": "pass", "id": "ab" * 32}])
    run("trust", "apply", put(tmp_path, token), "--config", config)
    plain = put(tmp_path, json.dumps(said(TRUST, 2, keys=[second])).encode())
    changes = run("trust", "check", plain, "--config", config)[1]["changes"]
    assert [each[:10] for each in changes] == ["+ key pass", "- key pass", "- 1 revoke"]
    assert run("rules", "check", put(tmp_path, b""), "--config", config)[1]["changes"] == []
    rules = put(tmp_path, b'[gate]\naccept = ["pass"]\ncapacity = 30\nopen = ["mon 07:00-09:30"]\n')
    assert run("rules", "check", rules, "--config", config)[1]["changes"] == [
        "accept: bhyt, cccd, pc-covid -> pass",
        "hours: none -> mon 07:00 to mon 09:30",
        "capacity: 0 -> 30",
    ]


def test_a_file_may_come_by_standard_input(source: Source) -> None:
    words = [sys.executable, "-m", "gatepost", "rules", "check", "-"]
    for token, status in ((source.token(RULES, 3), 0), (source.token(RULES, 3)[:99], 1)):
        ended = subprocess.run(words, input=token, capture_output=True, timeout=30, check=False)
        assert ended.returncode == status


@pytest.mark.parametrize("action", ["check", "apply"])
def test_what_cannot_be_tried_is_usage(action: str, config: Path, tmp_path: Path, run: Run) -> None:
    for path in (tmp_path / "gone", tmp_path):
        assert run("trust", action, path, "--config", config)[0] == 2
    huge = put(tmp_path, b"x" * (4 * 1024 * 1024 + 1))
    assert run("trust", action, huge, "--config", config)[0] == 2
    assert run("trust", action, huge, "--config", tmp_path / "none.toml")[0] == 2


def test_what_a_file_says_cannot_move_the_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = said(TRUST, 1, keys=[pass_key() | {"\x1b[31m": 1}])
    assert main(["trust", "check", str(put(tmp_path, json.dumps(hostile).encode()))]) == 1
    assert main(["rules", "check", str(put(tmp_path, b'"\\u001b[31m" = 1'))]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["trust", "rules"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"gatepost {command} apply" in capsys.readouterr().out
