"""kill -9 of the daemon at random moments under load; we start it again, as systemd would."""

from __future__ import annotations

import random
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from feeding import STATION, Crowd, Feeder, configure
from kills_central import Central
from kills_green import Judgement, greens, judged, parsed
from kills_tied import tied

from gatepost.clock import boot_id
from gatepost.demo.authority import make_authority
from gatepost.demo.broker import demo_broker
from gatepost.demo.gun import Gun
from gatepost.spool import Spool

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from gatepost.demo.authority import AuthorityFiles

TURN_S = 0.02
_START_S = 40.0
_DRAIN_S = 120.0
_STOP_S = 15.0
_EARLY = 0.25  # the share of kills at any moment of its start, before the first visitor too
_LATEST_EARLY_S = 1.5


class Died(Exception):
    """The daemon did what it must not do by itself: end, or hang."""


class Daemon:
    """`gatepost run` on one configuration, again and again, with one log for all of its lives."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self.log = config.parent / "station.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._read = 0
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def spool(self) -> Path:
        """Where its spool lies."""
        return self.log.parent / "data" / "spool.db"

    def start(self) -> None:
        """A new life."""
        command = [sys.executable, "-m", "gatepost", "run", "--config", str(self._config)]
        with self.log.open("ab") as output:
            if output.tell():
                output.write(b"\n")  # a line that the kill cut short ends here
        self._read, self._rest = self.log.stat().st_size, b""
        self.process = tied(command, self.log)

    def kill(self) -> None:
        """kill -9, if it lives."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.process is not None
        self.process.terminate()
        status = self.process.wait(_STOP_S)
        self.process = None
        return status

    def new_lines(self) -> list[dict[str, Any]]:
        """What it logged since this was asked last. Raises Died when it ended by itself."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        if self.process is not None and self.process.poll() is not None:
            words = b"\n".join(whole[-5:]).decode("utf-8", "replace")
            raise Died(f"the daemon ended with status {self.process.returncode}:\n{words}")
        return [line for each in whole if (line := parsed(each))]

    def wait(self, done: Callable[[dict[str, Any]], bool], limit_s: float, what: str) -> None:
        """Wait for a line of this life's log. Raises Died."""
        until = time.monotonic() + limit_s
        while not any(done(line) for line in self.new_lines()):
            if time.monotonic() > until:
                said = self.log.read_bytes()[-1000:].decode("utf-8", "replace")
                raise Died(f"waited {limit_s:g} s in vain for {what}; the log ends:\n{said}")
            pause(TURN_S)

    def lit(self) -> None:
        """Wait until it shows a visitor the first light of this life. Raises Died."""
        self.wait(lambda line: line.get("message") == "lit", _START_S, "a light")

    def logged(self) -> Iterator[bytes]:
        """Every line of every life."""
        with self.log.open("rb") as log:
            yield from log


@dataclass(slots=True)
class Rig:
    """A station with one serial reader, its broker, a central server, and visitors at the door.

    Attributes:
        rate: codes a second.
        seed: of the moments and the visitors.
    """

    folder: Path
    rate: float = 30.0
    seed: int = 1
    files: AuthorityFiles = field(init=False)
    daemon: Daemon = field(init=False)
    central: Central = field(init=False)
    feeder: Feeder = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        rng = random.Random(self.seed)
        self.files = make_authority(self.folder / "keys", STATION)
        broker = self._stack.enter_context(demo_broker(self.folder, self.files))
        gun = self._stack.enter_context(Gun(self.folder / "reader"))
        config = configure(self.folder, self.files, broker.port, {"door": gun.link})
        self.central = Central(broker.port, self.files)
        self.central.come()
        self._stack.callback(self.central.go)
        self.daemon = self._stack.enter_context(Daemon(config))
        self.feeder = Feeder([gun.show], self.rate, rng, Crowd())
        self._stack.enter_context(self.feeder)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def kill_daemon(rig: Rig, kills: int, say: Callable[[str], None]) -> Judgement:
    """Kill it `kills` times, at once started again; then judge. Raises Died."""
    rng = random.Random(rig.seed + 1)
    early = 0
    begun = time.monotonic()
    for number in range(1, kills + 1):
        rig.daemon.start()
        if rng.random() < _EARLY:
            early += 1
            pause(rng.uniform(0.0, _LATEST_EARLY_S))
        else:
            rig.daemon.lit()
            pause(rng.uniform(0.0, 1.0))
            rig.daemon.new_lines()
        rig.daemon.kill()
        if number % 25 == 0 or number == kills:
            took = time.monotonic() - begun
            say(f"killed {number} times in {took:.0f} s; {len(rig.feeder.shown)} codes shown")
    finish(rig.daemon, rig.feeder, rig.central)
    facts = {"early": early, "seconds": round(time.monotonic() - begun, 1), "rate": rig.rate}
    return judge(rig.daemon, rig.feeder, rig.central, kills, facts)


def finish(daemon: Daemon, feeder: Feeder, central: Central) -> None:
    """Let it run once more until the centre can prove that it has everything, and stop it."""
    if daemon.process is None:
        daemon.start()
    daemon.lit()  # it still works
    feeder.stop()
    pause(1.0)  # what was shown is decided
    with Spool(daemon.spool) as spool:
        newest = spool.head().sequence
    central.wait(lambda c: c.tally(STATION)["events"] >= newest, _DRAIN_S)
    if daemon.stop() != 0:
        raise Died("it did not stop cleanly")
    central.wait(lambda c: c.proved_to(STATION, newest), 10)


def judge(
    daemon: Daemon, feeder: Feeder, central: Central, kills: int, facts: dict[str, Any]
) -> Judgement:
    """Compare what visitors saw with what is at the centre and on the card."""
    with Spool(daemon.spool) as spool:
        newest = spool.head().sequence
        facts["verified_on_card"] = spool.verify()
    seen = list(greens(daemon.logged(), boot_id()))
    return judged(kills, seen, feeder.shown, central, newest, facts)


def pause(seconds: float) -> None:
    """Wait."""
    threading.Event().wait(seconds)
