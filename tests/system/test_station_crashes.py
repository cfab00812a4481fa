"""A real daemon that dies in every way: why is on the card, and an event after the next start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from stations import configure, film, station

from brokers import mosquitto, needs_mosquitto
from ears import Ear
from fakes import BOOT, FakeClock
from gatepost.crashes import FOLDER, Crash, Store, stopped
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import AuditRecord, FaultRecord
from gatepost.resetting import ask
from gatepost.spool import FILE, Look
from gatepost.timekeeping import stamp
from gatepost.wire import decode_body

if TYPE_CHECKING:
    from pathlib import Path

# The station with its health worker replaced by one that comes to harm once all have begun.
HARMED = """
import ctypes, dataclasses, os, signal, sys, threading
import gatepost.build, gatepost.station, gatepost.supervisor
from gatepost.cli import main

real, harm = gatepost.build.build, sys.argv.pop(1)

def worker():
    yield
    beside_a_visitors_data = "001099012345|NGUYEN VAN A"
    if harm == "hangs":
        threading.Event().wait(60)
    elif harm == "keeps the GIL":
        ctypes.PyDLL(None).usleep(60_000_000)
    elif harm == "stops with the GIL":
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            while True:
                yield
        finally:
            ctypes.PyDLL(None).usleep(60_000_000)
    elif harm == "segfaults":
        ctypes.string_at(0)
    elif harm == "has no memory":
        bytearray(2**62)
    elif harm == "is wrong":
        int(beside_a_visitors_data)
    elif harm == "ends main":
        gatepost.supervisor.Supervisor._failure = lambda self: int(beside_a_visitors_data)
        while True:
            yield
    yield

def build(config, *more):
    if harm == "starts with the GIL":
        ctypes.PyDLL(None).usleep(60_000_000)
    harmed = gatepost.supervisor.Worker("health", worker, 0.3)
    return dataclasses.replace(real(config, *more), health=harmed)

if harm == "keeps the GIL":
    gatepost.supervisor._ARMED_S = 0.0
    gatepost.supervisor._MAIN_S = 2.0
if harm == "stops with the GIL":
    gatepost.station._DEADLINES_S = (0.2, 0.3, 0.4, 0.5)
    gatepost.supervisor._STOP_SPARE_S = 0.5
if harm == "starts with the GIL":
    import gatepost.cli.run
    gatepost.cli.run._START_S = 1
gatepost.build.build = build
sys.exit(main())
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


@pytest.fixture
def config(tmp_path: Path, files: AuthorityFiles) -> Path:
    return configure(tmp_path, files, 9, film(tmp_path / "film"))  # nobody is on that port


def crashes(folder: Path) -> list[Crash]:
    return Store(folder / "data" / FOLDER, keep=False).all()


def records(folder: Path, kind: type[FaultRecord | AuditRecord]) -> list[Any]:
    with Look(folder / "data" / FILE) as look:
        kept = [decode_body(each.body).record for each in look.range(1, look.newest())]
    return [each for each in kept if isinstance(each, kind)]


def faults(ear: Ear) -> list[dict[str, Any]]:
    heard = [each for each in ear.got if each.topic.endswith("/event/fault")]
    return [json.loads(each.payload)["data"] for each in heard]


def run_and_stop(config: Path, word: str = "told") -> None:
    """A start that stays well, until the log says `word`."""
    with station(config) as daemon:
        daemon.hear("READY=1")
        while not any(line["message"] == word for line in daemon.logged()):
            daemon.told.append(daemon.notify.recv(256).decode())
        assert daemon.stop() == 0


