"""A real daemon in a process of its own, for the tests of the whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import segno

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

PERSON = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|"
OTHER = "******509124|TRAN THI B|1990-**-**|0|QID7f31a3|"


def picture(text: str | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A frame with a code in its middle, or an empty one."""
    frame = np.full((720, 1280), 190, np.uint8)
    if text is not None:
        matrix = np.array(segno.make_qr(text, error="m").matrix, np.uint8)
        code = np.kron(255 - np.pad(matrix, 4) * 255, np.ones((5, 5), np.uint8)).astype(np.uint8)
        top, left = (720 - code.shape[0]) // 2, (1280 - code.shape[1]) // 2
        frame[top : top + code.shape[0], left : left + code.shape[1]] = code
    return frame


def film(folder: Path, *texts: str) -> Path:
    """Pictures for a replay at 10 frames a second: each code for 0.5 s, 2 s of nothing between."""
    folder.mkdir()
    frames = [picture(None)] * 5
    for text in texts:
        frames += [picture(text)] * 5 + [picture(None)] * 20
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:04}.png"), frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return folder


def configure(folder: Path, files: AuthorityFiles, port: int, frames: Path, more: str = "") -> Path:
    path = folder / "station.toml"
    path.write_text(f"""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "{files.station_certificate}"
key = "{files.station_key}"
[broker]
host = "127.0.0.1"
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
fps = 10
[log]
format = "json"
{more}
""")
    return path


@dataclass
class Station:
    """A running daemon with its log and what it told "systemd"."""

    process: subprocess.Popen[bytes]
    log: Path
    notify: socket.socket
    told: list[str] = field(default_factory=list)

    def hear(self, word: str) -> None:
        """Wait until it tells systemd `word`."""
        while word not in self.told:
            self.told.append(self.notify.recv(256).decode())

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines() if line.startswith("{")]

    def lines(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


@contextmanager
def station(config: Path) -> Iterator[Station]:
    """`gatepost run` until the block ends."""
    address = config.parent / "notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(address))
        notify.settimeout(20)
        log = config.parent / "station.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gatepost", "run", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "NOTIFY_SOCKET": str(address)},
            )
        try:
            yield Station(process, log, notify)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)
