import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.cli import main
from gatepost.crashes import FOLDER
from gatepost.drivers import idle
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


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in its order; the seams on both sides have tests of their own."""
    done: list[str] = []
    monkeypatch.setattr(idle, "rest", lambda config: done.append(f"rest {config.relay.pin}"))
    monkeypatch.setattr(
        "gatepost.crashes.stopped",
        lambda data, environ: done.append(f"note {data.name} {environ['SERVICE_RESULT']}"),
    )
    monkeypatch.setenv("SERVICE_RESULT", "watchdog")
    return done


def test_the_relay_rests_before_anything_is_written(tmp_path: Path, order: list[str]) -> None:
    assert main(["stopped", "--config", str(configured(tmp_path, RELAY))]) == 0
    assert order == ["rest 17", "note data watchdog"]


def test_where_it_was_not_the_daemon_no_end_is_noted(tmp_path: Path, order: list[str]) -> None:
    assert main(["stopped", "--outputs", "--config", str(configured(tmp_path, RELAY))]) == 0
    assert order == ["rest 17"]


def test_an_output_that_does_not_rest_is_told_and_the_end_is_noted_all_the_same(
    tmp_path: Path,
    order: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def held(_config: object) -> None:
        raise DeviceError("relay: line 17 is held by pump")

    monkeypatch.setattr(idle, "rest", held)
    assert main(["stopped", "--config", str(configured(tmp_path, RELAY))]) == 1
    assert "not at rest: relay: line 17 is held by pump" in capsys.readouterr().err
    assert order == ["note data watchdog"]


def test_a_configuration_that_is_broken_meanwhile_is_told(
    tmp_path: Path, order: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, '[relay]\npin = 17\nidle = "middle"\n')
    assert main(["stopped", "--config", str(path)]) == 2
    assert "relay.idle" in capsys.readouterr().err
    assert order == []


def test_what_was_noted_rests_before_the_configuration_is_read(
    tmp_path: Path, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "rest_noted", lambda: order.append("noted"))
    path = configured(tmp_path, '[relay]\npin = 17\nidle = "middle"\n')
    assert main(["stopped", "--config", str(path)]) == 2
    assert order == ["noted"]


def test_a_note_that_does_not_rest_is_told_and_the_configuration_has_the_last_word(
    tmp_path: Path,
    order: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def held() -> None:
        raise DeviceError("relay: line 17 is held by pump")

    monkeypatch.setattr(idle, "rest_noted", held)
    assert main(["stopped", "--config", str(configured(tmp_path, RELAY))]) == 0
    assert "not at rest yet: relay: line 17 is held by pump" in capsys.readouterr().err
    assert order == ["rest 17", "note data watchdog"]


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
