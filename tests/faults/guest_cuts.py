"""Power cuts of the virtual Pi at random moments under load, and whether its promise held."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

from feeding import STATION, Crowd, Feeder
from guest_disk import read_back, station_disk
from guest_machine import Machine
from guest_root import root
from kills_central import Central
from kills_green import greens, judged

from gatepost.demo.authority import make_authority
from gatepost.demo.broker import demo_broker
from gatepost.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kills_green import Judgement

_BOOT_S = 400.0  # an emulated processor on a machine that others use too
_LOAD_S = 10.0
_EARLY = 0.2  # the share of cuts while it still boots
_DRAIN_S = 300.0


def cut_guest(
    folder: Path, cuts: int, rate: float, seed: int, say: Callable[[str], None]
) -> Judgement:
    """Cut it off `cuts` times, `rate` codes a second; then judge. Raises GuestError."""
    system = root(say)
    files = make_authority(folder / "keys", STATION)
    with demo_broker(folder, files) as broker:
        say("installing this checkout on the station's disk")
        disk = station_disk(system, folder, files, broker.port)
        central = Central(broker.port, files)
        central.come()
        machine = Machine(system, disk, folder)
        feeder = Feeder([machine.show], rate, random.Random(seed), Crowd())
        with machine, feeder:
            facts = _cuts(machine, cuts, random.Random(seed + 1), say)
            say("the last boot: what is not yet delivered is")
            _finish(machine, feeder, central)
        central.go()
    with Spool(read_back(machine.disk("station"), folder) / "spool.db") as spool:
        newest = spool.head().sequence
        facts["verified_on_card"] = spool.verify()
    seen = list(greens(machine.logged()))
    return judged(cuts, seen, feeder.shown, central, newest, facts)


def _cuts(
    machine: Machine, cuts: int, rng: random.Random, say: Callable[[str], None]
) -> dict[str, Any]:
    begun = time.monotonic()
    boots: list[float] = []
    early = 0
    for number in range(1, cuts + 1):
        on = time.monotonic()
        if boots and rng.random() < _EARLY:
            early += 1
            machine.start()
            threading.Event().wait(rng.uniform(0.0, min(boots)))
            where = "while it booted"
        else:
            _up(machine)
            boots.append(round(time.monotonic() - on, 1))
            threading.Event().wait(rng.uniform(0.0, _LOAD_S))
            where = f"under load, {boots[-1]:.0f} s from power to the first light"
        machine.cut()
        took = time.monotonic() - begun
        say(f"cut {number} of {cuts}, {where}; {took:.0f} s so far")
    return {"boot_s": boots, "early": early, "seconds": round(time.monotonic() - begun, 1)}


def _up(machine: Machine) -> None:
    """Power on, until a visitor has seen the first light."""
    machine.start()
    machine.wait(lambda line: line.get("message") == "reader there", _BOOT_S, "the reader")
    machine.plug_in()
    machine.wait(lambda line: line.get("message") == "lit", _BOOT_S, "a light")


def _finish(machine: Machine, feeder: Feeder, central: Central) -> None:
    """Once more on, until everything is delivered; then off as it should be."""
    _up(machine)
    feeder.stop()
    threading.Event().wait(3.0)  # what was shown is decided
    lights = len(list(greens(machine.logged())))
    central.wait(lambda c: c.tally(STATION)["events"] >= lights, _DRAIN_S)
    machine.shut_down()
    central.wait(lambda c: c.complete(STATION), 10)
