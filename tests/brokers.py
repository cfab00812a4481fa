"""Real MQTT brokers for tests, each on a free port of the loopback, gone when the test is.

    with mosquitto(tmp_path) as broker:                  # plain, anonymous, MQTT 5 and 3.1.1
    with mosquitto(tmp_path, tls=authority) as broker:   # mutual TLS; the name is the CN
    with amqtt_broker(tmp_path) as broker:               # MQTT 3.1.1 only

`broker.stop()` ends one early; the same `port` given again starts it at the same place.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

    Command = Callable[[int], list[str]]

HOST = "127.0.0.1"
READY_S = 20.0
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")

_AMQTT = """
import asyncio, sys
from amqtt.broker import Broker

async def main():
    config = {
        "listeners": {"default": {"type": "tcp", "bind": sys.argv[1]}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    await Broker(config).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass(frozen=True)
class Running:
    """A broker that runs. `log` is the file with what it said."""

    host: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it and wait until it is gone; may be called twice."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def mosquitto(
    folder: Path, tls: AuthorityFiles | None = None, port: int = 0, extra: Sequence[str] = ()
) -> Iterator[Running]:
    """Debian's broker; `extra` lines are added to its configuration."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    program: str = MOSQUITTO

    def command(chosen: int) -> list[str]:
        config = folder / f"mosquitto-{chosen}.conf"
        lines = _configuration(chosen, tls)
        if not any(line.startswith("persistence ") for line in extra):
            lines.insert(0, "persistence false")
        config.write_text("\n".join([*lines, *extra, ""]), "utf-8")
        return [program, "-c", str(config)]

    with _running(folder / "mosquitto.log", command, port) as broker:
        yield broker


@contextmanager
def mosquitto_at(
    folder: Path, namespace: str, host: str, port: int, tls: AuthorityFiles | None = None
) -> Iterator[Running]:
    """The same in a network namespace, at `host`; whether it answers is not waited for."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    config = folder / "mosquitto.conf"
    lines = ["persistence false", *_configuration(port, tls, host), "max_queued_messages 0", ""]
    config.write_text("\n".join(lines), "utf-8")
    command = ["ip", "netns", "exec", namespace, MOSQUITTO, "-c", str(config)]
    log = folder / "mosquitto.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    running = Running(host, port, log, process)
    try:
        _wait_for(log, "running")
        yield running
    finally:
        running.stop()


def _wait_for(log: Path, word: str) -> None:
    deadline = time.monotonic() + READY_S
    while word not in log.read_text("utf-8", "replace"):
        assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
        threading.Event().wait(0.01)


def _configuration(port: int, tls: AuthorityFiles | None, host: str = HOST) -> list[str]:
    lines = ["log_dest stderr", "log_type all", "max_keepalive 65535"]
    if os.geteuid() == 0:  # else it drops to a user who cannot read the certificates
        lines.append("user root")
    lines.append(f"listener {port} {host}")
    if tls is None:
        return [*lines, "allow_anonymous true"]
    return [
        *lines,
        f"cafile {tls.ca}",
        f"certfile {tls.broker_certificate}",
        f"keyfile {tls.broker_key}",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
    ]


@contextmanager
def amqtt_broker(folder: Path, port: int = 0) -> Iterator[Running]:
    """PyPI's amqtt, in a process of its own: it speaks MQTT 3.1.1 only."""
    script = folder / "run_amqtt.py"
    script.write_text(_AMQTT, "utf-8")

    def command(chosen: int) -> list[str]:
        return [sys.executable, str(script), f"{HOST}:{chosen}"]

    with _running(folder / "amqtt.log", command, port) as broker:
        yield broker


@contextmanager
def _running(log: Path, command: Command, port: int) -> Iterator[Running]:
    broker = _start(log, command, port)
    try:
        yield broker
    finally:
        broker.stop()


def _start(log: Path, command: Command, port: int) -> Running:
    for _ in range(1 if port else 3):  # somebody may take a free port before the broker does
        chosen = port or free_port()
        with log.open("ab") as output:
            process = subprocess.Popen(
                command(chosen), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        broker = Running(HOST, chosen, log, process)
        if _ready(broker):
            return broker
        broker.stop()
    raise AssertionError(f"the broker did not start:\n{log.read_text('utf-8', 'replace')}")


def _ready(broker: Running) -> bool:
    """Wait until it takes connections; False when it ended or took too long."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((broker.host, broker.port), timeout=1):
                return broker.process.poll() is None
        except OSError:
            pass
        try:
            broker.process.wait(0.01)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


@contextmanager
def server(answer: bytes, *, close: bool, reads: int = 1, more: bytes = b"") -> Iterator[int]:
    """A server that reads CONNECT, says `answer` to each caller, and closes or stays silent.

    With `reads` of 2 it takes one packet more, and says `more`, before it closes.
    """
    with socket.create_server((HOST, 0)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                    caller.recv(1024)
                    caller.sendall(answer)
                    for _ in range(reads - 1):
                        caller.recv(1024)
                        caller.sendall(more)
                except OSError:
                    return
                held.append(caller)
                if close:
                    caller.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for each in held:
                each.close()
