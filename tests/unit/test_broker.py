"""The MQTT driver against real brokers on the loopback."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from brokers import (
    HOST,
    MOSQUITTO,
    amqtt_broker,
    free_port,
    mosquitto,
    needs_mosquitto,
    server,
)
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
        with pytest.raises(BrokerError, match="our certificate is of no authority that it knows"):
            broker(running.port, tls=foreign).connect(WILL)
        distrustful = tls_context(strangers.ca, files.station_certificate, files.station_key)
        with pytest.raises(BrokerError, match=r"of another authority than that of broker\.ca"):
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


# --- what we listen to

RULES = "gatepost/v1/s/gp-1/desired/rules"
ALL_TRUST = "gatepost/v1/s/_all/desired/trust"
versions = pytest.mark.parametrize("version", ["5", "3.1.1"])


@contextmanager
def centre(port: int) -> Iterator[PahoBroker]:
    """Somebody else at the same broker, who publishes."""
    link = PahoBroker(host=HOST, port=port, client_id="central", answer_s=5)
    link.connect(Message("gatepost/v1/s/central/state", b"{}"))
    yield link
    link.disconnect()


def publish(port: int, *messages: Message) -> None:
    with centre(port) as link:
        told = [replace(each, token=place) for place, each in enumerate(messages, 1)]
        assert acknowledged(link, *told) == set(range(1, len(told) + 1))


def heard(link: PahoBroker, count: int, least_s: float = 10) -> list[tuple[str, bytes, bool]]:
    got: list[tuple[str, bytes, bool]] = []
    deadline = time.monotonic() + least_s
    while len(got) < count and time.monotonic() < deadline:
        told = link.exchange([], 0.2).received
        got += [(each.topic, each.payload, each.retain) for each in told]
    return got


@needs_mosquitto
@versions
def test_what_is_retained_reaches_a_station_that_was_away(tmp_path: Path, version: str) -> None:
    with mosquitto(tmp_path) as running:
        publish(
            running.port,
            Message(RULES, b"one", retain=True),
            Message(RULES, b"two", retain=True),
            Message(ALL_TRUST, b"list", retain=True),
            Message("gatepost/v1/s/gp-2/desired/rules", b"another's", retain=True),
        )
        link = broker(running.port, protocol=version, topics=(RULES, ALL_TRUST))
        for _ in range(2):  # and again whenever it connects
            link.connect(WILL)
            assert sorted(heard(link, 2)) == [(ALL_TRUST, b"list", True), (RULES, b"two", True)]
            link.disconnect()


@needs_mosquitto
@versions
def test_what_is_published_later_comes_while_we_publish(tmp_path: Path, version: str) -> None:
    with mosquitto(tmp_path) as running:
        link = broker(running.port, protocol=version, topics=(RULES,))
        link.connect(WILL)
        assert acknowledged(link, EVENT) == {7}
        publish(running.port, Message(RULES, b"new", retain=True))
        assert heard(link, 1) == [(RULES, b"new", False)]
        assert acknowledged(link, replace(EVENT, token=8)) == {8}
        link.disconnect()


def test_retained_messages_of_a_broker_of_3_1_1_only(tmp_path: Path) -> None:
    with amqtt_broker(tmp_path) as running:
        publish(running.port, Message(RULES, b"one", retain=True))
        link = broker(running.port, topics=(RULES,))
        link.connect(WILL)
        assert [payload for _, payload, _ in heard(link, 1)] == [b"one"]
        link.disconnect()


@needs_mosquitto
@versions
def test_a_large_list_arrives_whole_and_what_is_too_large_does_not(
    tmp_path: Path, version: str
) -> None:
    with mosquitto(tmp_path) as running:
        large, huge = b"x" * (4 * 1024 * 1024), b"y" * (5 * 1024 * 1024)
        publish(running.port, Message(ALL_TRUST, large, retain=True))
        link = broker(running.port, protocol=version, topics=(RULES, ALL_TRUST))
        link.connect(WILL)
        assert heard(link, 1) == [(ALL_TRUST, large, True)]
        publish(running.port, Message(RULES, huge, retain=True))
        if version == "3.1.1":  # 5 has a word for it, by which the broker keeps it back
            with pytest.raises(BrokerError):
                heard(link, 1)
            link.connect(WILL)  # and this time it does not listen
        assert acknowledged(link, EVENT) == {7}
        assert heard(link, 1, 0.3) == []
        link.disconnect()


CONNACK_3 = b"\x20\x02\x00\x00"


HELLOS = pytest.mark.parametrize(("version", "hello"), [("5", CONNACK_5), ("3.1.1", CONNACK_3)])


def packet(kind: int, rest: bytes) -> bytes:
    length, digits = len(rest), b""
    while True:
        length, digit = divmod(length, 128)
        digits += bytes([digit | (128 if length else 0)])
        if not length:
            return bytes([kind]) + digits + rest


def topic(name: bytes) -> bytes:
    return len(name).to_bytes(2, "big") + name


@pytest.mark.parametrize(
    "sent",
    [
        packet(0x30, topic(b"another/topic") + b"not asked for"),
        packet(0x30, topic(RULES.encode())),
        packet(0x90, b"\x00\x01\x80"),
    ],
)
def test_what_we_did_not_ask_for_is_nothing(sent: bytes) -> None:
    with server(CONNACK_3 + sent, close=False) as port:
        link = broker(port, protocol="3.1.1", topics=("gatepost/v1/s/gp-1/desired/trust",))
        link.connect(WILL)
        assert heard(link, 1, 0.3) == []
        link.disconnect()


@pytest.mark.parametrize(
    "sent",
    [
        packet(0x30, topic(b"\xff\xfe") + b"a topic that is no text"),
        packet(0x30, b"\xff\xffshort"),
        packet(0x32, topic(RULES.encode())),
        packet(0x34, topic(RULES.encode()) + b"\x00\x01QoS 2"),
        b"\x30\xff\xff\xff\x7f" + b"256 MiB follow",
        b"\x30\xff\xff\xff\xff\xff",
        packet(0x40, b""),
        packet(0x90, b""),
        packet(0xE0, b"\x00\x00\x00"),
        b"\x00\x00",
    ],
)
@HELLOS
def test_broken_packets_end_the_session_and_nothing_else(
    sent: bytes, version: str, hello: bytes
) -> None:
    with server(hello, close=True, reads=2, more=sent) as port:
        link = broker(port, protocol=version, topics=(RULES,))
        link.connect(WILL)
        with pytest.raises(BrokerError, match="the session ended"):
            heard(link, 1)


@HELLOS
def test_a_subscription_that_is_refused_is_told_once_and_the_session_goes_on(
    version: str, hello: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = b"\x00\x01\x00\x87" if version == "5" else b"\x00\x01\x80"
    with server(hello, close=False, reads=2, more=packet(0x90, refusal)) as port:
        link = broker(port, protocol=version, topics=(RULES,))
        for _ in range(2):
            link.connect(WILL)
            assert heard(link, 1, 0.3) == []
            assert link.exchange([EVENT], 0.1).refused == ()
            link.disconnect()
    assert [each.message for each in caplog.records] == ["the broker does not let us subscribe"]
