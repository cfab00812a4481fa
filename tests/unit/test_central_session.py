from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from paho.mqtt import publish

from brokers import HOST, Running, amqtt_broker, free_port, mosquitto, needs_mosquitto
from gatepost.central.session import Session, Tls
from gatepost.demo.authority import make_authority
from gatepost.errors import BrokerError, KeyMaterialError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from gatepost.central.session import Version
    from gatepost.demo.authority import Algorithm

TOPIC = "gatepost/v1/a/b/state"


def say(broker: Running, payload: str, *, retain: bool = False) -> None:
    publish.single(TOPIC, payload, 1, retain, hostname=broker.host, port=broker.port)


@needs_mosquitto
def test_what_was_there_and_what_comes(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        say(broker, "before", retain=True)
        with Session(broker.host, broker.port) as session:
            assert session.protocol == "5"
            first = session.next_message(5)
            say(broker, "now")
            second = session.next_message(5)
            assert session.next_message(0) is None
            assert session.connected
        assert first is not None
        assert (first.topic, first.payload, first.retained) == (TOPIC, b"before", True)
        assert second is not None
        assert (second.payload, second.retained) == (b"now", False)
        assert not session.connected


@needs_mosquitto
def test_only_what_was_asked_for_comes(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        topics = ["gatepost/v1/+/+/health", "gatepost/v1/a/c/#"]
        with Session(broker.host, broker.port, topics=topics) as session:
            say(broker, "not asked for")
            publish.single(
                "gatepost/v1/a/b/health", "asked for", 1, hostname=HOST, port=broker.port
            )
            got = session.next_message(5)
    assert got is not None
    assert got.payload == b"asked for"


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_persistent_session_misses_nothing(tmp_path: Path, protocol: Version) -> None:
    with mosquitto(tmp_path) as broker:

        def session() -> Session:
            return Session(
                broker.host, broker.port, client_id="central", persistent=True, protocol=protocol
            )

        with session():
            pass
        say(broker, "while away")
        with session() as again:
            got = again.next_message(5)
    assert got is not None
    assert got.payload == b"while away"


@needs_mosquitto
def test_a_broker_that_comes_back_is_met_again(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker, Session(broker.host, broker.port) as session:
        broker.stop()
        assert session.next_message(0.3) is None
        assert not session.connected
        with mosquitto(tmp_path, port=broker.port) as second:
            say(second, "again", retain=True)
            got = session.next_message(20)
    assert got is not None
    assert got.payload == b"again"


def test_a_broker_of_3_1_1_is_spoken_to_in_3_1_1(tmp_path: Path) -> None:
    with amqtt_broker(tmp_path) as broker, Session(broker.host, broker.port) as session:
        assert session.protocol == "3.1.1"
        publish.single(TOPIC, "old", 1, hostname=HOST, port=broker.port)
        got = session.next_message(10)
    assert got is not None
    assert got.payload == b"old"


def test_a_broker_that_misreads_mqtt_5_and_says_nothing_is_spoken_to_in_3_1_1(
    tmp_path: Path,
) -> None:
    # The properties of a persistent session make amqtt wait for a rest that never comes.
    with (
        amqtt_broker(tmp_path) as broker,
        Session(broker.host, broker.port, client_id="c", persistent=True) as session,
    ):
        assert session.protocol == "3.1.1"


def test_a_version_that_was_asked_for_is_kept_to(tmp_path: Path) -> None:
    with amqtt_broker(tmp_path) as broker, pytest.raises(BrokerError, match="MQTT 5"):
        Session(broker.host, broker.port, protocol="5").__enter__()


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(BrokerError, match="refused"):
        Session(HOST, free_port()).__enter__()


@needs_mosquitto
@pytest.mark.parametrize("algorithm", ["p256", "ed25519"])
def test_tls_with_our_certificate(tmp_path: Path, algorithm: Algorithm) -> None:
    made = make_authority(tmp_path / "pki", "st-1", algorithm)
    tls = Tls(made.ca, made.central_certificate, made.central_key)
    with mosquitto(tmp_path, tls=made) as broker:
        for host in (HOST, "localhost"):
            with Session(host, broker.port, tls=tls, client_id="central") as session:
                assert session.connected
        said = broker.log.read_text("utf-8")
    assert "u'central'" in said


@needs_mosquitto
def test_tls_without_what_is_needed(tmp_path: Path) -> None:
    made, other = (make_authority(tmp_path / name, "st-1") for name in ("pki", "other"))
    with mosquitto(tmp_path, tls=made) as broker:
        with pytest.raises(BrokerError, match="certificate"):
            Session(HOST, broker.port, tls=Tls(other.ca)).__enter__()
        with pytest.raises(BrokerError):
            Session(HOST, broker.port, tls=Tls(made.ca)).__enter__()
        with pytest.raises(KeyMaterialError):
            Session(HOST, broker.port, tls=Tls(tmp_path / "missing")).__enter__()


@needs_mosquitto
def test_a_certificate_that_is_not_accepted_is_named(tmp_path: Path) -> None:
    made, other = (make_authority(tmp_path / name, "st-1") for name in ("pki", "other"))
    tls = Tls(made.ca, other.central_certificate, other.central_key)
    told = "closed before it answered: perhaps it"
    with mosquitto(tmp_path, tls=made) as broker:
        with pytest.raises(BrokerError, match=told) as refused:
            Session(HOST, broker.port, tls=tls).__enter__()
        assert f"does not accept our certificate ({tls.certificate})" in str(refused.value)
        with pytest.raises(BrokerError, match=f"{told} asks for a certificate"):
            Session(HOST, broker.port, tls=Tls(made.ca)).__enter__()


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_who_may_not_connect_is_told_so(tmp_path: Path, protocol: Version) -> None:
    extra = ["allow_anonymous false"]
    with (
        mosquitto(tmp_path, extra=extra) as broker,
        pytest.raises(BrokerError, match="Not authorized"),
    ):
        Session(HOST, broker.port, protocol=protocol).__enter__()


# --- brokers that do not speak MQTT 5, or not at once

_LEVEL_AT = 8  # of a CONNECT: fixed header (2), "MQTT" with its length (6)
_ACCEPTED = {5: b"\x20\x03\x00\x00\x00", 4: b"\x20\x02\x00\x00"}
_SUBACK = {5: b"\x90\x04\x00\x01\x00\x01", 4: b"\x90\x03\x00\x01\x01"}


class Scripted:
    """A broker that answers each CONNECT as it was told: by word, by closing or not at all."""

    def __init__(self, *answers: bytes | None) -> None:
        """Each of `answers`: b"" closes, None keeps silent; when they are over it accepts."""
        self._answers = list(answers)
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.levels: list[int] = []
        self._links: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self.drop()

    def drop(self) -> None:
        """Close every connection."""
        for link in self._links:
            link.close()
        self._links.clear()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self._links.append(link)
            self._converse(link)

    def _converse(self, link: socket.socket) -> None:
        link.settimeout(10)
        level = link.recv(1000)[_LEVEL_AT]
        self.levels.append(level)
        answer = self._answers.pop(0) if self._answers else _ACCEPTED[level]
        if answer is None:
            return
        if answer:
            link.sendall(answer)
        if answer != _ACCEPTED[level]:
            link.close()
        elif link.recv(1000):  # SUBSCRIBE
            link.sendall(_SUBACK[level])


def again(broker: Scripted, session: Session) -> str:
    """The version of the session after this one."""
    broker.drop()
    many = len(broker.levels)
    while len(broker.levels) == many or not session.connected:
        session.next_message(0.05)
    return session.protocol


def test_silence_is_not_remembered() -> None:
    with Scripted(None) as broker, Session(HOST, broker.port) as session:
        assert session.protocol == "3.1.1"
        assert again(broker, session) == "5"
    assert broker.levels == [5, 4, 5]


@pytest.mark.parametrize("answer", [b"", b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01"])
def test_a_refusal_is_remembered(answer: bytes) -> None:
    with Scripted(answer) as broker, Session(HOST, broker.port) as session:
        assert session.protocol == "3.1.1"
        assert again(broker, session) == "3.1.1"
    assert broker.levels == [5, 4, 4]


def test_a_broker_that_has_learnt_mqtt_5_is_spoken_to_in_5() -> None:
    answers = (b"\x20\x03\x00\x84\x00", _ACCEPTED[4], b"\x20\x02\x00\x01")
    with Scripted(*answers) as broker, Session(HOST, broker.port) as session:
        assert session.protocol == "3.1.1"
        assert again(broker, session) == "5"
    assert broker.levels == [5, 4, 4, 5]


def test_a_refusal_of_both_is_not_remembered() -> None:
    session_refused = (b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x05")
    with Scripted(*session_refused) as broker:
        session = Session(HOST, broker.port)
        with pytest.raises(BrokerError):
            session.__enter__()
        with session:
            assert session.protocol == "5"
    assert broker.levels == [5, 4, 5]
