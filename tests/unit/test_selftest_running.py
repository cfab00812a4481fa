"""A self-test beside a daemon that holds the devices, and beside one that does not answer."""

from __future__ import annotations

import fcntl
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from test_selftest import configure, fill

from brokers import free_port
from dated import Fleet
from gatepost.canonical import canonical
from gatepost.cli import main
from gatepost.config import load
from gatepost.errors import SpoolBusy
from gatepost.selftest.running import running
from gatepost.spool import alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    fill(tmp_path)
    return configure(tmp_path, Fleet(tmp_path).files(), free_port())


@pytest.fixture
def daemon(path: Path) -> Iterator[Path]:
    """Its lock alone."""
    with (path.parent / "data" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def answers(path: Path, told: dict[str, object]) -> threading.Thread:
    station = socket.socket(socket.AF_UNIX)
    station.bind(str(path.parent / "status"))
    station.listen()

    def serve() -> None:
        with station, station.accept()[0] as link:
            link.sendall(canonical({"station": "gp-1", **told}) + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_what_the_running_station_finds_wrong_is_told(daemon: Path) -> None:
    serving = answers(daemon, {"conditions": {"reader door": "absent"}, "notes": {"oled": "gone"}})
    found = {each.name: each for each in running(load(daemon))}
    serving.join(5)
    assert not found["reader door"].ok
    assert not found["oled"].ok


def test_a_running_station_that_is_well_is_well(daemon: Path) -> None:
    serving = answers(daemon, {"conditions": {}, "notes": {}})
    (found,) = running(load(daemon))
    serving.join(5)
    assert found.ok
    assert not found.skipped


def test_a_daemon_that_does_not_answer_leaves_its_devices_untold(daemon: Path) -> None:
    (found,) = running(load(daemon))
    assert found.skipped


def test_with_a_technician_the_daemon_has_to_be_stopped_first(
    daemon: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", "--config", str(daemon), "--technician", "--only", "door"]) == 2
    assert "systemctl stop gatepost" in capsys.readouterr().err
    assert main(["setup", "--config", str(daemon), "--mode", "setup"]) == 2
    assert "systemctl stop gatepost" in capsys.readouterr().err


def test_nothing_is_made_where_no_daemon_ever_was(tmp_path: Path) -> None:
    with alone(tmp_path / "data"):
        assert not (tmp_path / "data").exists()


def test_a_folder_is_ones_own_for_a_while(path: Path) -> None:
    lock = path.parent / "data" / "lock"
    lock.touch()
    with (
        alone(path.parent / "data"),
        pytest.raises(SpoolBusy),
        alone(path.parent / "data"),
    ):
        pass


def test_a_device_that_is_not_fitted_is_no_choice(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path.parent / "one.png").write_bytes(b"")
    assert main(["selftest", "--config", str(path), "--only", "lamp"]) == 2
    assert "not fitted here; there are door" in capsys.readouterr().err


def test_a_device_that_is_not_fitted_is_no_choice_beside_a_daemon_either(
    daemon: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", "--config", str(daemon), "--only", "lamp"]) == 2
    assert "not fitted here" in capsys.readouterr().err


def test_an_odd_mix_of_options_is_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (
        [],
        ["--board", "x.toml"],
        ["--dry-run"],
        ["--verify", "x"],
        ["--config", str(path), "--technician", "--json"],
    ):
        assert main(["selftest", *options]) == 2
        assert capsys.readouterr().err.startswith("gatepost: ")
