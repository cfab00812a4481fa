from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from gatepost import contract, wire
from gatepost.central import subjects
from gatepost.central.cli import main
from gatepost.central.unseal import (
    load_private_key,
    load_private_keys,
    read,
    unseal,
    unseal_event,
)
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import ContractError, KeyMaterialError
from gatepost.model import Basis, Code, Direction, Event, Kind, Scan, ScanRecord, Stamp, Trust
from gatepost.sealing import Sealer, load_public_key, understood

PRIVATE = "central-private.EXAMPLE-ONLY.jwk"
EXAMPLES = contract.examples()
SEALED = EXAMPLES["sealed.jwe"].decode()
KEY: dict[str, Any] = json.loads(EXAMPLES[PRIVATE])
COMMAND = (
    sys.executable,
    "-c",
    "from gatepost.central.cli import main; raise SystemExit(main())",
)
AT = Stamp("ab" * 16, 61_000_000, 1_700_000_000_000_000, True, 5)


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
    sealed = Sealer(load_public_key(files.sealing_public)).seal(understood(scan, code, "st-1", AT))
    opened = unseal(sealed, load_private_key(files.sealing_private))
    assert (opened.data, opened.text, opened.weak) == (b"\xff\xfe", "\u0111", True)
    assert (opened.source, opened.boot_id, opened.boot_us) == ("st-1", "ab" * 16, 61_000_000)


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


# --- of which event


def example(name: str) -> Event:
    return wire.parse_event(EXAMPLES[name])[0]


SEALED_EVENT = example("event-3-scan-sealed.json")
PLAIN_EVENT = example("event-4-scan-plain.json")


def test_what_is_of_this_event_is_opened() -> None:
    assert unseal_event(SEALED_EVENT, KEY).text == "GP-EXAMPLE|nobody|0001"
    assert unseal_event(PLAIN_EVENT, KEY).data == b"\xff\x00poster"


@pytest.mark.parametrize("event", [SEALED_EVENT, PLAIN_EVENT], ids=["sealed", "plain"])
def test_what_was_copied_from_another_event_is_refused(event: Event) -> None:
    at = event.stamp
    for other in (
        replace(event, source="st-2"),
        replace(event, stamp=replace(at, boot_id="cd" * 16)),
        replace(event, stamp=replace(at, boot_us=at.boot_us + 1)),
    ):
        with pytest.raises(ContractError, match="another event"):
            unseal_event(other, KEY)


def test_in_what_is_no_scan_nothing_is_sealed() -> None:
    with pytest.raises(ContractError, match="not a scan"):
        unseal_event(example("event-5-fault.json"), KEY)


def test_what_names_no_event_is_refused() -> None:
    told = json.loads(EXAMPLES["sealed-plaintext.json"])
    for name in ("source", "boot_id", "boot_us", "pad"):
        with pytest.raises(ContractError, match="something else"):
            read(json.dumps({key: value for key, value in told.items() if key != name}))


def header(**changes: object) -> str:
    head, rest = SEALED.split(".", 1)
    told = json.loads(base64.urlsafe_b64decode(head + "==")) | changes
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=") + "." + rest


@pytest.mark.parametrize(
    "changes",
    [
        {"zip": "DEF"},
        {"crit": ["exp"]},
        {"alg": "dir"},
        {"alg": []},
        {"enc": None},
        {"enc": {"a": 1}},
        {"epk": None},
        {"epk": "text"},
        {"epk": {}},
        {"epk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}},
        {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"kid": None},
        {"kid": "\x1b" * 500},
        {"kid": [[[]]]},
    ],
)
def test_a_hostile_header_is_named_and_no_more(changes: dict[str, object]) -> None:
    with pytest.raises((ContractError, KeyMaterialError)) as told:
        unseal(header(**changes), KEY)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 200


@pytest.mark.parametrize("times", [100, 800, 900, 950, 100_000])
def test_nesting_in_a_header_is_named(times: int) -> None:
    deep = b"[" * times + b"]" * times
    inner = b'{"alg":1,"enc":2,"epk":3,"kid":' + deep + b"}"
    for each in (deep, inner):
        with pytest.raises(ContractError):
            unseal(base64.urlsafe_b64encode(each).decode().rstrip("=") + "....", KEY)


# --- several keys


def test_of_several_keys_the_one_is_taken_to_which_it_was_sealed(files: AuthorityFiles) -> None:
    other, ours = load_private_key(files.sealing_private), OKPKey.import_key(KEY)
    assert unseal(SEALED, [other, ours]) == unseal(SEALED, ours) == unseal(SEALED, KEY)
    with pytest.raises(KeyMaterialError, match="central-example-only"):
        unseal(SEALED, [other])
    with pytest.raises(KeyMaterialError, match="no key"):
        unseal(SEALED, [])


def test_two_keys_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(EXAMPLES[PRIVATE])
    with pytest.raises(KeyMaterialError, match="same kid"):
        load_private_keys([tmp_path / "a", tmp_path / "b"])
    assert [key.kid for key in load_private_keys([tmp_path / "a"])] == [KEY["kid"]]


# --- the command


@dataclass
class Unsealing:
    """The command with the example's key, another one and a subject key at hand."""

    options: list[str]
    secret: bytes
    printed: pytest.CaptureFixture[str]

    def __call__(self, *lines: bytes | str, subject: bool = True) -> tuple[int, list[Any], str]:
        data = b"\n".join(each if isinstance(each, bytes) else each.encode() for each in lines)
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data), "utf-8")
        options = self.options if subject else self.options[:4]
        try:
            status = main(["unseal", *options, "-"])
        finally:
            sys.stdin = before
        out, err = self.printed.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def unsealing(
    tmp_path: Path, files: AuthorityFiles, capsys: pytest.CaptureFixture[str]
) -> Unsealing:
    (tmp_path / "example.jwk").write_bytes(EXAMPLES[PRIVATE])
    subjects.new_key(tmp_path / "subject.key")
    options = ["--key", str(files.sealing_private), "--key", str(tmp_path / "example.jwk")]
    options += ["--subject-key", str(tmp_path / "subject.key")]
    return Unsealing(options, subjects.load_key(tmp_path / "subject.key"), capsys)