def harmed(config: Path, harm: str) -> tuple[int, str]:
    """A start that comes to harm: its exit status, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", HARMED, harm, "run", "--config", str(config)],
        capture_output=True,
        timeout=40,
        check=False,
        env={**os.environ, "NOTIFY_SOCKET": ""},
    )
    return done.returncode, done.stderr.decode()


def test_a_clean_stop_is_no_crash(tmp_path: Path, config: Path) -> None:
    with station(config) as daemon:
        daemon.hear("READY=1")
        assert daemon.stop() == 0
    assert crashes(tmp_path) == []


@needs_mosquitto
def test_a_kill_is_told_to_the_centre_after_the_next_start(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with mosquitto(tmp_path, tls=files) as broker, Ear(broker.port, files) as ear:
        config = configure(tmp_path, files, broker.port, film(tmp_path / "film"))
        with station(config) as daemon:
            daemon.hear("READY=1")
            daemon.process.kill()
            daemon.process.wait(10)
        with station(config) as daemon:
            ear.until(faults)
            assert daemon.stop() == 0
        (told,) = faults(ear)
    assert told["detail"].startswith("killed: by SIGKILL, or out of memory; version ")
    assert (told["part"], told["state"]) == ("station", "failed")


def test_it_is_told_once(tmp_path: Path, config: Path) -> None:
    with station(config) as daemon:
        daemon.hear("READY=1")
        daemon.process.kill()
        daemon.process.wait(10)
    run_and_stop(config)
    run_and_stop(config, "starting")
    assert len(records(tmp_path, FaultRecord)) == 1


def test_the_watchdogs_abort_shows_where_each_worker_was(tmp_path: Path, config: Path) -> None:
    with station(config) as daemon:
        daemon.hear("READY=1")
        daemon.process.send_signal(signal.SIGABRT)
        assert daemon.process.wait(10) == -signal.SIGABRT
    stopped(tmp_path / "data", {"SERVICE_RESULT": "watchdog"})
    run_and_stop(config)
    (crash,) = crashes(tmp_path)
    assert crash.reason == "watchdog: no sign of life, ended by systemd"
    calls = [call for _, each in crash.threads for call in each]
    assert any(call.startswith("gatepost/supervisor.py:") for call in calls)


def test_a_hung_worker_ends_the_process_and_is_seen_where_it_hung(
    tmp_path: Path, config: Path
) -> None:
    status, told = harmed(config, "hangs")
    assert status == 1
    assert told.endswith("gatepost: worker health gave no heartbeat for 0.3 s\n")
    (crash,) = crashes(tmp_path)
    calls = dict(crash.threads)["health"]
    assert "<string>:" in "".join(calls)
    assert any(call.endswith(":worker") for call in calls)
    assert any("starting" in line for line in crash.log)
    run_and_stop(config)
    (record,) = records(tmp_path, FaultRecord)
    assert record.detail.startswith("worker health gave no heartbeat for 0.3 s; version ")


def test_a_worker_that_hangs_in_c_with_the_gil_ends_the_process_too(
    tmp_path: Path, config: Path
) -> None:
    status, _ = harmed(config, "keeps the GIL")
    assert status == 1
    run_and_stop(config)
    (crash,) = crashes(tmp_path)
    assert crash.reason.startswith("hung: the main thread came to nothing within ")
    assert any(call.endswith(":worker") for _, calls in crash.threads for call in calls)


def test_a_start_that_hangs_in_c_with_the_gil_ends_the_process_too(
    tmp_path: Path, config: Path
) -> None:
    status, _ = harmed(config, "starts with the GIL")
    assert status == 1
    run_and_stop(config)
    (crash,) = crashes(tmp_path)
    assert crash.reason == "hung: the main thread came to nothing within 1 s"
    assert any(call.endswith(":build") for _, calls in crash.threads for call in calls)


def test_a_stop_that_hangs_in_c_with_the_gil_ends_the_process_too(
    tmp_path: Path, config: Path
) -> None:
    status, _ = harmed(config, "stops with the GIL")
    assert status == 1
    run_and_stop(config)
    (crash,) = crashes(tmp_path)
    assert crash.reason == "hung: the main thread came to nothing within 1 s"
    assert any(call.endswith(":worker") for _, calls in crash.threads for call in calls)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("has no memory", "worker health failed: MemoryError at <string>:"),
        ("is wrong", "worker health failed: ValueError at <string>:"),
        ("ends main", "failed: ValueError at <string>:"),
    ],
)
def test_an_error_that_nobody_expected_is_kept_without_its_words(
    tmp_path: Path, config: Path, harm: str, reason: str
) -> None:
    status, told = harmed(config, harm)
    assert status == 1
    assert told.splitlines()[-1].startswith(f"gatepost: {reason}")
    (crash,) = crashes(tmp_path)
    assert crash.reason.startswith(reason)
    assert crash.threads[0][0] == "what failed"
    kept = b"".join(each.read_bytes() for each in (tmp_path / "data" / FOLDER).iterdir())
    assert b"001099012345" not in kept + told.encode()


def test_a_segmentation_fault_shows_its_calls(tmp_path: Path, config: Path) -> None:
    status, _ = harmed(config, "segfaults")
    assert status == -signal.SIGSEGV
    run_and_stop(config)
    (crash,) = crashes(tmp_path)
    assert crash.reason.startswith("signal SIGSEGV at ctypes/__init__.py:")
    assert any(call.endswith(":worker") for call in crash.threads[0][1])


def test_a_start_that_fails_again_and_again_is_one_record(tmp_path: Path, config: Path) -> None:
    good = config.read_text("utf-8")
    config.write_text(good + f'[gate]\nrules = "{config}"\n', "utf-8")  # which are no rules
    for _ in range(2):
        assert harmed(config, "nothing")[0] == 2
    (crash,) = crashes(tmp_path)
    assert crash.reason.startswith("start failed: ConfigError: ")
    assert crash.count == 2


def test_a_factory_reset_is_told_by_the_next_run(tmp_path: Path, config: Path) -> None:
    run_and_stop(config, "starting")
    ask(tmp_path / "data", stamp(FakeClock(), BOOT))
    command = [sys.executable, "-m", "gatepost", "reset", "--apply", "--config", str(config)]
    subprocess.run(command, check=True, timeout=30, capture_output=True)
    run_and_stop(config)
    (record,) = records(tmp_path, AuditRecord)
    assert (record.action, record.actor, record.outcome) == ("factory-reset", "local", "done")
