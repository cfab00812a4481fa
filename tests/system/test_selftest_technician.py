"""`gatepost selftest --technician` at a terminal and `gatepost setup`: fake pins, real ptys."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from brokers import HOST, free_port
from dated import Fleet
from gatepost.selftest.commissioning import FOLDER, checked
from gatepost.selftest.looking import CARD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

PATIENCE_S = 60.0
PINS = {"GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}


@contextmanager
def serial_reader(folder: Path) -> Iterator[int]:
    """A reader in serial mode at `folder`/reader; gives what it is written to by."""
    scanner, line = pty.openpty()
    tty.setraw(line, termios.TCSANOW)
    (folder / "reader").symlink_to(os.ttyname(line))
    try:
        yield scanner
    finally:
        os.close(scanner)
        os.close(line)


@pytest.fixture
def files(tmp_path: Path) -> AuthorityFiles:
    return Fleet(tmp_path).files()


@pytest.fixture
def config(tmp_path: Path, files: AuthorityFiles) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "station.toml"
    path.write_text(f"""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "{files.station_certificate}"
key = "{files.station_key}"
[broker]
host = "{HOST}"
port = {free_port()}
ca = "{files.ca}"
[central]
sealing_key = "{files.sealing_public}"
authority = "{files.ca}"
[spool]
allow_volatile = true
[lamp]
red = 17
green = 27
blue = 22
[buzzer]
pin = 18
type = "passive"
[relay]
pin = 23
idle = "low"
[oled]
bus = 9
[[reader]]
type = "serial"
name = "door"
direction = "auto"
device = "{tmp_path / "reader"}"
""")
    return path


class Terminal:
    """The command at a terminal of its own, and what it has shown so far."""

    def __init__(self, config: Path, *options: str) -> None:
        self.here, there = pty.openpty()
        # A shell's background jobs ignore SIGINT, and so would whatever they start.
        command = ["env", "--default-signal=INT", sys.executable, "-m", "gatepost"]
        self.process = subprocess.Popen(
            [*command, "selftest", "--config", str(config), "--technician", *options],
            stdin=there,
            stdout=there,
            stderr=there,
            env=os.environ | PINS | {"RUNTIME_DIRECTORY": str(config.parent)},
            start_new_session=True,
        )
        os.close(there)
        self.shown = ""
        self._bytes = bytearray()

    def until(self, *words: str) -> str:
        """Which of `words` came next; "" at its end."""
        while True:
            found = [(self.shown.find(word), word) for word in words if word in self.shown]
            if found:
                at, word = min(found)
                self.shown = self.shown[at + len(word) :]
                return word
            if not self._read():
                return ""

    def _read(self) -> bool:
        assert select.select([self.here], [], [], PATIENCE_S)[0], f"silent after {self.shown!r}"
        try:
            piece = os.read(self.here, 4096)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self._bytes += piece
        self.shown += piece.decode("utf-8", "replace")
        return bool(piece)

    def says_more(self) -> bool:
        return bool(select.select([self.here], [], [], 0.5)[0])

    def type(self, text: str) -> None:
        os.write(self.here, text.encode())

    @property
    def whole(self) -> str:
        return self._bytes.decode("utf-8", "replace")


@contextmanager
def terminal(config: Path, *options: str) -> Iterator[Terminal]:
    it = Terminal(config, *options)
    try:
        yield it
    finally:
        it.process.kill()
        it.process.wait(PATIENCE_S)
        os.close(it.here)


def answered(it: Terminal, scanner: int, answers: dict[str, str]) -> int:
    """Answer each question by what is in it, show the reader its card; the exit status."""
    while word := it.until("[s]kip: ", "(any code will do).\r\n"):
        if not word.startswith("["):
            while not it.says_more():  # what comes before the port is open is lost
                os.write(scanner, f"{CARD}\r".encode())
            continue
        asked = it.whole.rpartition("?  ")[2]
        it.type(next(answer for part, answer in answers.items() if part in asked))
    return it.process.wait(PATIENCE_S)


def test_each_device_is_tried_and_what_was_seen_is_signed(
    config: Path, files: AuthorityFiles
) -> None:
    answers = {"is blue": "n\n", "nobody in its way": "a\nperhaps\ncó\n", "": "y\n"}
    with serial_reader(config.parent) as scanner, terminal(config, "--by", "Lê Văn Thợ") as it:
        assert answered(it, scanner, answers) == 1  # no broker, no screen, and no blue
    (report,) = (config.parent / "data" / FOLDER).iterdir()
    told = checked(report, files.ca).told
    assert (told["by"], told["ok"], told["complete"]) == ("Lê Văn Thợ", False, True)
    found = {each["name"]: each for each in told["findings"]}
    assert "with all its diacritics" in found["door"]["told"]
    assert not found["lamp pending"]["ok"]
    assert not found["oled"]["ok"]
    well = ("lamp accepted", "lamp again", "buzzer accepted", "buzzer refused", "relay")
    assert all(found[name]["ok"] for name in well)


def test_one_device_alone_leaves_a_report_that_is_not_complete(
    config: Path, files: AuthorityFiles
) -> None:
    to = config.parent / "report.jws"
    with terminal(config, "--only", "buzzer", "--report", str(to)) as it:
        assert answered(it, -1, {"": "y\n"}) == 0
    assert checked(to, files.ca).told["complete"] is False


def test_ctrl_c_within_a_question_ends_it_without_a_report(config: Path) -> None:
    with terminal(config, "--only", "relay") as it:
        it.until("[s]kip: ")
        it.type("y\n")
        it.until("[s]kip: ")
        it.process.send_signal(signal.SIGINT)
        assert it.until("Traceback") == ""
        assert it.process.wait(PATIENCE_S) == 130
    assert not (config.parent / "data" / FOLDER).exists()


def test_a_terminal_that_goes_away_ends_it(config: Path) -> None:
    with terminal(config, "--only", "lamp") as it:
        it.until("[s]kip: ")
        it.type("\x04")
        assert it.until("nobody answers") == "nobody answers"
        assert it.until("Traceback") == ""
        assert it.process.wait(PATIENCE_S) == 2


def test_keys_that_cannot_sign_cost_the_report_and_not_what_was_found(
    config: Path, files: AuthorityFiles
) -> None:
    files.station_key.write_text("no key")
    with terminal(config, "--only", "buzzer") as it:
        assert answered(it, -1, {"": "y\n"}) == 1
        assert "no signed report" in it.whole
        assert "buzzer accepted" in it.whole


def setup(config: Path, *options: str) -> subprocess.Popen[str]:
    command = ["env", "--default-signal=INT", sys.executable, "-m", "gatepost", "setup"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*command, "--config", str(config), *options],
        env=os.environ | PINS | {"RUNTIME_DIRECTORY": str(config.parent / "run")},
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def test_the_button_s_self_test_is_signed_never_complete_and_asked_for_no_more(
    config: Path, files: AuthorityFiles
) -> None:
    (config.parent / "run").mkdir()
    (config.parent / "run" / "mode").write_text("selftest\n")
    with serial_reader(config.parent), setup(config, "--minutes", "0.1") as running:
        assert running.wait(PATIENCE_S) == 1
    assert not (config.parent / "run" / "mode").exists()
    (report,) = (config.parent / "data" / FOLDER).iterdir()
    told = checked(report, files.ca).told
    assert (told["by"], told["ok"], told["complete"]) == ("button", False, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_setup_mode_ends_by_a_signal_even_where_its_mode_cannot_be_taken_away(
    config: Path, number: signal.Signals
) -> None:
    (config.parent / "run").write_text("no folder")
    with serial_reader(config.parent), setup(config, "--mode", "setup") as running:
        assert running.stderr is not None
        shown = running.stderr.readline()  # no screen: told once it has begun
        running.send_signal(number)
        assert running.wait(PATIENCE_S) == 0
        shown += running.stderr.read()
    assert "oled: not there" in shown
    assert "run/mode: Not a directory" in shown
    assert "Traceback" not in shown
