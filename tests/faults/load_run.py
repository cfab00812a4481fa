"""A rush: four serial readers at once, and a broker that goes away and comes back meanwhile."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feeding import STATION, Crowd, Feeder, configure
from kills_broker import Mortal
from kills_central import Central
from kills_daemon import Daemon, finish, judge, pause

from gatepost.demo.authority import make_authority
from gatepost.demo.gun import Gun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import Self

    from kills_green import Judgement

    from gatepost.demo.authority import AuthorityFiles

_SHARES = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
READERS = ("north", "east", "south", "west")
_TURN_S = 1.0
_AWAY_S = 20.0  # how long the broker is gone each time


@dataclass(slots=True)
class LoadRig:
    """A station with four readers, its broker, a central server, and visitors.

    Attributes:
        rate: codes a second, all readers together.
        seed: of the visitors.
    """

    folder: Path
    rate: float = 10.0
    seed: int = 1
    files: AuthorityFiles = field(init=False)
    broker: Mortal = field(init=False)
    daemon: Daemon = field(init=False)
    central: Central = field(init=False)
    feeder: Feeder = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.files = make_authority(self.folder / "keys", STATION)
        self.broker = Mortal(self.folder, self.files)
        self.broker.start()
        self._stack.callback(self.broker.kill)
        guns = {name: enter(Gun(self.folder / name)) for name in READERS}
        links = {name: gun.link for name, gun in guns.items()}
        config = configure(self.folder, self.files, self.broker.port, links)
        self.central = Central(self.broker.port, self.files)
        self.central.come()
        self._stack.callback(self.central.go)
        self.daemon = enter(Daemon(config))
        show = [gun.show for gun in guns.values()]
        self.feeder = Feeder(show, self.rate, random.Random(self.seed), Crowd())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@dataclass(slots=True)
class Lights:
    """What the log told of lights: how long each verdict took, and what else was said."""

    after_ms: list[float] = field(default_factory=list)
    again: int = 0
    warnings: dict[str, int] = field(default_factory=dict)

    def take(self, lines: Iterable[dict[str, Any]]) -> None:
        """Some lines of the log."""
        for line in lines:
            if line.get("message") == "lit" and line["cue"] == "again":
                self.again += 1
            elif line.get("message") == "lit" and line["cue"] != "pending":
                self.after_ms.append(line["after_ms"])
            elif line.get("level") in {"warning", "error"}:
                told = str(line.get("message"))
                self.warnings[told] = self.warnings.get(told, 0) + 1

    def told(self) -> dict[str, Any]:
        """For the report."""
        return {
            "lights": len(self.after_ms),
            "light_ms": {name: self.percentile(share) for name, share in _SHARES.items()},
            "again": self.again,
            "warnings": self.warnings,
        }

    def percentile(self, share: float) -> float:
        """Milliseconds within which `share` of the lights came."""
        ordered = sorted(self.after_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(slots=True)
class Outages:
    """When the broker is away: `times`, evenly within `seconds`."""

    broker: Mortal
    seconds: float
    times: int
    _due: list[float] = field(init=False)
    _back: float | None = None

    def __post_init__(self) -> None:
        part = self.seconds / max(1, self.times)
        self._due = [part * (number + 0.5) for number in range(self.times)]

    def turn(self, passed_s: float) -> None:
        """Take it away or bring it back, where it is time for it."""
        if self._back is not None and passed_s >= self._back:
            self.over()
        elif self._due and passed_s >= self._due[0]:
            self._due.pop(0)
            self.broker.stop()
            self._back = passed_s + min(_AWAY_S, self.seconds / self.times / 3)

    def over(self) -> None:
        """It is there again."""
        if self._back is not None:
            self._back = None
            self.broker.start()


def run_load(
    rig: LoadRig, seconds: float, times: int, say: Callable[[str], None], look: Callable[[], None]
) -> Judgement:
    """Let them come for so long, the broker away `times` times; then judge. Raises Died.

    `look` is called about once a second, to measure.
    """
    lights, outages = Lights(), Outages(rig.broker, seconds, times)
    rig.daemon.start()
    rig.daemon.wait(lambda line: line.get("message") == "broker connected", 40, "the broker")
    begun = time.monotonic()
    with rig.feeder:
        minute = 1
        while (passed := time.monotonic() - begun) < seconds:
            outages.turn(passed)
            lights.take(rig.daemon.new_lines())
            look()
            if passed >= 60 * minute:
                say(f"{minute} minutes: {len(lights.after_ms)} lights")
                minute += 1
            pause(_TURN_S)
        outages.over()
        lights.take(rig.daemon.new_lines())
        finish(rig.daemon, rig.feeder, rig.central)
    facts = {"seconds": round(time.monotonic() - begun, 1), **lights.told()}
    return judge(rig.daemon, rig.feeder, rig.central, times, facts)
