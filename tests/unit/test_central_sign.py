import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brokers import HOST, amqtt_broker, free_port, mosquitto, needs_mosquitto
from desires import NOW, Source
from ears import Ear
from gatepost.central import cli_sign
from gatepost.central.signing_desired import About, sign_rules, sign_trust, topic_of
from gatepost.desired import Desire, check, payload_of
from gatepost.drivers.broker import PahoBroker
from gatepost.errors import BrokerError, KeyMaterialError, UsageError
from gatepost.model import Message

RULES, TRUST = Desire.RULES, Desire.TRUST
ABOUT = About(4, "2026-09-01T07:00:00Z", ["site-1"])
GATE = '# Cổng chính\n[gate]\naccept = ["pass"]\n'.encode()
LIST = b'{"keys": [], "version": 1}'


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


def command(*words: object) -> int:
    parser = argparse.ArgumentParser("gatepost-central")
    cli_sign.add(parser.add_subparsers(required=True))
    options = parser.parse_args(list(map(str, words)))
    return int(options.run(options))


def put(folder: Path, content: bytes, name: str = "given") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def signing(source: Source, kind: str, file: Path, *more: object) -> list[object]:
    files = source.files
    about = ["--version", 4, "--audience", "site-1", "--issued", ABOUT.issued]
    keys = ["--certificate", files.central_certificate, "--key", files.central_key]
    return ["sign", kind, file, *about, *keys, *more]


def test_what_is_signed_here_is_taken_by_a_station(source: Source) -> None:
    rules = sign_rules(source.signer, GATE, ABOUT).encode()
    assert check(rules, RULES, source.centre, 3, NOW).version == 4
    trust = sign_trust(source.signer, LIST, ABOUT).encode()
    assert check(trust, TRUST, source.centre, 3, NOW).version == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[gate", "no TOML"),
        (b"\xff\xfe", "no TOML"),
        (b"a = 1\na = 2", "no TOML"),
        (b"a = " + b"[" * 100_000, "no TOML"),
        (b"# " + b"x" * 4_000_000, "at most 4194304"),
    ],
)
def test_rules_that_have_not_the_form_are_not_signed(
    text: bytes, told: str, source: Source
) -> None:
    with pytest.raises(UsageError, match=told):
        sign_rules(source.signer, text, ABOUT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "no JSON"),
        (b"[]", "must be an object"),
        (b'{"rules": 1}', "must be an object"),
        (b'{"keys": [], "keys": []}', "no JSON"),
        (b'{"keys": 7}', "contract/trust.json"),
        (b'{"keys": [], "revoke": []}', "'revoke'"),
        (b'{"keys": [], "centra": []}', "'centra'"),
        (b'{"keys": [{"kind": "url"}]}', "contract/trust.json"),
    ],
)
def test_a_list_that_has_not_the_form_is_not_signed(text: bytes, told: str, source: Source) -> None:
    with pytest.raises(UsageError, match=told):
        sign_trust(source.signer, text, ABOUT)


@pytest.mark.parametrize(
    "about",
    [
        About(0, ABOUT.issued, ["site-1"]),
        About(2**53, ABOUT.issued, ["site-1"]),
        About(1, "yesterday", ["site-1"]),
        About(1, "2026-02-30T07:00:00Z", ["site-1"]),
        About(1, ABOUT.issued, []),
    ],
)
def test_a_version_a_time_and_an_audience_are_asked_for(about: About, source: Source) -> None:
    for sign, text in ((sign_rules, GATE), (sign_trust, LIST)):
        with pytest.raises(UsageError):
            sign(source.signer, text, about)


