"""What is proved of the station's devices: installed, sandboxed, read, lit, unplugged, measured.

Each step raises Wrong where something does not hold, and gives its figures otherwise.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from device_disk import KEYBOARD, SERIAL
from device_keys import reports
from device_station import LIMIT_S, UNIT, Station, check, quantile

NAME_VI = "NGUYỄN THỊ ĐỨC HẠNH ÀÉÕ"  # of letters below 256, and above
_EXPOSED_MOST = 1.5
_MEMORY_MOST_MB = 120.0
_MEASURED = 20
_GREEN_S = 1.5
_GROUPS = ("video", "gpio", "i2c", "input", "dialout")
_DEVICES = {
    "/dev/gpiochip0": "gpio", "/dev/i2c-1": "i2c", KEYBOARD: "input", SERIAL: "dialout",
}  # fmt: skip


def installed(station: Station) -> dict[str, Any]:
    """Users, groups, rules and mounts as the installer promises; the clock's unit ran."""
    machine = station.machine
    groups = machine.out("id", "-nG", "gatepost").split()
    check(set(groups) >= set(_GROUPS), f"the user's groups are {groups}")
    for device, group in _DEVICES.items():
        mode = machine.out("stat", "-L", "-c", "%G %a", device).split()
        check(mode == [group, "660"], f"{device} is {mode}")
    root = machine.out("findmnt", "-no", "OPTIONS", "/")
    data = machine.out("findmnt", "-no", "OPTIONS,FSTYPE", "/gatepost/data")
    check("ro" in root.split(","), f"the root is mounted {root}")
    check("noatime" in data and "ext4" in data, f"the data is mounted {data}")
    failed = machine.out("systemctl", "--failed", "--plain", "--no-legend").split("\n")
    check(not any("gatepost" in each for each in failed), f"failed: {failed}")
    version = machine.out("systemctl", "--version").split()[1]
    return {"systemd": int(version), "groups": len(groups), "root": "read-only"}


def sandbox(station: Station) -> dict[str, Any]:
    """Exposure by systemd's own measure, and what the kernel holds the process to."""
    machine = station.machine
    told = machine.out("systemd-analyze", "security", "--no-pager", UNIT, limit_s=LIMIT_S)
    found = re.search(r"exposure level for \S+ ([0-9.]+)", told)
    check(found, f"systemd-analyze says {told[-200:]}")
    exposure = float(found[1]) if found else 10.0
    check(exposure <= _EXPOSED_MOST, f"exposure {exposure}")
    rows = machine.ask("read", path=f"/proc/{station.pid()}/status").splitlines()
    held = dict(row.split(":", 1) for row in rows)
    check(held["NoNewPrivs"].strip() == "1", "new privileges are possible")
    check(held["Seccomp"].strip() == "2", "no system-call filter")
    check(int(held["CapEff"], 16) == 0, f"it has capabilities: {held['CapEff'].strip()}")
    opened = machine.out("ls", "-l", f"/proc/{station.pid()}/fd")
    for device in ("gpiochip0", "event", "ttyACM"):
        check(f"/dev/{'input/' if device == 'event' else ''}{device}" in opened,
              f"{device} is not open: {opened}")  # fmt: skip
    return {"exposure": exposure, "capabilities": 0}


def keyboard(station: Station) -> dict[str, Any]:
    """A code by the keyboard reader is lit, and at the centre, letter by letter."""
    lit = station.keys()
    check(lit.cue == "accepted", f"the light says {lit.cue}")
    check(station.settled(), "it is not at the centre as it was shown")
    return {"after_ms": lit.after_ms}


def diacritics(station: Station) -> dict[str, Any]:
    """A Vietnamese name by Alt and numbers, then by Ctrl, Shift and U, arrives whole."""
    for foreign in ("alt", "unicode"):
        text = station.crowd.next().replace("NGUYEN VAN A", NAME_VI)
        station.keys(text, foreign)
        check(station.settled(), f"by {foreign}: {_last(station)!r} in place of {text!r}")
    return {"letters": NAME_VI}


