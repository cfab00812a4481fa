"""A broker for the demo: mosquitto where it is installed, else amqtt (MQTT 3.1.1) from PyPI.

mosquitto gets two listeners on the loopback: one with mutual TLS, for the station and the
central server, and one in the clear that anybody on this computer may read and nobody write.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

HOST = "127.0.0.1"
_WATCH_PORT = 1883
_READY_S = 20.0
_AMQTT = """\
import asyncio, sys
from amqtt.broker import Broker

async def main():
    port, certificate, key, ca = sys.argv[1:5]
    tls = {"ssl": True, "certfile": certificate, "keyfile": key, "cafile": ca}
    await Broker({
        "listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:" + port} | tls},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


class BrokerProcess:
    """The broker's process; it can be killed and started again at the same place."""

    def __init__(self, command: list[str], log: Path, port: int) -> None:
        self._command, self._log, self._port = command, log, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens. Raises BrokerError."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        _wait_for(self._process, self._log, self._port)

    def kill(self) -> None:
        """End it at once, as if its machine had lost its power: nothing is written any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """Let it come to its end."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """Where it listens: `port` with TLS; `watch_port` in the clear, to look on, or 0."""

    name: str
    port: int
    watch_port: int
    process: BrokerProcess


def find_mosquitto() -> str | None:
    """Where mosquitto is; Debian keeps it where a user's PATH does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


MOSQUITTO = find_mosquitto()


@contextmanager
def demo_broker(
    folder: Path, files: AuthorityFiles, watch_port: int = 0, program: str | None = MOSQUITTO
) -> Iterator[RunningBroker]:
    """A broker for as long as the block runs: mosquitto by its `program`, or None for amqtt.

    Raises BrokerError when none can be started.
    """
    port = free_port()
    if program:
        watch = watch_port or (_WATCH_PORT if is_free(_WATCH_PORT) else free_port())
        config = folder / "mosquitto.conf"
        config.write_text(_configuration(folder, files, port, watch), "utf-8")
        command, name = [program, "-c", str(config)], "mosquitto"
    elif importlib.util.find_spec("amqtt"):
        script = folder / "amqtt_broker.py"
        script.write_text(_AMQTT, "utf-8")
        keys = [str(each) for each in (files.broker_certificate, files.broker_key, files.ca)]
        command = [sys.executable, str(script), str(port), *keys]
        name, watch = "amqtt (MQTT 3.1.1)", 0
    else:
        raise BrokerError(
            "no broker found: install mosquitto (apt install mosquitto, brew install mosquitto), "
            "or amqtt (pip install amqtt)"
        )
    process = BrokerProcess(command, folder / "broker.log", port)
    try:
        process.start()
        yield RunningBroker(name, port, watch, process)
    finally:
        process.end()


def _wait_for(process: subprocess.Popen[bytes], log: Path, port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    said = log.read_text("utf-8", "replace")[-2000:]
    raise BrokerError(f"the broker does not start; it said:\n{said}")


def _configuration(folder: Path, files: AuthorityFiles, port: int, watch_port: int) -> str:
    central, lookers = folder / "acl-tls", folder / "acl-watch"
    central.write_text(
        "user central\ntopic read gatepost/#\ntopic write gatepost/v1/+/+/command/#\n"
        "topic write gatepost/v1/+/+/desired/#\n\npattern write gatepost/v1/+/%u/#\n"
        "pattern read gatepost/v1/+/%u/command/#\npattern read gatepost/v1/+/%u/desired/#\n"
        "pattern read gatepost/v1/+/_all/desired/#\n",
        "utf-8",
    )
    lookers.write_text("topic read gatepost/#\n", "utf-8")
    for path in (central, lookers):
        path.chmod(0o700)  # newer mosquittos insist
    user = ["user root"] if os.geteuid() == 0 else []  # else it drops to one who cannot read
    return "\n".join(
        [
            *user,
            "per_listener_settings true",
            "persistence false",
            "log_dest stderr",
            f"listener {watch_port} {HOST}",
            "allow_anonymous true",
            f"acl_file {lookers}",
            f"listener {port} {HOST}",
            f"cafile {files.ca}",
            f"certfile {files.broker_certificate}",
            f"keyfile {files.broker_key}",
            "require_certificate true",
            "use_identity_as_username true",
            f"acl_file {central}",
            "",
        ]
    )


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of the loopback at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
