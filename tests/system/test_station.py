"""The daemon's life, with a real broker, a real card and real pictures."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stations import OTHER, PERSON, configure, film, station

from brokers import free_port, mosquitto, needs_mosquitto
from ears import Ear
from gatepost.central.unseal import unseal
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.spool import Spool

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


def bodies(ear: Ear, kind: str) -> list[dict[str, Any]]:
    return [json.loads(m.payload)["data"] for m in ear.got if m.topic.endswith(f"event/{kind}")]


def scans(count: int) -> Callable[[Ear], bool]:
    return lambda ear: len(bodies(ear, "scan")) >= count


def states(ear: Ear) -> list[str]:
    return [json.loads(m.payload)["state"] for m in ear.got if m.topic.endswith("/state")]


def test_a_code_shown_to_the_camera_arrives_at_a_central_server(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with mosquitto(tmp_path, tls=files) as broker, Ear(broker.port, files) as ear:
        frames = film(tmp_path / "film", PERSON, OTHER, "https://example.org/")
        with station(configure(tmp_path, files, broker.port, frames)) as daemon:
            daemon.hear("READY=1")
            daemon.hear("WATCHDOG=1")
            ear.until(scans(3))
            assert daemon.stop() == 0
        ear.until(lambda e: states(e)[-1] == "offline")
        seen = bodies(ear, "scan")
        private = json.loads(files.sealing_private.read_text())
        assert [unseal(b["sealed"], private).data.decode() for b in seen] == [
            PERSON,
            OTHER,
            "https://example.org/",
        ]
        assert [b["verdict"] for b in seen] == ["accepted", "accepted", "not-understood"]
        assert [b["sequence"] for b in seen] == [2, 3, 4]
        for message in ear.got:
            assert b"NGUYEN" not in message.payload
        said = daemon.log.read_text()
        for secret in ("NGUYEN", "509123", "QID7f31a2", "example.org"):
            assert secret not in said


def test_a_second_sigterm_changes_nothing(tmp_path: Path, files: AuthorityFiles) -> None:
    with mosquitto(tmp_path, tls=files) as broker, Ear(broker.port, files) as ear:
        frames = film(tmp_path / "film")
        with station(configure(tmp_path, files, broker.port, frames)) as daemon:
            ear.until(lambda e: "online" in states(e))
            for _ in range(5):
                daemon.process.send_signal(signal.SIGTERM)
            assert daemon.stop() == 0
        ear.until(lambda e: states(e)[-1] == "offline")


def test_it_stops_cleanly_while_the_broker_accepts_and_says_nothing(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody answers
        frames = film(tmp_path / "film", PERSON)
        config = configure(tmp_path, files, silent.getsockname()[1], frames)
        with station(config) as daemon:
            while not any(line["message"] == "scan recorded" for line in daemon.logged()):
                daemon.told.append(daemon.notify.recv(256).decode())
            assert daemon.stop() == 0


def test_killed_it_is_lost_and_what_was_green_is_there(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with mosquitto(tmp_path, tls=files) as broker, Ear(broker.port, files) as ear:
        config = configure(tmp_path, files, broker.port, film(tmp_path / "film", PERSON, OTHER))
        with station(config) as daemon:
            ear.until(scans(1))
            daemon.process.kill()
        ear.until(lambda e: states(e)[-1] == "lost")
        lit = [line for line in daemon.logged() if line["message"] == "scan recorded"]
        with Spool(tmp_path / "data" / "spool.db") as spool:
            assert spool.verify() >= 1 + len(lit)


def test_without_a_broker_it_records_and_delivers_later(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    port = free_port()
    config = configure(tmp_path, files, port, film(tmp_path / "film", PERSON, OTHER))
    kept = ["persistence true", f"persistence_location {tmp_path}/"]
    with mosquitto(tmp_path, tls=files, port=port, extra=kept), Ear(port, files, "ear"):
        pass  # it has subscribed: whoever comes later is not heard by a broker that comes first
    with station(config) as daemon:
        daemon.hear("READY=1")
        while len([line for line in daemon.logged() if line["message"] == "scan recorded"]) < 2:
            daemon.told.append(daemon.notify.recv(256).decode())  # four times a second
        again = mosquitto(tmp_path, tls=files, port=port, extra=kept)
        with again, Ear(port, files, "ear") as ear:
            ear.until(scans(2))
            assert daemon.stop() == 0
    assert not [line for line in daemon.logged() if line["level"] == "error"]


def test_a_worker_that_fails_ends_it_with_the_reason_last(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    (tmp_path / "film").mkdir()
    config = configure(tmp_path, files, free_port(), tmp_path / "film")
    with station(config) as daemon:
        assert daemon.process.wait(20) == 1
    last = daemon.lines()[-1]
    assert last.startswith("gatepost: worker reading door failed: PictureError")
    assert "film" in last


def test_a_spool_of_another_version_is_named_and_left(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    config = configure(tmp_path, files, free_port(), film(tmp_path / "film"))
    with station(config) as daemon:
        daemon.hear("READY=1")
        daemon.stop()
    database = sqlite3.connect(tmp_path / "data" / "spool.db")
    database.execute("PRAGMA user_version = 9")
    database.close()
    with station(config) as daemon:
        daemon.hear("READY=1")  # it refuses in red, and tells why: a dark gate tells nobody
        assert daemon.stop() == 0
    told = [line["why"] for line in daemon.logged() if line["message"] == "trouble"]
    assert "has schema 9, made by a newer gatepost" in told[0]
    database = sqlite3.connect(tmp_path / "data" / "spool.db")
    assert database.execute("PRAGMA user_version").fetchone() == (9,)
    database.close()


def test_a_second_daemon_on_the_same_folder_is_refused(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    config = configure(tmp_path, files, free_port(), film(tmp_path / "film"))
    with station(config) as daemon:
        daemon.hear("READY=1")
        second = subprocess.run(
            [sys.executable, "-m", "gatepost", "run", "--config", str(config)],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (second.returncode, daemon.process.poll()) == (1, None)
    assert "another gatepost runs on it" in second.stderr.splitlines()[-1]


def test_bad_configuration_is_told_whole_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[station]\nid = 5\n")
    told = subprocess.run(
        [sys.executable, "-m", "gatepost", "run", "--config", "x.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert told.returncode == 2
    assert "x.toml:2: station.id: must be a text in quotes" in told.stderr
    assert "reader: at least one [[reader]] is needed" in told.stderr


def test_the_demo_delivers_everybody(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "gatepost", "demo", "--visitors", "2", "--json", "--keep", "d"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    result = json.loads(told.stdout)
    assert (result["visitors"], result["delivered"], result["good"]) == (2, 2, True)
    assert {p.name for p in (tmp_path / "d").iterdir()} >= {"station.toml", "visitors.avi", "data"}
