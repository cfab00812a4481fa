import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatepost.cli import main, spool
from gatepost.config.schema import PLAIN_TEXT_WORDS
from gatepost.demo.authority import make_authority
from gatepost.model import Stamp
from gatepost.spool import prepare

STAMP = Stamp(boot_id="ab" * 16, boot_us=1, wall_us=2, synchronised=False, bound_us=0)
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    files = make_authority(folder, "gp-1")
    (folder / "station.toml").write_text(f"""\
[station]
id = "gp-1"
site = "ward-7"
data = "data"
certificate = "{files.station_certificate.name}"
key = "{files.station_key.name}"
[broker]
host = "broker.example"
ca = "{files.ca.name}"
[central]
sealing_key = "{files.sealing_public.name}"
[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/ttyACM0"
""")
    prepare(folder / "data", "gp-1", "ward-7", STAMP, allow_volatile=True)
    return folder


@pytest.fixture
def good(folder: Path) -> str:
    return str(folder / "station.toml")


def refused(*argv: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(list(argv))
    assert caught.value.code == 2


def test_no_command_is_helped(capsys: Capture) -> None:
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "check-config" in told.err


@pytest.mark.parametrize("argv", [["run"], ["check-config"], ["spool"], ["walk"], ["--what"]])
def test_what_is_no_command_is_refused(argv: list[str], capsys: Capture) -> None:
    refused(*argv)
    assert capsys.readouterr().err.startswith("usage: gatepost")


def test_a_good_configuration(good: str, capsys: Capture) -> None:
    assert main(["check-config", good]) == 0
    told = f"{good}: good: station gp-1 at ward-7; gun (in)\n"
    rules = "rules: built in; accepts bhyt, cccd, pc-covid\n"
    assert capsys.readouterr().out == told + rules


def test_a_good_configuration_for_machines(good: str, capsys: Capture) -> None:
    assert main(["check-config", good, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": good,
        "ok": True,
        "problems": [],
        "station": "gp-1",
        "site": "ward-7",
        "readers": [{"name": "gun", "type": "serial", "direction": "in"}],
        "board": None,
        "sealed": True,
        "accept": ["bhyt", "cccd", "pc-covid"],
        "rules": "built in",
        "trust_version": 0,
    }


def test_rules_that_are_wrong_are_a_problem_of_the_configuration(
    folder: Path, good: str, capsys: Capture
) -> None:
    (folder / "rules.toml").write_text("[gate]\naccept = ['site']\ncapacity = -1\n")
    ruled = folder / "ruled.toml"
    ruled.write_text(Path(good).read_text() + "[gate]\nrules = 'rules.toml'\n")
    assert main(["check-config", str(ruled)]) == 2
    told = capsys.readouterr().err
    assert "rules.toml:2: gate.accept" in told
    assert "rules.toml:3: gate.capacity" in told
    (folder / "rules.toml").write_text("[gate]\naccept = ['pass']\n")
    assert main(["check-config", str(ruled)]) == 0
    assert f"rules: {folder / 'rules.toml'}; accepts pass" in capsys.readouterr().out


def test_a_configuration_without_sealing_says_so(folder: Path, good: str, capsys: Capture) -> None:
    lines = Path(good).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("sealing_key"))
    plain = folder / "plain.toml"
    plain.write_text(text.replace("[central]", f'[central]\nplain_text = "{PLAIN_TEXT_WORDS}"'))
    assert main(["check-config", str(plain)]) == 0
    assert "NOT sealed" in capsys.readouterr().out
    assert main(["check-config", str(plain), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sealed"] is False


def test_a_bad_configuration(tmp_path: Path, capsys: Capture) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[station]\nid = 5\n")
    assert main(["check-config", str(bad)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{bad}:2: station.id: must be a text in quotes, is 5" in told.err
    assert "problem(s) in the configuration" in told.err
    assert main(["check-config", str(bad), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert f"{bad}:2: station.id: must be a text in quotes, is 5" in found["problems"]


def test_the_example_of_the_reference_is_a_good_one(tmp_path: Path, capsys: Capture) -> None:
    page = Path(__file__).parents[2] / "firmware" / "CONFIGURATION.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    files = make_authority(tmp_path, "gp-7f3a9c")
    files.sealing_public.rename(tmp_path / "central-public.jwk")
    shutil.copy(files.ca, tmp_path / "central-ca.pem")
    (tmp_path / "rules.toml").write_text("[gate]\nrepeat_s = 5\n")
    (tmp_path / "station.toml").write_text(example)
    assert main(["check-config", str(tmp_path / "station.toml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["type"] for each in told["readers"]] == ["v4l2", "serial"]
    assert told["sealed"] is True


def test_run_names_what_is_wrong_with_its_configuration(tmp_path: Path, capsys: Capture) -> None:
    assert main(["run", "--config", str(tmp_path / "gone.toml")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def status(capsys: Capture, *argv: str) -> dict[str, Any]:
    assert main(["spool", *argv, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_the_spool_by_its_file_its_folder_and_its_station(
    folder: Path, good: str, capsys: Capture
) -> None:
    file = status(capsys, "status", str(folder / "data" / "spool.db"))
    assert file["source"] == "gp-1"
    assert (file["newest"], file["undelivered"], file["undelivered_ranges"]) == (1, 1, [[1, 1]])
    for argv in ([str(folder / "data")], ["--config", good]):
        told = status(capsys, "status", *argv)
        assert (told["epoch"], told["spool"]) == (file["epoch"], file["spool"])
    assert status(capsys, "verify", "--config", good)["verified"] == 1


def test_the_spool_for_people(good: str, capsys: Capture) -> None:
    assert main(["spool", "status", "--config", good]) == 0
    shown = capsys.readouterr().out
    assert "       undelivered  1\n" in shown
    assert "undelivered_ranges  1\n" in shown
    assert main(["spool", "verify", "--config", good]) == 0
    assert capsys.readouterr().out.endswith("\nchain: good, 1 event\n")


@pytest.mark.parametrize(
    ("ranges", "told"),
    [
        ([], "none"),
        ([(1, 7), (9, 9)], "1-7, 9"),
        ([(n, n) for n in range(1, 40, 2)], ", ".join(map(str, range(1, 40, 2))) + ", ..."),
    ],
)
def test_ranges_for_people(ranges: list[tuple[int, int]], told: str) -> None:
    assert spool._ranges(ranges) == told


def test_what_is_no_spool_is_told(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no spool at all, but a text that is long enough " * 20)
    (tmp_path / "nothing").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep" / "spool.db").mkdir(parents=True)
    for name, told in {
        "gone": "gone: there is no spool",
        "empty": "spool.db: there is no spool",
        "text": "text: ",
        "nothing": "nothing: is not a spool",
        "pipe": "pipe: is not a file",
        "deep": "deep/spool.db: is not a file",
    }.items():
        for action in ("status", "verify"):
            assert main(["spool", action, str(tmp_path / name)]) == 1, name
            heard = capsys.readouterr()
            assert heard.out == ""
            assert heard.err.startswith("gatepost: ")
            assert told in heard.err
    assert (tmp_path / "nothing").stat().st_size == 0


def test_a_spool_is_named_once(folder: Path, good: str, capsys: Capture) -> None:
    assert main(["spool", "status"]) == 2
    assert main(["spool", "status", str(folder / "data"), "--config", good]) == 2
    assert "name either a SPOOL file or --config FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        *(["--visitors", word] for word in ("0", "501", "-1", "x", "٣", "1.5", "9" * 5000)),
        *(["--seed", word] for word in ("-1", "x", "")),
        *(["--port", word] for word in ("-1", "80", "1023", "65536")),
        ["--keep"],
    ],
)
def test_the_demo_refuses_what_cannot_be(argv: list[str], capsys: Capture) -> None:
    refused("demo", *argv)
    assert "usage: gatepost demo" in capsys.readouterr().err


def test_the_demo_wants_an_empty_folder(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    for keep, told in {
        tmp_path: "holds files",
        tmp_path / "file": "is a file",
        tmp_path / "file" / "below": "Not a directory",
    }.items():
        assert main(["demo", "--headless", "--keep", str(keep)]) == 2
        heard = capsys.readouterr()
        assert heard.out == ""
        assert f"--keep wants an empty or new folder: {keep}" in heard.err
        assert told in heard.err


def test_the_demo_wants_a_port_that_is_free(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["demo", "--headless", "--port", port]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"gatepost: port {port} is taken; leave --port away\n"


@pytest.mark.parametrize("argv", [["--help"], ["spool", "--help"], ["check-config", "--json"]])
def test_a_reader_that_went_away_is_no_noise(argv: list[str], good: str) -> None:
    read, write = os.pipe()
    os.close(read)
    more = [good] if "--json" in argv else []
    with os.fdopen(write, "wb") as pipe:
        told = subprocess.run(
            [sys.executable, "-m", "gatepost", *argv, *more],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            timeout=30,
        )
    assert told.stderr == b""
    assert told.returncode in {0, 1}  # argparse itself passes over a help that nobody reads


LEAVES = """
import logging, sys, threading
from gatepost.cli.run import _leave
begun, never = threading.Event(), threading.Event()
handler = logging.StreamHandler()
def stuck():
    with {held}:
        begun.set()
        never.wait()
threading.Thread(target=stuck, daemon=True).start()
begun.wait()
print("the reason", file=sys.stderr)
_leave(1)
"""


@pytest.mark.parametrize(
    ("held", "status"), [("threading.Lock()", 1), ("handler.lock", -signal.SIGALRM)]
)
def test_run_ends_with_its_reason_whatever_is_stuck(held: str, status: int) -> None:
    code = LEAVES.format(held=held)
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=30, text=True
    )
    assert (told.returncode, told.stderr) == (status, "the reason\n")


@pytest.mark.parametrize(
    ("command", "extra"), [("run", "station"), ("demo", "demo"), ("decode", "station")]
)
def test_a_base_install_says_which_extra_is_missing(command: str, extra: str) -> None:
    """In a process of its own in which the libraries of a station cannot be imported."""
    words = {"run": ["--config", "x.toml"], "demo": [], "decode": ["."]}[command]
    code = f"""
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"numpy", "cv2", "zxingcpp", "zbar", "gpiozero", "segno"}}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Nothing())
from gatepost.cli import main
sys.exit(main({[command, *words]!r}))
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert f"pip install 'gatepost[{extra}]'" in told.stderr


def test_a_full_disk_behind_standard_output_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "gatepost", "check-config", "--json", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    assert told.returncode == 1
    assert told.stderr == "gatepost: cannot write: No space left on device\n"
