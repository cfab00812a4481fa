"""Certificates that a station or a broker should not have, and a clock that is behind."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from brokers import HOST, free_port, mosquitto, needs_mosquitto, server
from dated import ALWAYS, ENDED, TO_COME, Days, Fleet, us
from gatepost.drivers.broker import PahoBroker, tls_context
from gatepost.errors import BrokerError, Problem
from gatepost.model import Message

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

WILL = Message("gatepost/v1/s/gp-1/state", b'{"state":"lost"}', retain=True)
NOW_US = us("2026-06-01")
RELEASES = pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])


def link_to(
    port: int,
    files: AuthorityFiles,
    floor_us: int | None = None,
    most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> PahoBroker:
    tls = tls_context(files.ca, files.station_certificate, files.station_key)
    tls.maximum_version = most
    return PahoBroker(
        host=HOST, port=port, client_id="gp-1", tls=tls, answer_s=2, behind=lambda: floor_us
    )


def trouble(link: PahoBroker) -> tuple[Problem, str]:
    with pytest.raises(BrokerError) as caught:
        link.connect(WILL)
    return caught.value.problem, str(caught.value)


# --- ours


@needs_mosquitto
@RELEASES
def test_our_certificate_that_ended_is_told_with_its_day(
    tmp_path: Path, most: ssl.TLSVersion
) -> None:
    files = Fleet(tmp_path).files(station=ENDED)
    with mosquitto(tmp_path, tls=files) as running:
        problem, text = trouble(link_to(running.port, files, most=most))
    assert problem is Problem.CERTIFICATE_EXPIRED
    assert "our certificate station.pem ended on 2021-02-03: it must be renewed" in text


@needs_mosquitto
def test_our_certificate_that_is_not_valid_yet_is_told_with_its_day(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files(station=TO_COME)
    with mosquitto(tmp_path, tls=files) as running:
        problem, text = trouble(link_to(running.port, files))
    assert problem is Problem.CERTIFICATE_NOT_YET_VALID
    assert "our certificate station.pem begins on 2047-05-06" in text


@needs_mosquitto
@RELEASES
def test_our_certificate_that_was_revoked_is_told(tmp_path: Path, most: ssl.TLSVersion) -> None:
    fleet = Fleet(tmp_path)
    files = fleet.files()
    revoking = fleet.revoking(files.station_certificate)
    with mosquitto(tmp_path, tls=files, extra=[revoking]) as running:
        problem, text = trouble(link_to(running.port, files, most=most))
    assert problem is Problem.CERTIFICATE_REVOKED
    assert "our certificate was revoked" in text


@needs_mosquitto
@RELEASES
def test_our_certificate_of_another_fleet_is_told(tmp_path: Path, most: ssl.TLSVersion) -> None:
    (tmp_path / "other").mkdir()
    files, others = Fleet(tmp_path).files(), Fleet(tmp_path / "other").files()
    tls = tls_context(files.ca, others.station_certificate, others.station_key)
    tls.maximum_version = most
    with mosquitto(tmp_path, tls=files) as running:
        link = PahoBroker(host=HOST, port=running.port, client_id="gp-1", tls=tls)
        assert trouble(link)[0] is Problem.CERTIFICATE_UNKNOWN


# --- the broker's


@needs_mosquitto
@pytest.mark.parametrize(
    ("days", "expected", "told"),
    [
        (ENDED, Problem.BROKER_CERTIFICATE_EXPIRED, "ended on 2021-02-03"),
        (TO_COME, Problem.BROKER_CERTIFICATE_NOT_YET_VALID, "begins on 2047-05-06: here it is 20"),
    ],
)
def test_the_brokers_certificate_out_of_its_time_is_told_with_its_day(
    tmp_path: Path, days: Days, expected: Problem, told: str
) -> None:
    files = Fleet(tmp_path).files(broker=days)
    with mosquitto(tmp_path, tls=files) as running:
        problem, text = trouble(link_to(running.port, files))
    assert problem is expected
    assert f"the broker's certificate {told}" in text


@needs_mosquitto
@pytest.mark.parametrize("floor_us", [None, NOW_US])
def test_a_broker_of_another_fleet_or_host_is_refused_with_and_without_time(
    tmp_path: Path, floor_us: int | None
) -> None:
    (tmp_path / "other").mkdir()
    fleet = Fleet(tmp_path)
    files, others = fleet.files(), Fleet(tmp_path / "other").files()
    with mosquitto(tmp_path, tls=others) as running:
        problem, _ = trouble(link_to(running.port, files, floor_us))
    assert problem is Problem.BROKER_CERTIFICATE_UNKNOWN
    elsewhere = fleet.files(hosts=("another.example",))
    with mosquitto(tmp_path, tls=elsewhere) as running:
        problem, text = trouble(link_to(running.port, elsewhere, floor_us))
    assert problem is Problem.BROKER_CERTIFICATE_NAME, text


# --- while the station does not know the time


@needs_mosquitto
def test_a_certificate_that_begins_later_is_taken_while_the_time_is_not_known_and_only_then(
    tmp_path: Path,
) -> None:
    files = Fleet(tmp_path).files(broker=TO_COME)
    floor: list[int | None] = [NOW_US]
    tls = tls_context(files.ca, files.station_certificate, files.station_key)
    with mosquitto(tmp_path, tls=files) as running:
        link = PahoBroker(
            host=HOST, port=running.port, client_id="gp-1", tls=tls, behind=lambda: floor[0]
        )
        link.connect(WILL)
        link.disconnect()
        floor[0] = None
        assert trouble(link)[0] is Problem.BROKER_CERTIFICATE_NOT_YET_VALID
        floor[0] = NOW_US
        link.connect(WILL)
        link.disconnect()


@needs_mosquitto
def test_a_certificate_that_ended_before_the_floor_is_refused_though_the_clock_is_behind(
    tmp_path: Path,
) -> None:
    files = Fleet(tmp_path).files(broker=Days(ends="2044-01-01"))  # for the wall clock it is good
    with mosquitto(tmp_path, tls=files) as running:
        problem, text = trouble(link_to(running.port, files, us("2045-01-01")))
        assert problem is Problem.BROKER_CERTIFICATE_EXPIRED
        assert "the broker's certificate ended on 2044-01-01" in text
        link = link_to(running.port, files, us("2043-12-31"))
        link.connect(WILL)
        link.disconnect()


@needs_mosquitto
def test_ours_that_begins_later_is_no_reason_while_the_time_is_not_known(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    files = fleet.files(station=TO_COME)
    revoking = fleet.revoking(files.station_certificate)
    with mosquitto(tmp_path, tls=files, extra=[revoking]) as running:
        problem, _ = trouble(link_to(running.port, files, NOW_US))
    assert problem not in {Problem.CERTIFICATE_NOT_YET_VALID, Problem.CERTIFICATE_EXPIRED}


# --- no TLS at all


def test_a_port_without_tls_is_told_and_one_that_is_silent_too(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files(broker=ALWAYS)
    with server(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True) as port:
        assert trouble(link_to(port, files))[0] is Problem.NOT_TLS
    with server(b"", close=True) as port:
        assert trouble(link_to(port, files))[0] is Problem.NOT_TLS
    assert trouble(link_to(free_port(), files))[0] is Problem.REFUSED


@needs_mosquitto
def test_tls_and_plain_ports_that_were_mixed_up_are_told(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files()
    with mosquitto(tmp_path) as running:
        assert trouble(link_to(running.port, files))[0] is Problem.NOT_TLS
    with mosquitto(tmp_path, tls=files) as running:
        plain = PahoBroker(host=HOST, port=running.port, client_id="gp-1", answer_s=1)
        problem, text = trouble(plain)
    assert problem in {Problem.NOT_MQTT, Problem.CLOSED}, text
