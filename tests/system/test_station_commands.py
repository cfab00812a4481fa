"""Commands and receipts of the centre, by a real broker, to a real daemon and its card."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from stations import PERSON, configure, film, station

from brokers import HOST, mosquitto, needs_mosquitto
from desires import Source
from ears import Ear
from gatepost.central.connection import Tls
from gatepost.central.publishing import publish
from gatepost.spool import FILE, Spool
from gatepost.wire import COMMAND, Command, Ranges, Topics, parse_event

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_mosquitto
TOPICS = Topics("site-1", "gp-1")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


def config_of(folder: Path, source: Source, port: int, frames: Path) -> Path:
    """A station that obeys the centre of `source`, and waits for its receipts."""
    path = configure(folder, source.files, port, frames)
    told = f'[central]\nauthority = "{source.files.ca}"\nconfirm = "central"'
    path.write_text(path.read_text().replace("[central]", told))
    return path


def command(source: Source, port: int, name: str, of: tuple[Ranges, ...] = ()) -> str:
    """Say it, retained as a careless centre would; returns its id."""
    now = datetime.now(UTC)
    identity, ends = uuid.uuid4().hex, now + timedelta(minutes=5)
    claims = Command(name, identity, now, ends, ("gp-1",), of=of).claims()
    files = source.files
    tls = Tls(files.ca, files.central_certificate, files.central_key)
    token = source.sign(claims, COMMAND)
    publish((HOST, port), tls, "centre-commands", TOPICS.command(name), token)
    return identity


def answers(ear: Ear, identity: str) -> list[tuple[str, str]]:
    """Outcome and detail of each answer to the command with that id."""
    told = [json.loads(m.payload) for m in ear.got if "/response/" in m.topic]
    return [(each["outcome"], each["detail"]) for each in told if each["id"] == identity]


def bodies(ear: Ear, kind: str) -> list[dict[str, Any]]:
    return [json.loads(m.payload)["data"] for m in ear.got if m.topic.endswith(f"event/{kind}")]


def done(ear: Ear, identity: str) -> bool:
    return "done" in [outcome for outcome, _ in answers(ear, identity)]


def test_a_real_station_sends_again_takes_receipts_shows_itself_and_restarts_once(
    tmp_path: Path, source: Source
) -> None:
    with mosquitto(tmp_path, tls=source.files) as broker, Ear(broker.port, source.files) as ear:
        config = config_of(tmp_path, source, broker.port, film(tmp_path / "film", PERSON))
        with station(config) as daemon:
            ear.until(lambda e: bodies(e, "scan"))
            first = bodies(ear, "epoch")[0]
            both = (Ranges("gp-1", first["epoch"], ((1, 2), (10**6, 10**6))),)
            asked = command(source, broker.port, "resend", both)
            ear.until(lambda e: done(e, asked))
            shown = command(source, broker.port, "identify")
            ear.until(lambda e: done(e, shown))
            receipt = (Ranges("gp-1", first["epoch"], ((1, 2),)),)
            command(source, broker.port, "receipt", receipt)
            restarted = command(source, broker.port, "restart")
            assert daemon.process.wait(25) == 0
        assert [each[0] for each in answers(ear, asked)] == ["accepted", "done"]
        again = [m.payload for m in ear.got if m.topic == TOPICS.replay]
        assert [parse_event(each)[0].sequence for each in again] == [1, 2]
        live = [m.payload for m in ear.got if "/event/" in m.topic]
        assert set(again) <= set(live)
        ear.until(lambda e: answers(e, restarted) == [("done", "restarting")])
        with Spool(tmp_path / "data" / FILE) as spool:
            assert spool.undelivered()[0][0] == 3
            assert spool.unsent() == 0
        with station(config) as daemon:  # the broker still says it, and it has been done
            ear.until(lambda e: ("done", "restarted") in answers(e, restarted))
            assert daemon.stop() == 0
        actions = [(each["action"], each["outcome"]) for each in bodies(ear, "audit")]
        assert sorted(actions) == [
            ("command-identify", "done"),
            ("command-resend", "accepted"),
            ("command-resend", "accepted"),  # idempotent by nature: a restart forgets it
            ("command-restart", "accepted"),
        ]