def serial(station: Station) -> dict[str, Any]:
    """A code by the serial reader, a name in UTF-8, in one piece and in several."""
    station.line()
    station.line(station.crowd.next().replace("NGUYEN VAN A", NAME_VI), pieces=5)
    check(station.settled(), f"{_last(station)!r} in place of {station.shown[-1]!r}")
    return {"letters": NAME_VI}


def together(station: Station) -> dict[str, Any]:
    """Both readers at the same moment: each code for itself, one going in, one out."""
    errors: list[BaseException] = []

    def show(how: Any) -> None:
        try:
            for _ in range(3):
                how()
        except BaseException as error:  # noqa: BLE001 - given on below
            errors.append(error)

    threads = [threading.Thread(target=show, args=(how,)) for how in (station.keys, station.line)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    check(station.settled(), "not every code is at the centre")
    return {"codes": 6}


def flooded(station: Station) -> dict[str, Any]:
    """Keys as fast as USB carries them: what is lost is marked, nothing wrong is taken whole."""
    texts = [station.crowd.next() for _ in range(5)]
    for text in texts:
        station.machine.ask("press", reports=reports(text))
        threading.Event().wait(0.5)
    station.keys()
    check(station.settled(), "the next code is not at the centre")
    known = {*texts, *station.shown}
    wrong = [(text, scan.lossy) for text, scan in station.scans() if text not in known]
    check(all(lossy for _, lossy in wrong), f"wrong, and not marked: {wrong}")
    whole = sum(text in texts for text, _ in station.scans())
    return {"whole": whole, "marked": len(wrong), "of": len(texts)}


def replugged(station: Station) -> dict[str, Any]:
    """Each reader pulled out while the other goes on, plugged in again, and read at once."""
    figures = {}
    for reader, device, show, other in (
        ("keyboard", KEYBOARD, station.keys, station.line),
        ("serial", SERIAL, station.line, station.keys),
    ):
        since = station.mark()
        station.machine.ask("unplug", reader=reader)
        station.machine.wait(
            lambda line: line.told.get("message") == "trouble", "its trouble", LIMIT_S, since
        )
        other()
        since = station.mark()
        plugged = station.machine.ask("plug", reader=reader)
        station.machine.wait(
            lambda line, device=device: (
                line.told.get("message") == "reader there" and device in line.text
            ),
            "the reader to be there again",
            LIMIT_S,
            since,
        )
        figures[f"{reader}_s"] = round(station.now() - plugged, 1)
        show()
    check(station.settled(), "not every code is at the centre")
    return figures


def measured(station: Station) -> dict[str, Any]:
    """From the last key, by the kernel's own time, to the event kept and the lamp lit."""
    station.machine.ask("changes", lines=station.lamp)
    lits = [station.keys() for _ in range(_MEASURED)]
    changes = station.machine.ask("changes", lines=station.lamp)
    pins = []
    for lit in lits:
        later = [when - lit.taken for when, _, level in changes if level and when > lit.taken]
        pins.append(1000 * min(later, default=float("inf")))
    after = [lit.after_ms for lit in lits]
    bus = [1000 * (lit.taken - lit.suffix) for lit in lits]
    return {
        "p50_ms": quantile(after, 0.5), "p99_ms": quantile(after, 0.99),
        "pin_p50_ms": round(quantile(pins, 0.5), 1), "pin_p99_ms": round(quantile(pins, 0.99), 1),
        "bus_p50_ms": round(quantile(bus, 0.5), 1), "codes": len(lits),
    }  # fmt: skip


def outputs(station: Station) -> dict[str, Any]:
    """Green on the lamp's lines, and one pulse of the relay as long as it is configured."""
    machine = station.machine
    machine.ask("changes", lines=[])
    lit = station.keys()
    threading.Event().wait(3)
    told = machine.ask("changes", lines=[*station.lamp, station.relay])
    red, green, _ = station.lamp
    begun = [when for when, line, level in told if line == green and level and when > lit.taken]
    check(begun, f"the green line was never driven: {told}")
    soon = begun[0] + _GREEN_S
    lit_red = [when for when, line, level in told if line == red and level]
    reds = [when for when in lit_red if lit.taken < when < soon]
    check(not reds, "the red line was driven for an accepted visitor")
    pulse = [(when, level) for when, line, level in told if line == station.relay]
    up = [when for when, level in pulse if level]
    down = [when for when, level in pulse if not level and up and when > up[0]]
    check(len(up) == 1 and down, f"the relay's line: {pulse}")
    return {
        "green_ms": round(1000 * (begun[0] - lit.taken), 1),
        "relay_ms": round(1000 * (up[0] - lit.taken), 1),
        "pulse_s": round(down[0] - up[0], 2),
    }


def screen(station: Station) -> dict[str, Any]:
    """The OLED unplugged and plugged in again while the daemon runs; the light does not wait."""
    machine = station.machine
    parameters = "/sys/module/oled_sim/parameters"
    drawn = int(machine.ask("read", path=f"{parameters}/written"))
    check(drawn > 1024, f"{drawn} bytes were drawn")
    since = station.mark()
    machine.ask("write", path=f"{parameters}/fitted", text="N")
    lit = station.keys()
    station.said("signal failed", since)
    since = station.mark()
    machine.ask("write", path=f"{parameters}/fitted", text="Y")
    station.said("signal recovered", since)
    again = int(machine.ask("read", path=f"{parameters}/written"))
    check(again > drawn + 1024, "nothing was drawn again")
    return {"after_ms_without": lit.after_ms, "bytes": again}


def button(station: Station) -> dict[str, Any]:
    """Pressed, the status stands on the screen; held, setup mode comes, and the daemon again."""
    machine, pin = station.machine, int(station.pins["button"]["pin"])
    machine.ask("pull", line=pin, way="up")
    threading.Event().wait(1)
    parameters = "/sys/module/oled_sim/parameters/written"
    before = int(machine.ask("read", path=parameters))
    _press(station, pin, 0.3)
    threading.Event().wait(4)
    drawn = int(machine.ask("read", path=parameters)) - before
    check(drawn > 500, f"pressed, {drawn} bytes were drawn")
    since = station.mark()
    _press(station, pin, 4.5)
    station.said("asked for by the button", since)
    station.said("Started gatepost-setup.service", since)
    machine.out("systemctl", "stop", "gatepost-setup.service", limit_s=LIMIT_S)
    machine.run("rm", "-f", "/run/gatepost/mode")
    station.up(since=since)
    return {"drawn_bytes": drawn}


def _press(station: Station, pin: int, held_s: float) -> None:
    station.machine.ask("pull", line=pin, way="down")
    threading.Event().wait(held_s)
    station.machine.ask("pull", line=pin, way="up")


def memory(station: Station) -> dict[str, Any]:
    """What the daemon takes with everything fitted."""
    told = station.memory_mb()
    check(told["rss_mb"] < _MEMORY_MOST_MB, f"{told['rss_mb']} MB")
    return told


def asked(station: Station) -> dict[str, Any]:
    """`gatepost status` as an admin asks it there."""
    station.keys()
    station.line()
    begun = station.now()
    told = station.status()
    took = station.now() - begun
    working = {each["name"]: each["working"] for each in told["readers"]}
    check(all(working.values()), f"the readers are {working}")
    check(told["broker"]["connected"], "it says that it is not connected")
    return {"readers": len(working), "took_s": round(took, 1)}


def soaked(station: Station, seconds: float) -> dict[str, Any]:
    """A scan every two seconds: latency and memory at the begin and at the end."""
    before, lits = station.memory_mb(), []
    until = station.now() + seconds
    turn = threading.Event()
    while station.now() < until:
        lits.append(station.keys() if len(lits) % 2 else station.line())
        turn.wait(max(0.0, lits[-1].taken + 2 - station.now()))
    part = max(1, len(lits) // 4)
    first, last = ([each.after_ms for each in some] for some in (lits[:part], lits[-part:]))
    after = station.memory_mb()
    check(after["rss_mb"] < before["rss_mb"] + 10, f"{before} became {after}")
    return {
        "codes": len(lits), "rss_mb": [before["rss_mb"], after["rss_mb"]],
        "p50_ms": [quantile(first, 0.5), quantile(last, 0.5)],
        "p99_ms": [quantile(first, 0.99), quantile(last, 0.99)],
    }  # fmt: skip


def _last(station: Station) -> str:
    return max(station.central.arrivals(), key=lambda each: each.boot_us).text
