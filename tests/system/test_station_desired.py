"""Rules and trust lists from the centre, by a real broker, to a real daemon and its card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from stations import PERSON, configure, film, station

from brokers import HOST, free_port, mosquitto, needs_mosquitto
from desires import Source
from ears import Ear
from gatepost.central.cli import main as central
from gatepost.central.connection import Tls
from gatepost.central.publishing import publish
from gatepost.central.subjects import subject
from gatepost.central.unseal import load_private_key, unseal_event
from gatepost.cli import main
from gatepost.desired import Desire
from gatepost.model import ScanRecord, Verdict
from gatepost.wire import parse_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = needs_mosquitto
RULES, TRUST = Desire.RULES, Desire.TRUST
ROOT = "gatepost/v1/site-1/"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


def config_of(folder: Path, source: Source, port: int, frames: Path) -> Path:
    """A station that believes the centre of `source`."""
    path = configure(folder, source.files, port, frames)
    text = path.read_text().replace("[central]", f'[central]\nauthority = "{source.files.ca}"')
    path.write_text(text)
    return path


def desire(source: Source, port: int, where: str, token: bytes) -> None:
    files = source.files
    tls = Tls(files.ca, files.central_certificate, files.central_key)
    publish((HOST, port), tls, "centre-publishes", ROOT + where, token)


def bodies(ear: Ear, kind: str) -> list[dict[str, Any]]:
    return [json.loads(m.payload)["data"] for m in ear.got if m.topic.endswith(f"event/{kind}")]


def audits(ear: Ear) -> list[tuple[str, str, str]]:
    return [(each["action"], each["actor"], each["outcome"]) for each in bodies(ear, "audit")]


def applied(rules: int, trust: int) -> Callable[[Ear], bool]:
    """Whether the last word of the station says that it goes by these versions."""

    def said(ear: Ear) -> bool:
        words = [json.loads(m.payload) for m in ear.got if m.topic.endswith("/state")]
        newest = words[-1] if words else {}
        return (newest.get("rules_version"), newest.get("trust_version")) == (rules, trust)

    return said


def shown(count: int) -> Callable[[Ear], bool]:
    """Whether so many codes were shown by now."""
    return lambda ear: len(bodies(ear, "scan")) == count


def test_rules_reach_a_station_that_was_away_and_hold_after_a_restart_without_a_broker(
    tmp_path: Path, source: Source
) -> None:
    with mosquitto(tmp_path, tls=source.files) as broker, Ear(broker.port, source.files) as ear:
        desire(source, broker.port, "gp-1/desired/rules", source.token(RULES, 3))
        config = config_of(tmp_path, source, broker.port, film(tmp_path / "film"))
        with station(config) as daemon:
            ear.until(applied(3, 0))
            ear.until(lambda e: audits(e) == [("apply-rules", "central", "applied")])
            assert daemon.stop() == 0
    # Another broker, at which nothing is desired, and a visitor whom these rules do not accept.
    with mosquitto(tmp_path, tls=source.files) as broker, Ear(broker.port, source.files) as ear:
        config_of(tmp_path, source, broker.port, film(tmp_path / "visitor", PERSON))
        with station(config) as daemon:
            ear.until(lambda e: bodies(e, "scan"))
            assert daemon.stop() == 0
        (scan,) = bodies(ear, "scan")
        assert (scan["verdict"], scan["reason"]) == ("refused", "kind-not-accepted")
        assert applied(3, 0)(ear)


def test_what_a_hostile_broker_sends_is_refused_recorded_and_changes_nothing(
    tmp_path: Path, source: Source
) -> None:
    with mosquitto(tmp_path, tls=source.files) as broker, Ear(broker.port, source.files) as ear:
        config = config_of(tmp_path, source, broker.port, film(tmp_path / "film", PERSON))
        with station(config) as daemon:
            desire(source, broker.port, "_all/desired/rules", source.token(RULES, 5))
            ear.until(applied(5, 0))
            for where, token in (
                ("gp-1/desired/rules", source.token(RULES, 4)),
                ("gp-1/desired/rules", source.token(RULES, 6, rules="[gate")),
                ("_all/desired/trust", source.station_signs(TRUST, 9)),
                ("_all/desired/trust", source.token(RULES, 9)),
                ("_all/desired/rules", b"\xff" * 100_000),
            ):
                desire(source, broker.port, where, token)
            ear.until(lambda e: len(audits(e)) == 6)
            assert daemon.stop() == 0
        assert sorted(audits(ear)[1:]) == [
            ("apply-rules", "central", "refused"),
            ("apply-rules", "central", "refused"),
            ("apply-rules", "unknown", "refused"),
            ("apply-trust", "gp-1", "refused"),
            ("apply-trust", "unknown", "refused"),
        ]
        assert applied(5, 0)(ear)


def test_what_is_applied_on_the_card_is_taken_by_the_running_station(
    tmp_path: Path, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    with mosquitto(tmp_path, tls=source.files) as broker, Ear(broker.port, source.files) as ear:
        config = config_of(tmp_path, source, broker.port, film(tmp_path / "film"))
        given = tmp_path / "trust.jws"
        given.write_bytes(source.token(TRUST, 7))
        with station(config) as daemon:
            ear.until(applied(0, 0))
            assert main(["trust", "apply", str(given), "--config", str(config)]) == 0
            ear.until(applied(0, 7))
            ear.until(lambda e: audits(e) == [("apply-trust", "local", "applied")])
            assert daemon.stop() == 0
    assert "trust 7 is held now" in capsys.readouterr().out


def test_a_pass_of_the_centre_opens_the_gate_until_it_is_taken_back(
    tmp_path: Path, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        assert central(list(words)) == 0
        return capsys.readouterr().out.rstrip("\n")

    key, number = str(tmp_path / "pass.key"), "AAECAwQFBgcICQoL"
    entry = json.loads(told("pass", "new-key", "--out", key))
    limits = ("--until", "2048-12-31", "--place", "site-1", "--id", number)
    text = told("pass", "sign", "--key", key, "--role", "staff", *limits)
    back = [json.loads(told("pass", "revoke", number))]
    with mosquitto(tmp_path, tls=source.files) as broker, Ear(broker.port, source.files) as ear:
        desire(source, broker.port, "_all/desired/rules", source.token(RULES, 1))
        for version, revoked in enumerate(([], back), 1):
            listed = source.token(TRUST, version, keys=[entry], revoked=revoked)
            desire(source, broker.port, "_all/desired/trust", listed)
            config = config_of(tmp_path, source, broker.port, film(tmp_path / f"empty-{version}"))
            with station(config) as daemon:  # so that it holds the list before anybody comes
                ear.until(applied(1, version))
                assert daemon.stop() == 0
            config_of(tmp_path, source, broker.port, film(tmp_path / f"film-{version}", text))
            with station(config) as daemon:
                ear.until(shown(version))
                assert daemon.stop() == 0
        events = [parse_event(m.payload)[0] for m in ear.got if m.topic.endswith("event/scan")]
    records = [each.record for each in events if isinstance(each.record, ScanRecord)]
    assert [(each.verdict, each.reason) for each in records][1] == ("refused", "revoked")
    assert [each.verdict for each in records] == [Verdict.ACCEPTED, Verdict.REFUSED]
    opened = load_private_key(source.files.sealing_private)
    visitors = [unseal_event(each, opened) for each in events]
    assert [each.identity for each in visitors] == [number] * 2
    trusts = [each.trust.value for each in records]
    subjects = [subject(bytes(32), *each) for each in zip(visitors, trusts, strict=True)]
    assert [len(each) for each in subjects] == [64, 0]


def test_a_file_that_was_damaged_stops_no_station(tmp_path: Path, source: Source) -> None:
    folder = tmp_path / "data" / "desired"
    folder.mkdir(parents=True)
    (folder / "rules.jws").write_bytes(source.token(RULES, 3)[:200])
    (folder / "trust.jws.new").write_bytes(source.token(TRUST, 3)[:200])
    config = config_of(tmp_path, source, free_port(), film(tmp_path / "film", PERSON))
    with station(config) as daemon:
        while not any(line["message"] == "scan recorded" for line in daemon.logged()):
            daemon.told.append(daemon.notify.recv(256).decode())
        assert daemon.stop() == 0
    (scan,) = [line for line in daemon.logged() if line["message"] == "scan recorded"]
    assert scan["verdict"] == "accepted"
    assert "what is held is not believed" in [line["message"] for line in daemon.logged()]
    assert [each.name for each in folder.iterdir()] == ["rules.jws"]
