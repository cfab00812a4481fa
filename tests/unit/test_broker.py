"""The MQTT driver against real brokers on the loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from brokers import HOST, MOSQUITTO, amqtt_broker, free_port, mosquitto, needs_mosquitto
from ears import Ear
from gatepost.demo.authority import make_authority
from gatepost.drivers.broker import PahoBroker, tls_context
from gatepost.errors import BrokerError, KeyMaterialError, ProtocolRefused
from gatepost.model import Message

WILL = Message("gatepost/v1/s/gp-1/state", b'{"state":"lost"}', retain=True)
EVENT = Message("gatepost/v1/s/gp-1/event/scan", b"{}", properties=(("id", "1"),), token=7)


def broker(port: int, **more: object) -> PahoBroker:
    given = {"answer_s": 0.5} | more
    return PahoBroker(host=HOST, port=port, client_id="gp-1", **given)  # type: ignore[arg-type]


def acknowledged(link: PahoBroker, *messages: Message) -> set[int]:
    """Send and turn until every token is acknowledged."""
    wanted = {message.token for message in messages if message.token}
    got = set(link.exchange(messages, 5).acknowledged)
    deadline = time.monotonic() + 10
    while got != wanted and time.monotonic() < deadline:
        got |= set(link.exchange([], 1).acknowledged)
    return got


@needs_mosquitto
def test_mqtt_5_carries_payload_content_type_and_attributes(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as running, Ear(running.port) as ear:
        link = broker(running.port)
        link.connect(WILL)
        assert link.protocol == "5"
        assert acknowledged(link, EVENT) == {7}
        (message,) = ear.hear(1)
        assert (message.topic, message.payload, message.qos) == (EVENT.topic, b"{}", 1)
        assert message.properties is not None
        assert message.properties.ContentType == "application/json"
        assert message.properties.UserProperty == [("id", "1")]
        link.disconnect()
        assert len(ear.got) == 1  # a clean end says no will


@needs_mosquitto
def test_the_will_is_said_when_we_vanish(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as running, Ear(running.port) as ear:
        link = broker(running.port)
        link.connect(WILL)
        link._drop()
        (message,) = ear.hear(1)
        assert (message.topic, message.payload) == (WILL.topic, WILL.payload)


def test_it_falls_back_to_3_1_1(tmp_path: Path) -> None:
    with amqtt_broker(tmp_path) as running:
        link = broker(running.port)
        link.connect(WILL)
        assert link.protocol == "3.1.1"
        assert acknowledged(link, EVENT, replace(EVENT, token=8)) == {7, 8}
        link.disconnect()


@needs_mosquitto
def test_many_messages_are_acknowledged_each_once(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as running:
        link = broker(running.port, window=20)
        link.connect(WILL)
        batch = [replace(EVENT, token=number) for number in range(1, 21)]
        assert acknowledged(link, *batch) == set(range(1, 21))
        link.disconnect()


@needs_mosquitto
def test_mutual_tls(tmp_path: Path) -> None:
    files = make_authority(tmp_path / "authority", "gp-1")
    with mosquitto(tmp_path, tls=files) as running:
        tls = tls_context(files.ca, files.station_certificate, files.station_key)
        link = broker(running.port, tls=tls)
        link.connect(WILL)
        assert acknowledged(link, EVENT) == {7}
        link.disconnect()
        strangers = make_authority(tmp_path / "strangers", "gp-1")
        foreign = tls_context(files.ca, strangers.station_certificate, strangers.station_key)
        with pytest.raises(BrokerError, match="perhaps it does not accept our certificate"):
            broker(running.port, tls=foreign).connect(WILL)
        distrustful = tls_context(strangers.ca, files.station_certificate, files.station_key)
        with pytest.raises(BrokerError, match="certificate"):
            broker(running.port, tls=distrustful).connect(WILL)


def test_keys_that_do_not_match_are_named(tmp_path: Path) -> None:
    one, other = (make_authority(tmp_path / name, "gp-1") for name in ("one", "other"))
    with pytest.raises(KeyMaterialError, match=r"station\.pem"):
        tls_context(one.ca, one.station_certificate, other.station_key)


@needs_mosquitto
def test_a_broker_that_stops_ends_the_session_and_can_be_found_again(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as running:
        link = broker(running.port)
        link.connect(WILL)
        running.stop()
        with pytest.raises(BrokerError):
            acknowledged(link, EVENT)
        with pytest.raises(BrokerError):
            link.exchange([], 0)
    with mosquitto(tmp_path, port=running.port):
        link.connect(WILL)
        assert acknowledged(link, EVENT) == {7}
        link.disconnect()


def test_nobody_there() -> None:
    port = free_port()
    with pytest.raises(BrokerError, match=f"{HOST}:{port}"):
        broker(port).connect(WILL)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(BrokerError, match=r"nowhere\.invalid"):
        PahoBroker(host="nowhere.invalid", port=1883, client_id="gp-1").connect(WILL)


@needs_mosquitto
def test_a_station_that_the_broker_refuses(tmp_path: Path) -> None:
    (tmp_path / "none").touch()
    extra = ["allow_anonymous false", f"password_file {tmp_path / 'none'}"]
    with mosquitto(tmp_path, extra=extra) as running, pytest.raises(BrokerError, match=r"(?i)auth"):
        broker(running.port).connect(WILL)


@contextmanager
def server(answer: bytes, *, close: bool, reads: int = 1) -> Iterator[int]:
    """A server that reads CONNECT, says `answer` to each caller, and closes or stays silent.

    With `reads` of 2 it takes one packet more before it closes.
    """
    with socket.create_server((HOST, 0)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                    caller.recv(1024)
                    caller.sendall(answer)
                    for _ in range(reads - 1):
                        caller.recv(1024)
                except OSError:
                    return
                held.append(caller)
                if close:
                    caller.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for each in held:
                each.close()


def test_closed_after_connect() -> None:
    with server(b"", close=True) as port, pytest.raises(BrokerError):
        broker(port).connect(WILL)


def test_garbage_instead_of_an_answer() -> None:
    with (
        server(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True) as port,
        pytest.raises(BrokerError),
    ):
        broker(port).connect(WILL)


def test_the_word_of_a_broker_that_speaks_3_1_1_only() -> None:
    with server(b"\x20\x02\x00\x01", close=True) as port, pytest.raises(ProtocolRefused):
        broker(port, protocol="5").connect(WILL)


@needs_mosquitto
def test_a_publish_that_is_not_allowed_is_told_and_the_session_goes_on(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read #\ntopic write gatepost/v1/s/gp-1/state\n")
    with mosquitto(tmp_path, extra=[f"acl_file {tmp_path / 'acl'}"]) as running:
        link = broker(running.port)
        link.connect(WILL)
        told = link.exchange([EVENT], 5)
        assert (told.acknowledged, told.refused) == ((), ((7, "Not authorized"),))
        assert acknowledged(link, replace(WILL, token=8)) == {8}
        link.disconnect()


def test_silence_at_mqtt_5_is_no_reason_to_stay_with_3_1_1(tmp_path: Path) -> None:
    with server(b"", close=False) as port:
        link = broker(port)
        with pytest.raises(BrokerError):
            link.connect(WILL)
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    with mosquitto(tmp_path, port=port):
        link.connect(WILL)
        assert link.protocol == "5"
        link.disconnect()


CONNACK_5 = b"\x20\x03\x00\x00\x00"


def test_closed_in_mid_publish_acknowledges_nothing() -> None:
    with server(CONNACK_5, close=True, reads=2) as port:
        link = broker(port)
        link.connect(WILL)
        with pytest.raises(BrokerError, match="the session ended"):
            acknowledged(link, EVENT)


def test_a_broker_that_never_acknowledges_acknowledges_nothing() -> None:
    with server(CONNACK_5, close=False) as port:
        link = broker(port)
        link.connect(WILL)
        told = link.exchange([EVENT], 0.2)
        assert (told.acknowledged, told.refused) == ((), ())
        link.disconnect()