def test_the_command_writes_a_file_or_to_standard_output(
    source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = put(tmp_path, GATE)
    assert command(*signing(source, "rules", rules, "--out", tmp_path / "rules.jws")) == 0
    assert capsys.readouterr().out == ""
    taken = check((tmp_path / "rules.jws").read_bytes(), RULES, source.centre, 0, NOW)
    assert taken.issued == datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
    assert command(*signing(source, "trust", put(tmp_path, LIST))) == 0
    told = capsys.readouterr()
    assert check(told.out.encode(), TRUST, source.centre, 0, NOW).version == 4
    assert told.err == "trust 4, signed by 'central'\n"


def test_it_may_come_by_standard_input(source: Source) -> None:
    code = "from gatepost.central.cli import main; raise SystemExit(main())"
    words = [sys.executable, "-c", code, *map(str, signing(source, "rules", Path("-")))]
    ended = subprocess.run(words, input=GATE, capture_output=True, timeout=30, check=True)
    assert check(ended.stdout, RULES, source.centre, 0, NOW).version == 4


def test_keys_that_cannot_be_used_are_named(source: Source, tmp_path: Path) -> None:
    given = put(tmp_path, source.token(RULES))
    with pytest.raises(KeyMaterialError, match=f"TLS with {tmp_path}/ca.pem: "):
        command("publish", given, "--site", "site-1", "--ca", tmp_path / "ca.pem")


def test_what_cannot_be_read_or_written_is_named(source: Source, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone"):
        command(*signing(source, "rules", tmp_path / "gone"))
    with pytest.raises(UsageError, match="cannot be written"):
        command(*signing(source, "rules", put(tmp_path, GATE), "--out", tmp_path / "no" / "x"))


def test_the_topic_is_of_the_tokens_kind(source: Source) -> None:
    rules, trust = (source.token(kind).decode() for kind in Desire)
    assert topic_of(rules, "site-1") == "gatepost/v1/site-1/_all/desired/rules"
    assert topic_of(trust, "site-1", "gp-1") == "gatepost/v1/site-1/gp-1/desired/trust"
    checkpoint = source.sign(b"{}", "gatepost-checkpoint").decode()
    for token in ("", "a.b.c", "{}", "W10.W10.W10", checkpoint):
        with pytest.raises(UsageError, match="no token"):
            topic_of(token, "site-1")
    for site, station in (("Site", ""), ("a/b", ""), ("#", ""), ("site-1", "+"), ("", "")):
        with pytest.raises(UsageError, match="no name"):
            topic_of(rules, site, station)


# --- publishing


@needs_mosquitto
def test_what_is_published_stays_for_stations_that_are_away(
    source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = source.token(TRUST)
    with mosquitto(tmp_path) as running:
        to = ["--site", "site-1", "--host", HOST, "--port", running.port]
        assert command("publish", put(tmp_path, token + b"\n"), *to) == 0
        assert capsys.readouterr().out == "gatepost/v1/site-1/_all/desired/trust\n"
        with Ear(running.port) as ear:
            (message,) = ear.hear(1)
        assert (message.topic, message.payload) == ("gatepost/v1/site-1/_all/desired/trust", token)
        assert message.retain


@needs_mosquitto
def test_it_may_be_published_with_the_centres_certificate(source: Source, tmp_path: Path) -> None:
    files = source.files
    with mosquitto(tmp_path, tls=files) as running:
        to = ["--site", "site-1", "--station", "gp-1", "--host", HOST, "--port", running.port]
        tls = ["--ca", files.ca, "--certificate", files.central_certificate]
        given = put(tmp_path, source.token(RULES))
        assert command("publish", given, *to, *tls, "--key", files.central_key) == 0
        with Ear(running.port, files) as ear:
            assert ear.hear(1)[0].topic == "gatepost/v1/site-1/gp-1/desired/rules"
        with pytest.raises(UsageError, match="go together"):
            command("publish", given, *to, *tls)
        with pytest.raises(UsageError, match="need --ca"):
            command("publish", given, *to, *tls[2:])


@needs_mosquitto
def test_a_broker_that_does_not_take_it_is_told(source: Source, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read #\n")
    given = put(tmp_path, source.token(RULES))
    with mosquitto(tmp_path, extra=[f"acl_file {tmp_path / 'acl'}"]) as running:
        to = ["--site", "site-1", "--host", HOST, "--port", running.port]
        with pytest.raises(BrokerError, match="does not take"):
            command("publish", given, *to)
    with pytest.raises(BrokerError, match=HOST):
        command("publish", given, "--site", "site-1", "--port", free_port())


def test_a_broker_of_3_1_1_takes_it_too(source: Source, tmp_path: Path) -> None:
    topic, token = "gatepost/v1/site-1/_all/desired/rules", source.token(RULES)
    with amqtt_broker(tmp_path) as running:
        to = ["--site", "site-1", "--host", HOST, "--port", running.port]
        assert command("publish", put(tmp_path, token), *to) == 0
        link = PahoBroker(host=HOST, port=running.port, client_id="gp-1", topics=(topic,))
        link.connect(Message("x", b"{}"))
        received = link.exchange([], 5).received or link.exchange([], 5).received
        assert [(each.topic, each.payload) for each in received] == [(topic, token)]
        link.disconnect()


@pytest.mark.parametrize("content", [b"", b"\xff", GATE, b"{}"])
def test_what_is_not_signed_is_not_published(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no token"):
        command("publish", put(tmp_path, content), "--site", "site-1", "--port", 1)


def test_text_of_any_language_arrives_as_it_was(source: Source) -> None:
    token = sign_rules(source.signer, GATE, ABOUT).encode()
    assert json.loads(payload_of(token))["rules"] == GATE.decode()
