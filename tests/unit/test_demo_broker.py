"""The demo's brokers: with the one that pip brings, too, a station and central get through."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import HOST, needs_mosquitto
from gatepost.central.session import Session, Tls
from gatepost.cli import main
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.demo.broker import MOSQUITTO, RunningBroker, demo_broker, free_port, is_free
from gatepost.drivers.broker import PahoBroker, tls_context
from gatepost.errors import BrokerError
from gatepost.model import Message

WILL = Message("gatepost/v1/demo/gp-1/state", b'{"state":"lost"}', retain=True)
EVENT = Message("gatepost/v1/demo/gp-1/event/scan", b"{}", token=7)


@pytest.fixture
def files(tmp_path: Path) -> AuthorityFiles:
    return make_authority(tmp_path / "keys", "gp-1")


@pytest.fixture(params=[pytest.param(MOSQUITTO, marks=needs_mosquitto, id="mosquitto"), None])
def broker(
    tmp_path: Path, files: AuthorityFiles, request: pytest.FixtureRequest
) -> Iterator[RunningBroker]:
    with demo_broker(tmp_path, files, free_port(), program=request.param) as running:
        yield running


def delivered(station: PahoBroker, message: Message) -> bool:
    got = station.exchange([message], 5).acknowledged
    until = time.monotonic() + 10
    while message.token not in got and time.monotonic() < until:
        got = station.exchange([], 1).acknowledged
    return message.token in got


def test_the_station_and_central_get_through_by_their_certificates(
    broker: RunningBroker, files: AuthorityFiles
) -> None:
    station = PahoBroker(
        host=HOST,
        port=broker.port,
        client_id="gp-1",
        tls=tls_context(files.ca, files.station_certificate, files.station_key),
    )
    tls = Tls(files.ca, files.central_certificate, files.central_key)
    with Session(HOST, broker.port, client_id="central", tls=tls) as central:
        station.connect(WILL)
        assert delivered(station, EVENT)
        got = central.next_message(10)
        station.disconnect()
    assert got is not None
    assert (got.topic, got.payload) == (EVENT.topic, EVENT.payload)


@needs_mosquitto
def test_who_looks_on_has_a_port_in_the_clear(tmp_path: Path, files: AuthorityFiles) -> None:
    wanted = free_port()
    with demo_broker(tmp_path, files, wanted) as running:
        assert running.watch_port == wanted
        with Session(HOST, wanted) as session:
            assert session.connected


@needs_mosquitto
def test_the_demo_says_how_to_look_on_and_where_its_files_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port, keep = str(free_port()), tmp_path / "kept"
    options = ["--headless", "--visitors", "1", "--port", port, "--keep", str(keep)]
    assert main(["demo", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"look on:  mosquitto_sub -p {port} -V 5 -t 'gatepost/v1/#' -F '%t %p'" in lines
    assert f"or:       gatepost-central watch --from-now --port {port}" in lines
    assert lines[-1] == f"everything that was made is in {keep}"


def test_a_program_that_is_no_broker_is_told(tmp_path: Path, files: AuthorityFiles) -> None:
    with (
        pytest.raises(BrokerError, match="the broker does not start"),
        demo_broker(tmp_path, files, program="/bin/false"),
    ):
        pass


def test_a_port_is_free_or_taken() -> None:
    with socket.create_server((HOST, 0)) as taken:
        assert not is_free(taken.getsockname()[1])
    assert is_free(free_port())
