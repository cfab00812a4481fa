"""A fleet against one mosquitto that is killed and started again, and a centre that proves all.

First under load and with the product's jitter; then, when every event is recorded, without
jitter, to see what that would do to the broker. What mosquitto lost by it, although it had
acknowledged it, the centre asks for again.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet_broker import FleetBroker
from fleet_host import MOST, Host, Load, Told
from fleet_keys import Authority
from fleet_station import Where
from fleet_storm import storm_of
from fleet_watch import Watching

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fleet_host import Standing
    from fleet_storm import Storm

_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen.

    Attributes:
        events: of each station, within `span_s` seconds; the broker is killed in the middle.
        down_s: for how long the broker is away, each time.
        limit_s: of each step.
        processes: how many hold the stations, at least.
        base_s: of the stations' backoff; as the product has it.
    """

    stations: int
    events: int
    span_s: float = 40.0
    down_s: float = 10.0
    tls: bool = True
    limit_s: float = 180.0
    processes: int = 2
    base_s: float = 1.0


@dataclass(slots=True)
class Found:
    """What came of it.

    Attributes:
        jitter: how the fleet came back; `without`: the same with every wait at its bound.
        recorded: events on the stations' cards; `kept`: events that the centre has.
        depth: events that no receipt covers; `failed`: stations that ended, and why.
        first, last: summaries of the watches, the last one until all was complete.
        took_s: of each step.
    """

    jitter: Storm
    without: Storm
    recorded: int
    depth: int
    failed: list[str]
    first: dict[str, Any]
    last: dict[str, Any]
    took_s: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return int(self.first["events"]) + int(self.last["events"])

    @property
    def duplicates(self) -> int:
        """Deliveries of an event beyond its first."""
        return int(self.first["duplicates"]) + int(self.last["duplicates"])

    def wrong(self) -> list[str]:
        """What did not hold, in words."""
        last = self.last
        stations = self.jitter.stations
        checks = {
            "not all stations came back within their bound": self.jitter.fine,
            f"{self.failed[:3]}": not self.failed,
            f"{self.recorded} recorded, {self.kept} at the centre": self.recorded == self.kept,
            f"{last['complete']} of {stations} complete": last["complete"] == stations,
            f"watch ended with {last['status']}": last["status"] == 0,
            f"{self.depth} not delivered": not self.depth,
        }
        for name in ("conflicts", "chain_broken", "invalid"):
            count = last[name] + self.first[name]
            checks[f"{name}: {count}"] = not count
        return [what for what, held in checks.items() if not held]


class Fleet:
    """The stations in their processes."""

    def __init__(self, hosts: Sequence[Host], plan: Plan) -> None:
        self._hosts = hosts
        self._plan = plan

    def all(self, word: str) -> list[Any]:
        """Say a word to every host; their answers."""
        for host in self._hosts:
            host.tell(word)
        return [host.answer() for host in self._hosts]

    def until(self, what: str, done: Callable[[Standing], bool], word: str = "") -> float:
        """Wait until all stations together stand so; how long it took, seconds."""
        begun = time.monotonic()
        while not done(self._sum(self.all(word or "how"))):
            if time.monotonic() - begun > self._plan.limit_s:
                raise GatepostError(f"waited {self._plan.limit_s:g} s in vain: {what}")
            threading.Event().wait(_LOOK_S)
        return time.monotonic() - begun

    @staticmethod
    def _sum(told: Sequence[Standing]) -> Standing:
        return type(told[0])(
            connected=sum(each.connected for each in told),
            recorded=sum(each.recorded for each in told),
            unsent=sum(each.unsent for each in told),
            pending=sum(each.pending for each in told),
        )

    def stop(self) -> Told:
        """Let them say farewell; what they tell."""
        whole = Told()
        for told in self.all("stop"):
            whole.attempts.update(told.attempts)
            whole.heads.extend(told.heads)
            whole.failed.extend(told.failed)
        for host in self._hosts:
            host.tell("bye")
        return whole