def one_line(name: str, **data: object) -> str:
    told = json.loads(EXAMPLES[name])
    told["data"] |= data
    return json.dumps(told)


def test_a_whole_event_gives_its_subject_and_what_was_decided(unsealing: Unsealing) -> None:
    status, lines, err = unsealing(one_line("event-3-scan-sealed.json"))
    assert (status, err, len(lines)) == (0, "", 1)
    record = SEALED_EVENT.record
    assert isinstance(record, ScanRecord)
    assert lines[0]["subject"] == subjects.subject(unsealing.secret, unseal(SEALED, KEY))
    assert lines[0]["subject"]
    assert lines[0]["identity"] == "GP-EXAMPLE-0001"
    assert lines[0]["claims"]["name"] == "Nguyễn Văn Mẫu"
    assert (lines[0]["verdict"], lines[0]["trust"]) == (record.verdict, record.trust)
    assert (lines[0]["reason"], lines[0]["direction"]) == (record.reason, record.direction)
    assert lines[0]["id"] == json.loads(EXAMPLES["event-3-scan-sealed.json"])["id"]
    assert (lines[0]["source"], lines[0]["site"]) == (SEALED_EVENT.source, SEALED_EVENT.site)


def test_tokens_and_events_stand_in_any_order_and_nobody_has_no_subject(
    unsealing: Unsealing,
) -> None:
    status, lines, _ = unsealing(
        SEALED, "", one_line("event-4-scan-plain.json"), one_line("event-5-fault.json")
    )
    assert status == 0
    assert [each["kind"] for each in lines] == ["pc-covid", "site"]
    assert lines[0]["subject"]
    assert lines[1]["subject"] is None


def test_without_its_key_there_is_no_subject(unsealing: Unsealing) -> None:
    _, lines, _ = unsealing(SEALED, subject=False)
    assert "subject" not in lines[0]


@pytest.mark.parametrize("trust", list(Trust))
def test_a_signed_code_has_a_subject_only_where_its_event_says_verified(
    unsealing: Unsealing, trust: Trust
) -> None:
    plain = json.loads(json.loads(EXAMPLES["event-4-scan-plain.json"])["data"]["plain"])
    plain |= {"kind": "pass", "basis": "pass", "identity": "AAECAwQFBgcICQoL"}
    text = json.dumps(plain)
    status, lines, _ = unsealing(
        one_line("event-4-scan-plain.json", plain=text, kind="pass", trust=trust.value)
    )
    assert status == 0
    assert (lines[0]["subject"] is not None) is (trust is Trust.VERIFIED)


def test_what_cannot_be_opened_is_told_by_its_line(unsealing: Unsealing) -> None:
    status, lines, err = unsealing(SEALED, "", "nonsense", SEALED, "{}")
    assert (status, len(lines)) == (1, 2)
    assert [each.split(": ")[1] for each in err.splitlines()] == ["line 3", "line 5"]


def test_an_empty_token_is_a_slip_and_no_success(
    unsealing: Unsealing, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["unseal", *unsealing.options, ""]) == 2
    assert "the token is empty" in capsys.readouterr().err


def test_an_interrupt_ends_it_without_a_traceback(files: AuthorityFiles) -> None:
    # A shell's background jobs ignore SIGINT, and so would whatever they start.
    words = ["env", "--default-signal=INT", *COMMAND]
    words += ["unseal", "--key", str(files.sealing_private), "-"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write(b"nonsense\n")
        running.stdin.flush()
        assert running.stderr.readline() == b"gatepost-central: line 1: not a JWE\n"
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
        assert running.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    words = [*COMMAND, "unseal", "--key", str(tmp_path / "example.jwk"), SEALED]
    (tmp_path / "example.jwk").write_bytes(EXAMPLES[PRIVATE])
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr == b"gatepost-central: cannot write: No space left on device\n"


def test_what_cannot_be_opened_is_told_and_the_rest_goes_on(unsealing: Unsealing) -> None:
    status, lines, err = unsealing("{", "nonsense", '{"data": \x1b}', b"\xff\xfe", SEALED)
    assert status == 1
    assert len(lines) == 1
    assert err.count("gatepost-central: ") == 4
    assert err.replace("\n", "").isprintable()


# --- keys


def test_only_a_private_key_with_a_name_opens(tmp_path: Path, files: AuthorityFiles) -> None:
    nameless = {name: value for name, value in KEY.items() if name != "kid"}
    broken: tuple[dict[str, Any], ...] = ({}, nameless, KEY | {"d": "AA"}, KEY | {"crv": "Ed25519"})
    for number, jwk in enumerate(broken):
        path = tmp_path / f"{number}.jwk"
        path.write_text(json.dumps(jwk), "utf-8")
        with pytest.raises(KeyMaterialError, match=f"^{path}: "):
            load_private_key(path)
    for path in (files.sealing_public, files.ca, tmp_path / "missing"):
        with pytest.raises(KeyMaterialError):
            load_private_key(path)
