"""The kit as whoever writes a central server meets it: its names, and the README's example."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gatepost.central
from brokers import Running, mosquitto, needs_mosquitto
from contract.sending import Station
from contract.stand_in import StandIn, body_of
from gatepost.demo.authority import make_authority

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = """\
import sqlite3
from pathlib import Path
from gatepost.central import FindingKind, Keeper, Session, Signer, State, Tls, load_certificates

ca, certificate, key = Path("ca.pem"), Path("central.pem"), Path("central.key")
store = sqlite3.connect("events.db")
store.execute("CREATE TABLE IF NOT EXISTS event (id PRIMARY KEY, wall_us, body)")
tls = Tls(ca, certificate, key)
session = Session("mqtt.example", 8883, client_id="central", tls=tls, persistent=True, manual=True)
with session, State(Path("central.db")) as state:
    keeper = Keeper(session, load_certificates(ca), state, signer=Signer(certificate, key))
    while True:
        for found in keeper.findings(1.0):
            if found.kind is FindingKind.EVENT:
                row = (f"{found.source}/{found.epoch}-{found.sequence}", found.wall_us, found.body)
                store.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row)
            elif found.kind is not FindingKind.DUPLICATE:
                print(found.kind, found.source, found.sequence, found.detail)
        store.commit()
        keeper.settle()  # they are stored: the broker may forget them, stations get a receipt
"""
BLOCKED = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BANNED:
            raise ImportError(f"{name} is not a central server's")
BANNED = {"numpy", "cv2", "zxingcpp", "zbar", "gpiozero", "lgpio", "luma", "PIL", "serial", "segno",
          "amqtt", "yaml", "hypothesis", "pytest"}
sys.meta_path.insert(0, Nothing())
import gatepost.central as kit
for name in kit.__all__:
    getattr(kit, name)
import gatepost.central.cli
station = [each for each in sys.modules if each.startswith("gatepost.")]
for name in ("spool", "decoding", "drivers", "gate", "config", "codes", "reading", "uplink"):
    assert f"gatepost.{name}" not in station, name
"""


def test_the_kit_needs_no_station_library() -> None:
    subprocess.run([sys.executable, "-c", BLOCKED], check=True, timeout=50)


def test_every_public_name_is_there_and_no_other() -> None:
    for name in gatepost.central.__all__:
        assert getattr(gatepost.central, name) is not None
        assert name in dir(gatepost.central)
    with pytest.raises(AttributeError, match="no attribute 'Missing'"):
        gatepost.central.Missing  # noqa: B018 - asked for, not used


def test_importing_the_kit_loads_nothing_yet() -> None:
    code = "import sys, gatepost.central; assert 'paho' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)


def test_the_example_is_the_readme_s() -> None:
    page = README.read_text("utf-8")
    if "Keeper" not in page:
        pytest.skip("the README has no example of a Keeper yet")
    assert f"```python\n{EXAMPLE}```" in page
    assert len(EXAMPLE.splitlines()) <= 20


@contextmanager
def central(folder: Path, broker: Running) -> Iterator[subprocess.Popen[str]]:
    """The very text of the example, in a folder of its own; only the broker is another."""
    text = EXAMPLE.replace('"mqtt.example", 8883', f'"localhost", {broker.port}')
    assert text != EXAMPLE
    command = [sys.executable, "-u", "-c", text]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@needs_mosquitto
def test_the_readme_s_example_keeps_every_event_over_a_kill(tmp_path: Path) -> None:
    files = make_authority(tmp_path / "pki", "st-1")
    folder = tmp_path / "central"
    folder.mkdir()
    for name, path in (
        ("ca.pem", files.ca),
        ("central.pem", files.central_certificate),
        ("central.key", files.central_key),
    ):
        (folder / name).write_bytes(path.read_bytes())
    station = Station()
    messages = station.visitors(9)
    with mosquitto(tmp_path, tls=files) as broker, StandIn(station, files) as stand_in:
        with central(folder, broker):
            stand_in.connect(broker.port, files)
            stand_in.send(messages[:3])
            stand_in.send([*messages[5:8], station.checkpoint(files)])
            stand_in.until(lambda it: 10 in it.receipted)
        stand_in.send([*station.visitors(3), station.checkpoint(files)])
        with central(folder, broker):
            stand_in.until(lambda it: 13 in it.receipted and len(it.receipted) == 1)
    store = sqlite3.connect(folder / "events.db")
    rows = store.execute("SELECT body FROM event").fetchall()
    store.close()
    assert sorted(rows) == sorted((body_of(each),) for each in station.sent)
