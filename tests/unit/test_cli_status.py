from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from stations import configure

from gatepost.cli import main
from gatepost.cli.status_page import page
from gatepost.config import load
from gatepost.demo.authority import AuthorityFiles, make_authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
WELL: dict[str, Any] = {
    "station": "gp-1",
    "site": "ward-7",
    "pid": 321,
    "conditions": {},
    "notes": {},
    "readers": [
        {
            "name": "door",
            "working": True,
            "scans": 12,
            "overflowed": 0,
            "frames_s": 29.9,
            "last_scan_s": 75.4,
            "by_pass": {"grid": 2, "zxing": 10},
        },
        {"name": "gun", "working": False, "scans": 3, "lossy": 1, "by_pass": {}},
    ],
    "signals": ["lamp", "oled"],
    "broker": {"host": "broker.example", "port": 8883, "connected": True},
    "applied": {"rules": 4, "trust": 0},
    "health": {
        "firmware": "0.3.0",
        "uptime_s": 93_784,
        "boot_us": 120_000_000_000,
        "wall_us": 1_000_000,
        "crashes": 2,
        "broker_sessions": 3,
        "broker_lost": 1,
        "spool_newest": 60,
        "spool_pending": 5,
        "spool_unconfirmed": 2,
        "spool_used_bytes": 3 << 20,
        "spool_most_bytes": 1 << 30,
        "disk_free_bytes": 10 << 30,
        "disk_total_bytes": 28 << 30,
        "card_device": "mmcblk0p3",
        "card_name": "EXMPL",
        "card_made": "08/2021",
        "card_errors": 0,
        "card_used_percent": 30,
        "card_written_day_bytes": 96 << 20,
        "flush_p50_us": 6_200,
        "flush_p99_us": 21_000,
        "flush_most_us": 80_000,
        "temperature_mc": 51_234,
        "power_low": 0,
        "power_low_seen": 1,
        "throttled": 1,
        "cpu_khz": 1_500_000,
        "load_milli": 350,
        "memory_rss_bytes": 104 << 20,
        "memory_peak_bytes": 118 << 20,
        "memory_available_bytes": 600 << 20,
        "clock": "synchronised",
        "bound_us": 40_500,
        "certificate_ends_us": 1_000_000 + 40 * 86_400_000_000,
    },
}
PAGE = """\
      station  gp-1 at ward-7
        state  well
     gatepost  0.3.0, process 321, up 1 d 2 h, the machine 1 d 9 h, 2 crashes known
      applied  rules 4, trust list built in
      signals  lamp, oled
         door  works, 29.9 frames/s, 12 scans, the last 1 min 15 s ago
      read by  zxing 10, grid 2
          gun  gives nothing, 3 scans, 1 lossy
       broker  connected to broker.example:8883
     sessions  3 since the start, 1 broke off
        spool  60 events, 5 not delivered, 2 not confirmed, 3.0 MiB of 1.0 GiB
         disk  10.0 GiB of 28.0 GiB free
         card  mmcblk0p3, EXMPL, made 08/2021, 0 errors, 30 % used, 96.0 MiB written a day
        flush  half in 6.2, 99 % in 21.0, all in 80.0 ms
      machine  51 °C, under-voltage before, SLOWED DOWN NOW, 1500 MHz, load 0.35
       memory  104.0 MiB ours, at most 118.0 MiB, 600.0 MiB left
        clock  synchronised within 40 ms
  certificate  ends in 40 d 0 h"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


@pytest.fixture
def config(tmp_path: Path, files: AuthorityFiles, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    (tmp_path / "data").mkdir()
    return configure(tmp_path, files, 1883, tmp_path)


@contextmanager
def answering(config: Path, told: dict[str, Any]) -> Iterator[None]:
    """What stands for a running station: it answers once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(load(config).station.data / "status"))
        listener.listen(1)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(json.dumps(told).encode() + b"\n")

        thread = Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_the_page_says_all_that_is_known_in_aligned_lines() -> None:
    assert page(WELL) == PAGE


def test_what_is_in_trouble_or_noted_stands_above() -> None:
    told = {**WELL, "conditions": {"reader gun": "absent"}, "notes": {"card": "worn out soon"}}
    lines = page(told).splitlines()
    assert lines[1:3] == ["      TROUBLE  reader gun: absent", "       see to  card: worn out soon"]
    assert "state" not in page(told)


def test_without_a_broker_it_says_why() -> None:
    told = {**WELL, "broker": {**WELL["broker"], "connected": False}}
    told["health"] = {**WELL["health"], "broker_why": "no broker listens"}
    assert "NOT connected to broker.example:8883: no broker listens" in page(told)


def test_a_report_that_knows_nothing_is_a_page_all_the_same() -> None:
    assert page({}).splitlines()[1] == "        state  well"
    assert "\x1b" not in page({"notes": {"card\x1b[2J": "x\ny"}})
    assert len(page({"notes": {"card": "x\ny"}}).splitlines()) == len(page({}).splitlines())


def test_a_station_that_is_well_gives_0(config: Path, capsys: Capture) -> None:
    with answering(config, WELL):
        assert main(["status", "--config", str(config)]) == 0
    assert capsys.readouterr().out == PAGE + "\n"


@pytest.mark.parametrize("what", ["conditions", "notes"])
def test_one_in_trouble_gives_1_and_json_is_one_line(
    config: Path, capsys: Capture, what: str
) -> None:
    told = {**WELL, what: {"card": "has errors"}}
    with answering(config, told):
        assert main(["status", "--config", str(config), "--json"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == told


def test_where_none_answers_it_gives_2_and_says_what_to_do(config: Path, capsys: Capture) -> None:
    assert main(["status", "--config", str(config)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "no running station answers" in told.err
    assert f"gatepost run --config {config}" in told.err
    assert "journalctl -u gatepost" in told.err


def test_watching_goes_on_until_ctrl_c_which_gives_130(config: Path) -> None:
    with answering(config, WELL):
        command = [sys.executable, "-m", "gatepost", "status", "--config", str(config), "--watch"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ}
        ) as watching:
            assert watching.stdout is not None
            assert watching.stdout.readline().decode() == PAGE.splitlines()[0] + "\n"
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 130