def run(folder: Path, plan: Plan, say: Callable[[str], None]) -> Found:
    """Do it. Raises GatepostError where something takes too long or dies."""
    authority = Authority(folder / "keys")
    broker = FleetBroker(
        folder, authority.ca, authority.issue("broker", server=True) if plan.tls else None
    )
    central = authority.issue("central")
    say(f"making the keys and spools of {plan.stations} stations")
    names = [f"gp-{number:04d}" for number in range(1, plan.stations + 1)]
    owners = [(name, authority.issue(name)) for name in names]
    where = Where(folder / "stations", broker.port, authority.ca, plan.tls, plan.base_s)
    watching = Watching(broker.port, authority.ca, central, plan.tls, folder)
    with ExitStack() as stack:
        stack.callback(broker.end)
        broker.start()
        watch = watching.start()
        stack.callback(watch.kill)
        hosts: list[Host] = []
        for part in _parts(owners, plan):
            hosts.append(Host(where, part, Load(plan.events, plan.span_s)))
            stack.callback(hosts[-1].end)
        for host in hosts:
            host.answer()  # it is ready
        stage = _Stage(Fleet(hosts, plan), broker, plan, say)
        stage.restarts()
        first = watch.end()
        say("the centre starts again, and asks for what the broker lost")
        again = watching.start("--until-complete", "--for", str(plan.limit_s))
        stack.callback(again.kill)
        begun = time.monotonic()
        last = again.wait(plan.limit_s + 10)
        stage.took_s["asking for the rest"] = time.monotonic() - begun
        return stage.found(first, last)


def _parts(owners: list[Any], plan: Plan) -> list[list[Any]]:
    count = max(plan.processes, -(-len(owners) // MOST))
    return [part for number in range(count) if (part := owners[number::count])]


class _Stage:
    """The steps."""

    def __init__(
        self, fleet: Fleet, broker: FleetBroker, plan: Plan, say: Callable[[str], None]
    ) -> None:
        self._fleet, self._broker, self._plan, self._say = fleet, broker, plan, say
        self._cuts: list[tuple[float, float]] = []
        self.took_s: dict[str, float] = {}

    def restarts(self) -> None:
        """Both restarts, and all that is recorded is acknowledged."""
        plan, fleet = self._plan, self._fleet
        everybody = plan.stations
        self._step("connecting", lambda now: now.connected == everybody)
        self._say(f"all {everybody} are connected; events come for {plan.span_s:g} s")
        fleet.all("go")
        threading.Event().wait(plan.span_s / 2 - plan.down_s / 2)
        self._restart("with jitter", lambda now: now.connected == everybody)
        self._step("recording", lambda now: now.recorded == everybody * plan.events)
        self._step("draining", lambda now: not now.unsent)
        fleet.all("no jitter")
        self._restart("without jitter", lambda now: now.connected == everybody and not now.pending)

    def _step(self, what: str, done: Callable[[Standing], bool]) -> None:
        self.took_s[what] = self._fleet.until(what, done)

    def _restart(self, how: str, done: Callable[[Standing], bool]) -> None:
        self._say(f"kill -9 of the broker, {how}; it comes back after {self._plan.down_s:g} s")
        killed = time.monotonic()
        self._broker.kill()
        threading.Event().wait(self._plan.down_s)
        self._broker.start()
        self._cuts.append((killed, self._broker.up_at))
        self._step(f"coming back {how}", done)

    def found(self, first: dict[str, Any], last: dict[str, Any]) -> Found:
        """Stop the fleet, and judge."""
        told = self._fleet.stop()
        jitter, without = (storm_of(told.attempts, *cut) for cut in self._cuts)
        return Found(
            jitter=jitter,
            without=without,
            recorded=sum(int(each.get("sequence", 0)) for each in told.heads),
            depth=sum(int(each.get("depth", 0)) for each in told.heads),
            failed=told.failed,
            first=first,
            last=last,
            took_s=self.took_s,
        )
