"""Brokers that are none, or that misbehave, and names that do not resolve."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from network_ground import Centre, Post, proved
from network_relay import Relay, Way

from brokers import HOST, free_port, mosquitto, needs_mosquitto, server
from dated import Fleet
from gatepost.drivers.broker import PahoBroker
from gatepost.drivers.reaching import Resolver, reach
from gatepost.errors import BrokerError, Problem
from gatepost.model import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WILL = Message("gatepost/v1/s/gp-1/state", b'{"state":"lost"}', retain=True)
CONNACK_5 = b"\x20\x03\x00\x00\x00"


def link_to(port: int, **more: Any) -> PahoBroker:
    return PahoBroker(host=HOST, port=port, client_id="gp-1", **({"answer_s": 0.3} | more))


def refusal(link: PahoBroker) -> tuple[Problem, str]:
    with pytest.raises(BrokerError) as caught:
        link.connect(WILL)
    return caught.value.problem, str(caught.value)


def end(link: PahoBroker, wait_s: float) -> tuple[Problem, str]:
    with pytest.raises(BrokerError) as caught:
        link.exchange([], wait_s)
    return caught.value.problem, str(caught.value)


# --- before there is a session


@pytest.mark.parametrize(
    ("answer", "close", "expected", "told"),
    [
        (b"", False, Problem.SILENT, "no answer to CONNECT within 0.3 s"),
        (b"", True, Problem.CLOSED, "closed in answer to CONNECT"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, Problem.NOT_MQTT, "byte 0x48"),
        (b"\x15\x03\x03\x00\x02\x02\x28", False, Problem.NOT_MQTT, "is broker.tls to be true?"),
        (b"\x20\x03\x00\x87\x00", False, Problem.NOT_AUTHORISED, "our certificate's CN"),
        (b"\x20\x03\x00\x85\x00", False, Problem.CLIENT_ID_REFUSED, "does not take our id"),
        (b"\x20\x03\x00\x89\x00", False, Problem.BUSY, "busy"),
        (b"\x20\x03\x00\x88\x00", False, Problem.BUSY, "not available"),
        (b"\x20\x03\x00\x8a\x00", False, Problem.BANNED, "banned"),
        (b"\x20\x03\x00\x97\x00", False, Problem.QUOTA, "quota"),
        (b"\x20\x03\x00\x9f\x00", False, Problem.BUSY, "too many connect at once"),
    ],
)
def test_what_a_broker_answers_is_told_in_words_that_help(
    answer: bytes, close: bool, expected: Problem, told: str
) -> None:
    with server(answer, close=close) as port:
        problem, text = refusal(link_to(port, protocol="5"))
    assert problem is expected
    assert told in text
    assert text.startswith(f"{HOST}:{port}: ")


@pytest.mark.parametrize(
    ("code", "expected"),
    [(2, "client-id-refused"), (3, "busy"), (4, "not-authorised"), (5, "not-authorised")],
)
def test_mqtt_3_1_1_refuses_with_numbers_of_its_own(code: int, expected: str) -> None:
    with server(bytes([0x20, 2, 0, code]), close=True) as port:
        assert refusal(link_to(port, protocol="3.1.1"))[0] == expected


def test_nobody_listens() -> None:
    problem, text = refusal(link_to(free_port()))
    assert problem is Problem.REFUSED
    assert "no broker listens on this port" in text


def test_an_address_that_nobody_answers_is_given_up() -> None:
    with socket.create_server((HOST, 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection((HOST, port)):  # who fills the queue: the next waits
            problem, text = refusal(link_to(port, reach_s=0.2))
    assert problem is Problem.NO_ANSWER
    assert "nobody answers" in text


def test_the_next_address_is_tried_where_one_refuses() -> None:
    with socket.create_server((HOST, 0)) as listener:
        good, bad = listener.getsockname()[1], free_port()
        addresses = [(socket.AF_INET, (HOST, port)) for port in (bad, good)]
        with reach(addresses, 5) as link:
            assert link.getpeername()[1] == good
        with pytest.raises(BrokerError, match="no broker listens"):
            reach(addresses[:1], 5)


# --- names


def failing(number: int, words: str) -> Resolver:
    def lookup(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(number, words)

    return Resolver(lookup)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (socket.EAI_NONAME, "the name mqtt.example.vn is not found"),
        (socket.EAI_AGAIN, "no name server answers for mqtt.example.vn"),
    ],
)
def test_a_name_that_does_not_resolve_is_told(number: int, told: str) -> None:
    resolver = failing(number, "so says the resolver")
    link = PahoBroker(host="mqtt.example.vn", port=8883, client_id="gp-1", resolver=resolver)
    problem, text = refusal(link)
    assert problem is Problem.NAME_NOT_RESOLVED
    assert told in text
    assert "(resolver: so says the resolver)" in text


def test_a_resolver_that_hangs_is_given_up_and_its_late_answer_taken() -> None:
    answers, asked = threading.Event(), []

    def lookup(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        answers.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, port))]

    with server(CONNACK_5, close=False) as port:
        link = PahoBroker(
            host="mqtt.example.vn",
            port=port,
            client_id="gp-1",
            resolve_s=0.1,
            resolver=Resolver(lookup),
        )
        for _ in range(2):
            problem, text = refusal(link)
            assert problem is Problem.RESOLVER_SILENT
            assert "gave no answer for 0.1 s" in text
        answers.set()
        link._resolve_s = 20
        link.connect(WILL)
        link._drop()
    assert asked == ["mqtt.example.vn"]  # never two questions that hang


# --- a session that ends


@pytest.mark.parametrize(
    ("code", "expected", "told"),
    [
        (0x8E, Problem.TAKEN_OVER, "two stations use the id gp-1"),
        (0x8B, Problem.CLOSED, "shut down"),
        (0x8D, Problem.KEEP_ALIVE, "it heard nothing of us"),
        (0x97, Problem.QUOTA, "quota"),
    ],
)
def test_a_word_of_farewell_is_told(code: int, expected: Problem, told: str) -> None:
    with server(CONNACK_5 + bytes([0xE0, 2, code, 0]), close=False) as port:
        link = link_to(port, protocol="5")
        link.connect(WILL)
        problem, text = end(link, 5)
    assert problem is expected
    assert told in text


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_stations_with_one_id_are_suspected_where_the_broker_has_no_word_for_it(
    tmp_path: Path, protocol: str
) -> None:
    with mosquitto(tmp_path) as running:  # 2.0 tells it in its own log alone
        one, other = (link_to(running.port, protocol=protocol, answer_s=5) for _ in range(2))
        told = []
        for _ in range(3):
            one.connect(WILL)
            other.connect(WILL)
            told.append(end(one, 5))
        other.disconnect()
    assert [problem for problem, _ in told[:2]] == [Problem.CLOSED] * 2
    problem, text = told[2]
    assert problem is Problem.PERHAPS_TAKEN_OVER
    assert "perhaps two stations use the id gp-1" in text


@needs_mosquitto
def test_a_silent_line_is_kept_while_pings_are_answered_and_given_up_when_they_are_not(
    tmp_path: Path,
) -> None:
    with mosquitto(tmp_path) as running, Relay(running.port) as relay:
        link = link_to(relay.port, keepalive_s=2, answer_s=5)
        link.connect(WILL)
        assert link.exchange([], 2.2).acknowledged == ()  # nothing was said for more than that
        relay.way = Way.SWALLOW
        problem, text = end(link, 3.5)  # paho by itself needs 4 s
    assert problem is Problem.KEEP_ALIVE
    assert "the network swallows packets: nothing came for 2 s" in text


# --- and then all is delivered


@contextmanager
def ground(folder: Path, **more: Any) -> Iterator[tuple[Relay, Post, Centre]]:
    files = Fleet(folder).files()
    with (
        mosquitto(folder, extra=["max_queued_messages 0"]) as running,
        Relay(running.port) as relay,
        Centre(files, HOST, running.port, tls=False) as centre,
        Post(folder / "data", files, HOST, relay.port, tls=False, answer_s=0.3, **more) as post,
    ):
        newest = post.add(3)
        assert centre.until(lambda: len(centre.seen) == newest), post.broker.told
        yield relay, post, centre


@needs_mosquitto
@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (Way.SILENT, Problem.SILENT),
        (Way.GARBAGE, Problem.NOT_MQTT),
        (Way.CLOSE, Problem.CLOSED),
    ],
)
def test_a_broker_gone_bad_is_told_and_all_is_delivered_when_it_is_good_again(
    tmp_path: Path, way: Way, expected: Problem
) -> None:
    with ground(tmp_path) as (relay, post, centre):
        relay.way = way
        relay.garble()  # ends the session that stands
        post.add(5)
        assert post.broker.until(lambda: expected in post.broker.problems()), post.broker.told
        newest = post.add(5)
        relay.way = Way.PASS
        proved(post, centre, newest)


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_garbage_in_mid_session_is_told_and_all_is_delivered(tmp_path: Path, protocol: str) -> None:
    with ground(tmp_path, protocol=protocol) as (relay, post, centre):
        relay.garble()
        assert post.broker.until(lambda: Problem.NOT_MQTT in post.broker.problems())
        proved(post, centre, post.add(5))
