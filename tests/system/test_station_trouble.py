"""A real daemon whose card gives it no spool: the centre must learn of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from stations import configure, film, station

from brokers import mosquitto, needs_mosquitto
from ears import Ear
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import Stamp
from gatepost.spool import prepare

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


def last(ear: Ear, topic: str) -> dict[str, Any]:
    told = [json.loads(m.payload) for m in ear.got if m.topic.endswith(f"/gp-1/{topic}")]
    return told[-1] if told else {}


def test_a_station_that_refuses_everybody_says_so_to_the_centre_and_sends_no_event(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    now = Stamp("b" * 32, 1, 1, synchronised=False, bound_us=0)
    prepare(tmp_path / "data", "gp-2", "site-1", now, allow_volatile=True)
    with mosquitto(tmp_path, tls=files) as broker, Ear(broker.port, files) as ear:
        config = configure(tmp_path, files, broker.port, film(tmp_path / "film"))
        with station(config) as daemon:
            ear.until(lambda e: last(e, "health"))
            assert last(ear, "health")["conditions"] == {"spool": "of another station"}
            assert "spool_pending" not in last(ear, "health")  # it does not know
            assert last(ear, "state")["state"] == "online"
            assert daemon.stop() == 0
        ear.until(lambda e: last(e, "state")["state"] == "offline")
        assert {m.topic.rsplit("/", 1)[1] for m in ear.got} == {"state", "health"}
