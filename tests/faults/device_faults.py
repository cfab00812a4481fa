"""What is proved of the station's faults: stopped, killed, hung, out of memory, cut off, frozen.

Each step raises Wrong where something does not hold, and gives its figures otherwise.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from device_disk import CONFIG, KEYBOARD, READERS, SERIAL
from device_keys import reports
from device_machine import BOOT_S
from device_station import LIMIT_S, PERIOD_US, UNIT, Wrong, check, host_s
from guest_root import GuestError

if TYPE_CHECKING:
    from device_station import Station

_GATEPOST = "/opt/gatepost/current/bin/gatepost"
_CGROUP = f"/sys/fs/cgroup/system.slice/{UNIT}"
_FITTED = "/sys/module/oled_sim/parameters/fitted"
_MEMORY_MAX, _TIGHT = 256 << 20, 30 << 20
_WATCHDOG_S = 15  # of the hardware, as systemd/system.conf.d says
# The unit: WatchdogSec=10, TimeoutAbortSec=5; the rest is what the emulated processor needs.
_STOPPED_MOST_S = 30.0
_LONG_AGO = "2020-02-01T00:00:00"
_CAMERAS = """\
[[reader]]
type = "v4l2"
name = "eye"
direction = "in"
device = "/dev/video0"
width = 320
height = 180
fps = 1
[[reader]]
type = "v4l2"
name = "eye-2"
direction = "out"
device = "/dev/video1"
width = 320
height = 180
fps = 1
"""
_HOLDER = """\
import lgpio, signal, sys, threading
lgpio.exceptions = False
chip = lgpio.gpiochip_open(0)
while lgpio.gpio_claim_output(chip, int(sys.argv[1]), 0) < 0:  # once the daemon lets go of it
    threading.Event().wait(0.02)
