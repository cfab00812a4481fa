"""What every bench stands on: a folder, brokers, the real daemon, and what /proc tells of it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from report import broker_program

from gatepost.demo.authority import make_authority
from gatepost.demo.broker import HOST, BrokerProcess, demo_broker, free_port
from gatepost.demo.daemon import daemon
from gatepost.demo.subscriber import Subscriber
from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatepost.demo.authority import AuthorityFiles
    from gatepost.demo.daemon import Daemon

STATION, SITE = "gp-bench-1", "bench"
TURN_S = 0.05
READY_S = 30.0
# gpiozero's own stand-in for the pins: the lamp's driver and gpiozero's RGBLED are the real ones.
_PINS = {"GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}


@dataclass(frozen=True)
class Ground:
    """Where a bench keeps its files, whether it is to be short, and how it tells its progress."""

    folder: Path
    quick: bool
    say: Callable[[str], None]

    def room(self, name: str) -> Path:
        """An empty folder within the folder."""
        path = self.folder / name
        path.mkdir(parents=True)
        return path


@dataclass(frozen=True)
class Running:
    """A daemon that works, its broker, and a central server that listens."""

    station: Daemon
    subscriber: Subscriber

    @property
    def pid(self) -> int:
        return self.station.process.pid

    def wait(self, done: Callable[[], bool], limit_s: float, what: str) -> None:
        """Wait until `done`. Raises GatepostError when the daemon ends or it takes too long."""
        until = time.monotonic() + limit_s
        while not done():
            self.station.check()
            if time.monotonic() > until:
                raise GatepostError(f"waited {limit_s:g} s in vain: {what}")
            pause(TURN_S)

    def wait_said(self, message: str, limit_s: float) -> None:
        """Wait for a line of the log."""
        self.wait(lambda: bool(self.station.said(message)), limit_s, message)


@contextmanager
def running(folder: Path, clip: Path, *, loop: bool = False) -> Iterator[Running]:
    """The real daemon before `clip`, delivering over TLS to a broker with a central server."""
    files = make_authority(folder / "keys", STATION)
    with demo_broker(folder, files) as broker:
        config = folder / "station.toml"
        config.write_text(_configuration(files, broker.port, clip, loop=loop), "utf-8")
        os.environ.update(_PINS)
        with (
            Subscriber(HOST, broker.port, files) as subscriber,
            daemon(config, folder / "station.log", None) as station,
        ):
            works = Running(station, subscriber)
            works.wait_said("replay started", READY_S)
            works.wait_said("broker connected", READY_S)
            yield works


def _configuration(files: AuthorityFiles, port: int, clip: Path, *, loop: bool) -> str:
    return f"""\
[station]
id = "{STATION}"
site = "{SITE}"
data = "data"
certificate = "{files.station_certificate}"
key = "{files.station_key}"
[broker]
host = "{HOST}"
port = {port}
ca = "{files.ca}"
[spool]
allow_volatile = true
[central]
sealing_key = "{files.sealing_public}"
[[reader]]
type = "frames"
name = "door"
direction = "auto"
path = "{clip}"
loop = {str(loop).lower()}
[lamp]
red = 17
green = 27
blue = 22
[log]
format = "json"
"""


@contextmanager
def plain_broker(folder: Path) -> Iterator[int]:
    """mosquitto without TLS on the loopback; gives its port."""
    port = free_port()
    config = folder / "mosquitto.conf"
    told = ["persistence false", "log_dest stderr", "log_type error", f"listener {port} {HOST}"]
    user = ["user root"] if os.geteuid() == 0 else []
    config.write_text("\n".join([*user, *told, "allow_anonymous true", ""]), "utf-8")
    broker = BrokerProcess([broker_program(), "-c", str(config)], folder / "broker.log", port)
    try:
        broker.start()
        yield port
    finally:
        broker.end()


def pause(seconds: float) -> None:
    """Wait."""
    threading.Event().wait(seconds)


def cpu_s(pid: int) -> float:
    """Processor time of all threads of a process so far, user and system, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> dict[str, float]:
    """RSS and PSS of a process, MB (10^6 bytes)."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    found = {row.split(":")[0]: row.split() for row in rows[1:]}
    return {name: int(found[name][1]) * 1024 / 1e6 for name in ("Rss", "Pss")}
