import json
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gatepost.cli import main, stopped
from gatepost.crashes import FOLDER
from gatepost.errors import DeviceError

RELAY = '[relay]\npin = 17\nidle = "low"\n'


def configured(folder: Path, outputs: str) -> Path:
    (folder / "data").mkdir()
    for name in ("station.pem", "station.key"):
        (folder / name).touch()
    path = folder / "station.toml"
    path.write_text(f"""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "station.pem"
key = "station.key"
[broker]
host = "127.0.0.1"
tls = false
[central]
plain_text = "visitors are readable to everyone who can read the broker"
{outputs}
[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/null"
""")
    return path


@dataclass
class Ended:
    """What was done, in its order; what is below has tests of its own."""

    done: list[str] = field(default_factory=list)
    trouble: DeviceError | None = None

    def rest(self, config: Any) -> None:
        if self.trouble:
            raise self.trouble
        self.done.append(f"rest {config.relay.pin}")

    def note(self, data: Path, environ: Any) -> None:
        self.done.append(f"note {data.name} {environ['SERVICE_RESULT']}")

    def run(self, path: Path, *, outputs: bool = False) -> int:
        return stopped.run(Namespace(config=path, outputs=outputs), self.rest, self.note)


@pytest.fixture(autouse=True)
def ended_by_the_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_RESULT", "watchdog")


HELD = DeviceError("relay: line 17 is held by pump")


def test_the_relay_rests_before_anything_is_written(tmp_path: Path) -> None:
    ended = Ended()
    assert ended.run(configured(tmp_path, RELAY)) == 0
    assert ended.done == ["rest 17", "note data watchdog"]


def test_where_it_was_not_the_daemon_no_end_is_noted(tmp_path: Path) -> None:
    ended = Ended()
    assert ended.run(configured(tmp_path, RELAY), outputs=True) == 0
    assert ended.done == ["rest 17"]


def test_an_output_that_does_not_rest_is_told_and_the_end_is_noted_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Ended(trouble=HELD)
    assert ended.run(configured(tmp_path, RELAY)) == 1
    assert "not at rest: relay: line 17 is held by pump" in capsys.readouterr().err
    assert ended.done == ["note data watchdog"]


def test_what_was_noted_rests_before_a_configuration_that_is_broken_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    (tmp_path / "resting").write_text("no-such-chip\n17 0 relay")
    path = configured(tmp_path, '[relay]\npin = 17\nidle = "middle"\n')
    assert main(["stopped", "--config", str(path)]) == 2
    noted, told = capsys.readouterr().err.split("\n", 1)
    assert noted.startswith("gatepost: the outputs are not at rest yet: ")
    assert "no-such-chip" in noted
    assert "relay.idle" in told


def test_a_note_that_does_not_rest_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def held() -> None:
        raise HELD

    stopped.first(held)
    assert "not at rest yet: relay: line 17 is held by pump" in capsys.readouterr().err


def test_without_outputs_and_without_an_unclean_end_nothing_is_left(tmp_path: Path) -> None:
    path = configured(tmp_path, "")
    assert main(["stopped", "--config", str(path)]) == 0
    assert not (tmp_path / "data" / FOLDER).exists()


def test_the_door_does_not_wait_for_large_libraries(tmp_path: Path) -> None:
    path = configured(tmp_path, RELAY)
    asked = "import json, sys; from gatepost.cli import main; main(sys.argv[1:]); "
    asked += "print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", asked, "stopped", "--config", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & {"numpy", "cv2", "gpiozero", "lgpio", "cryptography", "sqlite3", "paho"}