signal.pause()
"""


def killed(station: Station) -> dict[str, Any]:
    """kill -9 in the middle of a request to open: idle again, back, and the first read."""
    return _ambushed(station, signal.SIGKILL, "SIGKILL")


def stopped(station: Station) -> dict[str, Any]:
    """SIGSTOP in the middle of a request: ended by the watchdog, the line idle, back again."""
    figures = _ambushed(station, signal.SIGSTOP, "watchdog")
    check(figures["held_s"] < _STOPPED_MOST_S, f"the relay asked for {figures['held_s']} s")
    return figures


def _ambushed(station: Station, number: signal.Signals, why: str) -> dict[str, Any]:
    machine, since, text = station.machine, station.mark(), station.crowd.next()
    found: dict[str, Any] = {}

    def lie_in_wait() -> None:
        what = {"line": station.relay, "pid": pid, "number": int(number)}
        found.update(machine.ask("ambush", limit_s=2 * LIMIT_S, **what))

    pid = station.pid()
    waiting = threading.Thread(target=lie_in_wait)
    waiting.start()
    machine.ask("press", reports=reports(text), period_us=PERIOD_US)
    station.shown.append(text)  # green stood: it is kept
    waiting.join()
    check(found, "the relay never asked, or its line was not idle again")
    station.up(since=since)
    lit = station.keys()
    station.told(lambda fault: why in fault.detail, f"{why!r}")
    return {
        "held_s": round(found["down"] - found["up"], 2),
        "held_after_signal_s": round(found["down"] - found["sent"], 2),
        "to_first_read_s": round(lit.taken - found["sent"], 1),
    }


def starved(station: Station) -> dict[str, Any]:
    """The memory limit while /run is full: killed by the kernel, started again, reads, and told."""
    machine, before = station.machine, station.pid()
    limit = f"{_CGROUP}/memory.max"
    check(int(machine.ask("read", path=limit)) == _MEMORY_MAX, "the unit's limit is not in force")
    machine.run("dd", "if=/dev/zero", "of=/run/full", "bs=64k", limit_s=LIMIT_S)
    machine.run("dd", "if=/dev/zero", "of=/run/fuller", "bs=64", "count=64")
    try:
        begun = station.now()
        # The kernel kills at once; the unit's next start has its own limit again.
        machine.run("sh", "-c", f"echo {_TIGHT} >{limit}; echo {_MEMORY_MAX} >{limit}")
        _active(station, before)
        back = station.now()
        text = station.crowd.next()
        # The journal has no room: the centre tells when it is there, not the log.
        _typed_when_read(station, text)
        check(station.settled(), "what was read is not at the centre")
    finally:
        machine.run("rm", "-f", "/run/full", "/run/fuller")
    lit = station.keys()  # told again, now that the journal has room
    fault = station.told(lambda each: "oom" in each.detail, "memory")
    return {"back_s": round(back - begun, 1), "after_ms": lit.after_ms, "told": fault.detail[:60]}


def _active(station: Station, before: int) -> None:
    """Wait for another process of the unit that says it is ready; the journal may say nothing."""
    until = time.monotonic() + LIMIT_S
    while True:
        unit = station.unit("MainPID", "ActiveState")
        if unit["ActiveState"] == "active" and int(unit["MainPID"]) not in {0, before}:
            return
        check(time.monotonic() < until, f"it does not start: {unit}")
        threading.Event().wait(1)


def _typed_when_read(station: Station, text: str) -> None:
    """Press a code once its reader is open: before that nobody would hear it."""
    until = time.monotonic() + LIMIT_S
    device = station.machine.out("readlink", "-f", KEYBOARD).strip()
    while device not in station.machine.out("ls", "-l", f"/proc/{station.pid()}/fd"):
        check(time.monotonic() < until, "it does not open its reader")
        threading.Event().wait(1)
    threading.Event().wait(1)  # also grabbed
    station.machine.ask("press", reports=reports(text), period_us=PERIOD_US)
    station.shown.append(text)  # green stood: it is kept


def hung(station: Station) -> dict[str, Any]:
    """One thread of the daemon hangs for good: no heartbeat, so the process ends, and is back.

    It comes back to a poor place, which is the next step's: a start saved.
    """
    station.poor_since, pid = station.mark(), station.pid()
    _impoverish(station)
    try:
        station.machine.ask("hang", pid=pid, device=SERIAL)
        begun = station.now()
        station.said("gave no heartbeat", station.poor_since)
        noticed = station.now()
        station.up(since=station.poor_since)
        check(station.pid() != pid, "it is the same process")
        back = station.now()
        station.line()
        station.told(lambda fault: "heartbeat" in fault.detail, "a heartbeat")
    except (GuestError, Wrong):
        _enrich(station)
        raise
    return {"noticed_s": round(noticed - begun, 1), "back_s": round(back - begun, 1)}


def _impoverish(station: Station) -> None:
    """At its next start: no OLED, no cameras, and its relay's line another program's."""
    station.machine.ask("write", path=_FITTED, text="N")
    argv = ["env", "LG_WD=/tmp", "python3", "-c", _HOLDER, str(station.relay)]
    station.machine.ask("start", name="holder", argv=argv)
    station.configure(station.settings(readers=READERS + _CAMERAS))


def _enrich(station: Station) -> None:
    station.machine.ask("end", name="holder")
    station.machine.ask("write", path=_FITTED, text="Y")


def poor(station: Station) -> dict[str, Any]:
    """Relay's line held by another program, no camera, no OLED: it runs, says so, and heals.

    The step before has brought it there.
    """
    machine = station.machine
    check(station.configured, "the step before, hung, did not hold")
    try:
        station.line()
        why = {
            name: machine.wait(
                lambda line, key=key, name=name: line.told.get(key) == name and "why" in line.told,
                name, LIMIT_S, station.poor_since,
            ).told["why"]
            for key, name in (("signal", "relay"), ("part", "reader eye"), ("signal", "oled"))
        }  # fmt: skip
    finally:
        _enrich(station)
    since = station.mark()
    station.line()
    for name in ("relay", "oled"):
        machine.wait(
            lambda line, name=name: line.told.get("message") == "signal recovered"
            and line.told.get("signal") == name,
            f"the {name} to be there again", LIMIT_S, since,
        )  # fmt: skip
    return why


def cameras(station: Station) -> dict[str, Any]:
    """Two webcams of the kernel's own (vivid) plugged in beside the USB readers: frames of both.

    They go on until the next start: it is the reboot of the next step.
    """
    machine, since = station.machine, station.mark()
    wanted = station.settings(readers=READERS + _CAMERAS)
    if station.configured != wanted:
        station.configure(wanted)
        station.restart()
    try:
        machine.out("modprobe", "vivid", "n_devs=2", "node_types=0x1,0x1", limit_s=LIMIT_S)
        for device in ("/dev/video0", "/dev/video1"):
            machine.wait(
                lambda line, device=device: line.told.get("message") == "camera there"
                and device in line.text, device, LIMIT_S, since,
            )  # fmt: skip
        station.line()
        told = {each["name"]: each for each in station.status()["readers"]}
    finally:
        station.configure()
    frames = {name: told[name]["frames"] for name in ("eye", "eye-2")}
    check(all(frames.values()), f"frames: {told}")
    return {f"{name}_frames": count for name, count in frames.items()}


def reset(station: Station) -> dict[str, Any]:
    """A factory reset asked for, then a reboot: done, told, the spool goes on, nothing is lost."""
    machine = station.machine
    check(station.settled(), "not everything is at the centre before")
    before, boot = station.last_sequence(), machine.boot
    asked = machine.run(_GATEPOST, "reset", "--config", CONFIG, "--yes", limit_s=LIMIT_S)
    check(asked["status"] == 0, f"gatepost reset: {asked}")
    faults = len(station.faults())
    begun = time.monotonic()
    machine.leave("reboot", BOOT_S)
    off = host_s(begun)
    since = station.mark()
    machine.start()
    station.said("Finished gatepost-reset.service", since, BOOT_S)
    station.up(since=since)
    check(machine.boot != boot, "it is the same boot")
    station.keys()
    station.central.wait(lambda _: bool(station.audits()), LIMIT_S)
    actions = [each.action for each in station.audits()]
    check("factory-reset" in actions, f"audits: {actions}")
    new = [each.detail for each in station.faults()[faults:]]
    check(not any("power" in each for each in new), f"a clean reboot is told as {new}")
    check(station.last_sequence() > before, "the sequence does not go on")
    return {"off_s": off, "sequence": [before, station.last_sequence()]}


def cut(station: Station) -> dict[str, Any]:
    """Power cut off in the middle of a queue, and back years ago by the clock.

    It starts by itself, tells of the cut, nothing is lost, and the clock is raised to the floor.
    """
    machine = station.machine
    lits = [station.keys() if number % 2 else station.line() for number in range(6)]
    machine.cut()
    since, begun, faults = station.mark(), time.monotonic(), len(station.faults())
    machine.start(clock=_LONG_AGO)
    station.up(since=since)
    ready = host_s(begun)
    station.keys()
    fault = station.told(lambda each: "power" in each.detail, "a power cut", faults)
    check(station.settled(), "a green light is not at the centre")
    year = int(machine.out("date", "+%Y"))
    check(year > int(_LONG_AGO[:4]), f"the clock says {year}")
    return {"greens": len(lits), "up_s": ready, "year": year, "told": fault.detail[:60]}


def frozen(station: Station) -> dict[str, Any]:
    """The kernel frozen: the hardware watchdog resets the machine, that is here: ends it.

    The daemon is stopped before, so that what it kept can be read out and be all there is.
    """
    machine = station.machine
    place = "/sys/class/watchdog/watchdog0"
    state = machine.ask("read", path=f"{place}/state").strip()
    check(state == "active", f"the hardware watchdog is {state}")
    timeout = int(machine.ask("read", path=f"{place}/timeout"))
    check(timeout == _WATCHDOG_S, f"it waits {timeout} s")
    station.line()  # kept, whatever comes
    check(station.settled(), "not everything is at the centre before")
    machine.out("systemctl", "stop", UNIT, limit_s=LIMIT_S)
    machine.out("sysctl", "-q", "kernel.panic=0", "kernel.panic_on_oops=0")
    argv = ["sh", "-c", "sleep 1; echo c >/proc/sysrq-trigger"]
    machine.ask("start", name="crash", argv=argv)
    begun = time.monotonic()
    machine.gone(LIMIT_S)
    return {"timeout_s": timeout, "reset_after_s": host_s(begun)}
