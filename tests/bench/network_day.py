"""A day offline at the rush hour: a spool is full of events when the broker is there again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from ground import SITE, STATION, memory_mb
from network_ground import Centre
from records import fill

from brokers import HOST, free_port, mosquitto
from dated import Fleet
from gatepost.central.findings import FindingKind
from gatepost.demo.daemon import daemon
from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles
    from gatepost.demo.daemon import Daemon

_SETTLE_S = 5.0
_READY_S = 60.0


@dataclass(frozen=True)
class Day:
    """What came of it; `before_mb` and `after_mb`: memory (RSS) of the daemon, 10^6 bytes."""

    events: int
    took_s: float
    before_mb: float
    after_mb: float
    most_mb: float
    duplicates: int

    def line(self) -> str:
        return (
            f"| a day offline: {self.events:,} events | drained in {self.took_s:.1f} s: "
            f"{self.events / self.took_s:,.0f}/s | daemon {self.before_mb:.1f} MB before, "
            f"{self.most_mb:.1f} at most, {self.after_mb:.1f} after | "
            f"{self.duplicates} duplicates |"
        )


def day_offline(folder: Path, events: int) -> Day:
    """The real daemon, without a broker, over a spool of `events`; then the broker comes.

    Raises AssertionError when the central server cannot prove that it has all of them.
    """
    folder.mkdir()
    files = Fleet(folder, STATION).files()
    fill(folder / "data", files, events)
    port = free_port()
    config = _configure(folder, files, port)
    with daemon(config, folder / "station.log", None) as station:
        _until_said(station, "broker not reached")
        _pause(_SETTLE_S)
        before = memory_mb(station.process.pid)["Rss"]
        extra = ["max_queued_messages 0"]
        with (
            mosquitto(folder, tls=files, port=port, extra=extra),
            Centre(files, HOST, port, station=STATION) as centre,
        ):
            _until_said(station, "broker connected")
            begun, most = time.monotonic(), before
            while not centre.until(lambda: len(centre.seen) >= events, 0.5):
                station.check()
                most = max(most, memory_mb(station.process.pid)["Rss"])
            took = time.monotonic() - begun
            _pause(_SETTLE_S)
            after = memory_mb(station.process.pid)["Rss"]
            station.stop()
            assert centre.until(lambda: centre.complete, 30), centre.kinds
            assert not centre.wrong, centre.wrong
            return Day(events, took, before, after, most, centre.count(FindingKind.DUPLICATE))


def _until_said(station: Daemon, message: str) -> None:
    until = time.monotonic() + _READY_S
    while not station.said(message):
        station.check()
        if time.monotonic() > until:
            raise GatepostError(f"waited in vain: {message}")
        _pause(0.1)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def _configure(folder: Path, files: AuthorityFiles, port: int) -> Path:
    frames = folder / "frames"
    frames.mkdir()
    cv2.imwrite(str(frames / "0.png"), np.full((720, 1280), 190, np.uint8))
    path = folder / "station.toml"
    path.write_text(
        f"""\
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
path = "{frames}"
fps = 1
loop = true
[log]
format = "json"
""",
        "utf-8",
    )
    return path
