"""One run of the virtual station with its devices: the steps in their order, each told at once."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import device_faults as faults
import device_steps as steps
from device_disk import disks, read_back
from device_machine import DeviceMachine
from device_root import device_root
from device_station import Station, Wrong, host_s
from feeding import STATION
from guest_root import GuestError
from kills_central import Central
from kills_green import greens, judged

from gatepost.demo.authority import make_authority
from gatepost.demo.broker import demo_broker
from gatepost.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from device_station import Step

_DRAIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went: why it failed, or ""; its figures; how long it took, seconds."""

    name: str
    failed: str
    figures: dict[str, Any]
    seconds: float

    def words(self) -> str:
        """In one line."""
        told = self.failed or ", ".join(f"{key} {value}" for key, value in self.figures.items())
        return f"{'FAILED' if self.failed else 'ok':7}{self.name:11}{self.seconds:6.1f} s  {told}"


@dataclass(slots=True)
class Found:
    """What a run found, step by step; `good` when every step held; how long it took, seconds."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether there was a step, and none failed."""
        return bool(self.outcomes) and not any(each.failed for each in self.outcomes)

    def told(self) -> dict[str, Any]:
        """For a machine."""
        steps = [asdict(each) for each in self.outcomes]
        return {"good": self.good, "seconds": self.seconds, "steps": steps}


# In this order: each leaves the station running, but for the last, which ends the machine.
STEPS: dict[str, Step] = {
    "installed": steps.installed,
    "sandbox": steps.sandbox,
    "keyboard": steps.keyboard,
    "diacritics": steps.diacritics,
    "serial": steps.serial,
    "together": steps.together,
    "flood": steps.flooded,
    "replug": steps.replugged,
    "latency": steps.measured,
    "outputs": steps.outputs,
    "screen": steps.screen,
    "button": steps.button,
    "status": steps.asked,
    "memory": steps.memory,
    "killed": faults.killed,
    "stopped": faults.stopped,
    "starved": faults.starved,
    "hung": faults.hung,
    "poor": faults.poor,
    "cameras": faults.cameras,
    "reset": faults.reset,
    "cut": faults.cut,
    "frozen": faults.frozen,
}


def run_device(
    folder: Path, only: Sequence[str], soak_s: float, say: Callable[[str], None]
) -> Found:
    """Run the steps named in `only`, or all. Raises GuestError where the rig itself fails."""
    system = device_root(say)
    files = make_authority(folder / "keys", STATION)
    found, begun = Found(), time.monotonic()
    with ExitStack() as stack:
        broker = stack.enter_context(demo_broker(folder, files))
        say("installing this checkout on the station's disk")
        system_disk, data_disk = disks(system, folder, files, broker.port)
        central = Central(broker.port, files)
        central.come()
        stack.callback(central.go)
        machine = DeviceMachine(system, system_disk, data_disk, folder)
        stack.enter_context(machine)
        station = Station(machine, central, broker.port)
        for name, step in _chosen(only, soak_s, folder):
            outcome = _tried(name, step, station)
            found.outcomes.append(outcome)
            say(outcome.words())
            if outcome.failed and (name == "boot" or not _recovered(station, say)):
                break
    found.seconds = host_s(begun)
    return found


def _chosen(only: Sequence[str], soak_s: float, folder: Path) -> Iterator[tuple[str, Step]]:
    yield "boot", booted
    wanted = {*only, *(["hung"] if "poor" in only else [])}  # which brings it there
    for name, step in STEPS.items():
        if not only or name in wanted:
            yield name, step
        if name == "memory" and soak_s:
            yield "soak", partial(steps.soaked, seconds=soak_s)
    yield "delivered", partial(delivered, folder=folder)


def _tried(name: str, step: Step, station: Station) -> Outcome:
    begun = time.monotonic()
    try:
        figures, failed = step(station), ""
    except (Wrong, GuestError) as error:
        figures, failed = {}, str(error)
    return Outcome(name, failed, figures, host_s(begun))


def _recovered(station: Station, say: Callable[[str], None]) -> bool:
    """After a step that failed: the station as the next one wants it; False where it cannot be."""
    try:
        if station.machine.process is None or station.machine.process.poll() is not None:
            station.machine.cut()
            since = station.mark()
            station.machine.start()
            station.up(since=since)
        else:
            station.configure()
            for reader in ("keyboard", "serial"):
                station.machine.ask("plug", reader=reader)
            station.restart()
    except GuestError as error:
        say(f"the station cannot be used any more: {error}")
        return False
    station.forgive()
    return True


def booted(station: Station) -> dict[str, Any]:
    """From power to a daemon that is READY and has its readers."""
    begun = time.monotonic()
    station.machine.start()
    station.up()
    unit = station.unit("ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic")
    ready, started = (int(unit[name]) / 1e6 for name in (
        "ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic"))  # fmt: skip
    return {
        "power_to_readers_s": host_s(begun),
        "kernel_to_ready_s": round(ready, 1),
        "daemon_to_ready_s": round(ready - started, 1),
    }


def delivered(station: Station, folder: Path) -> dict[str, Any]:
    """Off, if it is not; then every light is at the centre, once, in a chain that verifies."""
    if not station.settled():
        raise Wrong("not every code that got a light is at the centre")
    if station.machine.process is not None:
        station.machine.leave("poweroff", _DRAIN_S)
    station.central.wait(lambda c: c.complete(STATION), 10)
    with Spool(read_back(station.machine.disk("data"), folder) / "spool.db") as spool:
        newest, kept = spool.head().sequence, spool.verify()
    seen = list(greens(station.machine.for_greens()))
    judgement = judged(0, seen, station.shown, station.central, newest, {"kept": kept})
    if not judgement.good:
        raise Wrong(judgement.words())
    return {
        "greens": judgement.green, "events": judgement.events, "lost": len(judgement.lost),
        "twice": len(judgement.twice), "newest": newest, "boots": len(station.machine.boots),
    }  # fmt: skip
