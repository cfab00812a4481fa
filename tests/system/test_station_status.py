"""A real daemon is asked how it is, over its socket and by its command."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from stations import OTHER, PERSON, configure, film, station

from gatepost.config import load
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.status import ask_status

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


def asked(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gatepost", "status", "--config", str(config), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def when(config: Path, scans: int) -> dict[str, Any]:
    """What it says once it has so many; each question is answered within half a second."""
    while True:
        told = ask_status(load(config))
        if told["health"]["scans"] >= scans:
            return told


def test_a_running_station_tells_what_it_read_and_nothing_of_any_visitor(
    tmp_path: Path, files: AuthorityFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    config = configure(tmp_path, files, 9, film(tmp_path / "film", PERSON, OTHER))
    with station(config) as daemon:
        daemon.hear("WATCHDOG=1")
        told = when(config, 2)
        page, line = asked(config), asked(config, "--json")
        assert daemon.stop() == 0
    assert (page.returncode, line.returncode) in {(0, 0), (1, 1)}  # 1: the machine is noted
    assert told["pid"] == daemon.process.pid
    (reader,) = told["readers"]
    assert (reader["name"], reader["scans"], reader["by_pass"]) == ("door", 2, {"zxing": 2})
    assert told["health"]["read_by_zxing"] == 2
    assert told["broker"]["connected"] is False
    assert "NOT connected to 127.0.0.1:9" in page.stdout
    assert json.loads(line.stdout)["station"] == "gp-1"
    for secret in ("NGUYEN", "TRAN", "509123", "QID7f31a2"):
        assert secret not in page.stdout + line.stdout
    assert asked(config).returncode == 2
    assert not (tmp_path / "data" / "status").exists()


def test_a_place_where_no_socket_can_be_is_noted_and_the_station_works(
    tmp_path: Path, files: AuthorityFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "gone"))
    config = configure(tmp_path, files, 9, film(tmp_path / "film", PERSON))
    with station(config) as daemon:
        daemon.hear("WATCHDOG=1")
        told: list[str] = []
        while "status socket" not in told:
            told = [each["part"] for each in daemon.logged() if each["message"] == "noted"]
        assert daemon.stop() == 0
    assert asked(config).returncode == 2
