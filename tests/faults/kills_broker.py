"""kill -9 of the broker right after its acknowledgements, while the central server is away.

What mosquitto acknowledged it had for the central server's lasting session, in memory alone: it
is gone with it. So this makes gaps, and shows who closes them.
"""

from __future__ import annotations

import os
import random
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feeding import STATION, Crowd, Feeder, configure
from kills_central import Central
from kills_daemon import Daemon, Died, judge, pause
from kills_proxy import Line
from kills_tied import tied

from gatepost.demo.authority import make_authority
from gatepost.demo.broker import MOSQUITTO, is_free
from gatepost.demo.gun import Gun
from gatepost.spool import Spool

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from kills_green import Judgement

    from gatepost.demo.authority import AuthorityFiles

_HOST = "127.0.0.1"
_SERVERS = (20_000, 32_000)
_READY_S = 20.0
_ACKNOWLEDGED_S = 60.0
_MOST_EVENTS = 15
_STAYS, _MOST_ASKED = 0.2, 250  # a keeper waits 3 s before it asks


def lasting_port() -> int:
    """A free port that stays so while the broker is away.

    Not one of those that the kernel gives to clients: one that tries again and again to reach a
    port of its own range, where nobody listens, is some day given that very port.
    """
    while True:
        port = random.randrange(*_SERVERS)
        if is_free(port):
            return port


@dataclass(slots=True)
class Mortal:
    """mosquitto with its persistence on, to be ended and started again.

    Attributes:
        files: for mutual TLS; None: in the clear.
    """

    folder: Path
    files: AuthorityFiles | None = None
    port: int = field(default_factory=lasting_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections. Raises Died."""
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join([*self._configuration(), ""]), "utf-8")
        command = [MOSQUITTO or "mosquitto", "-c", str(config)]
        self.process = tied(command, self.folder / "broker.log")
        until = time.monotonic() + _READY_S
        while not self._takes():
            if self.process.poll() is not None or time.monotonic() > until:
                said = (self.folder / "broker.log").read_text("utf-8", "replace")[-500:]
                raise Died(f"the broker does not start:\n{said}")
            pause(0.01)

    def _configuration(self) -> list[str]:
        lines = ["persistence true", f"persistence_location {self.folder}/", "log_dest stderr"]
        lines += ["user root"] if os.geteuid() == 0 else []  # else it drops to a user of its own
        lines += ["max_queued_messages 0", f"listener {self.port} {_HOST}"]
        if self.files is None:
            return [*lines, "allow_anonymous true"]
        return [
            *lines,
            f"cafile {self.files.ca}",
            f"certfile {self.files.broker_certificate}",
            f"keyfile {self.files.broker_key}",
            "require_certificate true",
            "use_identity_as_username true",
        ]

    def stop(self) -> None:
        """SIGTERM: it writes down what it has, and ends."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(_READY_S)
            self.process = None

    def kill(self) -> None:
        """kill -9, if it lives."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _takes(self) -> bool:
        try:
            with socket.create_connection((_HOST, self.port), 1):
                return True
        except OSError:
            return False


@dataclass(slots=True)
class BrokerRig:
    """A station, a broker that dies, a line between them that counts, and a central server.

    Attributes:
        rate: codes a second.
        seed: of the moments and the visitors.
        asking: whether the central server asks for what lacks, and gives the station receipts,
            which alone count there as delivered.
        closed_s: the longest time within which the last gap must be closed.
    """

    folder: Path
    rate: float = 30.0
    seed: int = 1
    asking: bool = True
    closed_s: float = 60.0
    files: AuthorityFiles = field(init=False)
    broker: Mortal = field(init=False)
    line: Line = field(init=False)
    daemon: Daemon = field(init=False)
    central: Central = field(init=False)
    feeder: Feeder = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.files = make_authority(self.folder / "keys", STATION)
        self.broker = Mortal(self.folder)
        self.broker.start()
        self._stack.callback(self.broker.kill)
        self.line = enter(Line(self.broker.port))
        gun = enter(Gun(self.folder / "reader"))
        config = configure(
            self.folder,
            self.files,
            self.line.port,
            {"door": gun.link},
            tls=False,
            confirm="central" if self.asking else "broker",
        )
        keep = self.folder / "central.db" if self.asking else None
        self.central = Central(self.broker.port, self.files, tls=False, keep=keep)
        self.central.come()  # so that its session is there to lose
        self._stack.callback(self.central.go)
        self.daemon = enter(Daemon(config))
        rng = random.Random(self.seed)
        self.feeder = enter(Feeder([gun.show], self.rate, rng, Crowd()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def kill_broker(rig: BrokerRig, kills: int, say: Callable[[str], None]) -> Judgement:
    """Kill it `kills` times right after an acknowledgement; then judge. Raises Died."""
    rng = random.Random(rig.seed + 1)
    begun = time.monotonic()
    rig.daemon.start()
    rig.daemon.lit()
    for number in range(1, kills + 1):
        if rng.random() < _STAYS:  # it may ask; and leave in the midst of what it asked for
            rig.line.wait(rig.line.acknowledged + rng.randint(1, _MOST_ASKED), _ACKNOWLEDGED_S)
        rig.central.go()
        wanted = rig.line.acknowledged + rng.randint(1, _MOST_EVENTS)
        if not rig.line.wait(wanted, _ACKNOWLEDGED_S):
            raise Died(f"no acknowledgement within {_ACKNOWLEDGED_S:g} s")
        rig.broker.kill()
        rig.daemon.new_lines()
        rig.broker.start()
        rig.central.come()
        if number % 10 == 0 or number == kills:
            took = time.monotonic() - begun
            asked = rig.central.replayed
            say(f"killed {number} times in {took:.0f} s; {asked} events came on asking")
    _finish(rig)
    facts: dict[str, Any] = {
        "seconds": round(time.monotonic() - begun, 1),
        "acknowledged": rig.line.acknowledged,
        "came_on_asking": rig.central.replayed,
    }
    return judge(rig.daemon, rig.feeder, rig.central, kills, facts)


def _finish(rig: BrokerRig) -> None:
    """Nobody comes any more; wait until nothing lacks, as far as somebody closes the gaps."""
    rig.daemon.lit()
    rig.feeder.stop()
    pause(1.0)
    with Spool(rig.daemon.spool) as spool:
        newest = spool.head().sequence
    rig.central.wait(lambda c: c.last_sequence(STATION) >= newest, rig.closed_s)
    _stop(rig.daemon)  # its last checkpoint tells what lacks
    if rig.asking:
        rig.daemon.start()
        rig.central.wait(lambda c: c.proved_to(STATION, newest), rig.closed_s)
        _stop(rig.daemon)
    rig.central.wait(lambda c: c.states[-1:] == ["offline"], 10)


def _stop(daemon: Daemon) -> None:
    if daemon.stop() != 0:
        raise Died("it did not stop cleanly")
