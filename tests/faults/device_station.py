"""The station in the guest as the rig sees it: shown codes, lights, units, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from device_disk import CONFIG, KEYBOARD, SERIAL, board, settings
from device_keys import reports
from device_machine import BOOT_S, Line
from feeding import STATION, Crowd
from guest_root import GuestError

from gatepost.model import AuditRecord, FaultRecord, ScanRecord

if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence

    from device_machine import DeviceMachine
    from kills_central import Central

UNIT = "gatepost.service"
LIMIT_S = 180.0  # for what takes a Pi seconds
# Between two reports of a reader: the kernel keeps some twenty for whoever is late.
PERIOD_US = 4000
_RIG = "/run/rig/station.toml"


@dataclass(frozen=True, slots=True)
class Lit:
    """A light: when the code was whole (seconds of boot), and how long after it the light stood.

    `suffix`: when the rig gave the last key, or the last byte, to the reader's cable.
    """

    taken: float
    after_ms: float
    suffix: float
    cue: str


@dataclass(slots=True)
class Station:
    """A running station, its readers, and what it should have told the centre.

    Attributes:
        shown: every code that got a light.
        pins: the board's lines, by part.
        configured: another configuration than its own, or "".
        poor_since: how long the journal was when its place was last made poor.
    """

    machine: DeviceMachine
    central: Central
    port: int
    crowd: Crowd = field(default_factory=Crowd)
    shown: list[str] = field(default_factory=list)
    pins: dict[str, Any] = field(default_factory=board)
    configured: str = ""
    poor_since: int = 0

    @property
    def relay(self) -> int:
        """The relay's line; idle is low."""
        return int(self.pins["relay"]["pin"])

    @property
    def lamp(self) -> list[int]:
        """The lamp's lines: red, green, blue."""
        return [self.pins["lamp"][colour] for colour in ("red", "green", "blue")]

    def keys(self, text: str = "", foreign: str = "alt", period_us: int = PERIOD_US) -> Lit:
        """A visitor's code by the keyboard reader, and its light. Raises GuestError."""
        text = text or self.crowd.next()
        pressed = reports(text, foreign)
        return self._show("keys", text, "press", reports=pressed, period_us=period_us)

    def line(self, text: str = "", pieces: int = 1) -> Lit:
        """The same by the serial reader."""
        text = text or self.crowd.next()
        return self._show("line", text, "send", data=f"{text}\r".encode().hex(), pieces=pieces)

    def _show(self, reader: str, text: str, how: str, **what: Any) -> Lit:
        since = len(self.machine.lines())
        given = self.machine.ask(how, **what)
        told = self.machine.wait(
            lambda line: (
                line.told.get("message") == "lit"
                and line.told.get("reader") == reader
                and line.told.get("cue") != "pending"
            ),
            f"a light for {reader}",
            LIMIT_S,
            since,
        ).told
        self.shown.append(text)
        suffix = given.get("suffix", given["ended"])
        return Lit(told["taken_s"], told["after_ms"], suffix, told["cue"])

    def unit(self, *names: str) -> dict[str, str]:
        """Properties of the daemon's unit."""
        asked = [f"--property={','.join(names)}"] if names else []
        rows = self.machine.out("systemctl", "show", *asked, UNIT).splitlines()
        return dict(row.split("=", 1) for row in rows if "=" in row)

    def pid(self) -> int:
        """The daemon's process."""
        return int(self.unit("MainPID")["MainPID"])

    def memory_mb(self) -> dict[str, float]:
        """Of the daemon: resident, and its peak (MB)."""
        rows = self.machine.ask("read", path=f"/proc/{self.pid()}/status").splitlines()
        told = dict(row.split(":", 1) for row in rows)
        wanted = {"rss_mb": "VmRSS", "peak_mb": "VmHWM"}
        return {name: round(int(told[key].split()[0]) / 1000, 1) for name, key in wanted.items()}

    def mark(self) -> int:
        """How long the journal is: what is waited for comes after it."""
        return len(self.machine.lines())

    def said(self, part: str, since: int = 0, limit_s: float = LIMIT_S) -> Line:
        """Wait until the journal has a line with `part` in it. Raises GuestError."""
        return self.machine.wait(lambda line: part in line.text, f"{part!r}", limit_s, since)

    def ready(self, since: int = 0, limit_s: float = LIMIT_S) -> None:
        """Wait until systemd calls the daemon started. Raises GuestError."""
        self.said(f"Started {UNIT}", since, limit_s)

    def up(self, readers: Sequence[str] = (KEYBOARD, SERIAL), since: int = 0) -> None:
        """Wait until it is started and has its readers open. Raises GuestError."""
        self.ready(since, BOOT_S)
        for device in readers:
            self.machine.wait(
                lambda line, device=device: (
                    line.told.get("message") == "reader there" and device in line.text
                ),
                f"{device} to be opened",
                LIMIT_S,
                since,
            )

    def restart(self, *, wait: bool = True) -> None:
        """Stop and start it as an admin does; wait for its readers. Raises GuestError."""
        since = self.mark()
        self.machine.out("systemctl", "restart", UNIT, limit_s=LIMIT_S)
        if wait:
            self.up(since=since)

    def configure(self, text: str = "") -> None:
        """Give it another configuration, without: its own. The root is read-only: by a mount."""
        self.machine.run("umount", "-q", CONFIG)
        self.configured = text
        if text:
            self.machine.ask("write", path=_RIG, text=text)
            self.machine.out("mount", "--bind", _RIG, CONFIG)
            self.machine.out("chmod", "644", _RIG)

    def settings(self, **what: str) -> str:
        """A configuration of this station: see device_disk.settings."""
        return settings(self.port, **what)

    def kill(self, number: signal.Signals) -> float:
        """Send the daemon a signal; when (seconds of boot)."""
        when: float = self.machine.ask("kill", pid=self.pid(), number=int(number))
        return when

    def status(self) -> dict[str, Any]:
        """`gatepost status --json` as an admin asks it there."""
        out = self.machine.run(
            "/opt/gatepost/current/bin/gatepost", "status", "--config", CONFIG, "--json",
            limit_s=LIMIT_S,
        )  # fmt: skip
        try:
            told: dict[str, Any] = json.loads(out["out"])
        except ValueError as error:
            raise GuestError(f"gatepost status: {out['out'][-300:]}{out['err'][-300:]}") from error
        return told

    def scans(self) -> list[tuple[str, ScanRecord]]:
        """Every scan at the centre, with its text."""
        texts = {(each.reader, each.boot_us): each.text for each in self.central.arrivals()}
        with self.central._changed:
            events = [each for each in self.central._events.values() if each is not None]
        return [
            (texts[record.reader, each.stamp.boot_us], record)
            for each in events
            if isinstance(record := each.record, ScanRecord)
        ]

    def faults(self) -> list[FaultRecord]:
        """Every fault that is at the centre."""
        return [each for each in self._records() if isinstance(each, FaultRecord)]

    def audits(self) -> list[AuditRecord]:
        """Every audit that is at the centre."""
        return [each for each in self._records() if isinstance(each, AuditRecord)]

    def told(self, done: Callable[[FaultRecord], bool], what: str, before: int = 0) -> FaultRecord:
        """Wait for a fault at the centre after the first `before`. Raises GuestError."""
        self.central.wait(lambda _: any(done(each) for each in self.faults()[before:]), LIMIT_S)
        for each in self.faults()[before:]:
            if done(each):
                return each
        raise GuestError(f"no fault that tells of {what}; those there: {self.faults()}")

    def _records(self) -> list[Any]:
        with self.central._changed:
            events = list(self.central._events.values())
        return [each.record for each in events if each is not None]

    def settled(self) -> bool:
        """Wait until everything that got a light is at the centre."""
        return self.central.wait(
            lambda c: {each.text for each in c.arrivals()} >= set(self.shown), LIMIT_S
        )

    def last_sequence(self) -> int:
        """The newest event at the centre."""
        return self.central.last_sequence(STATION)

    def forgive(self) -> None:
        """What is not at the centre is told by the step that failed, not by every later one."""
        there = {each.text for each in self.central.arrivals()}
        self.shown = [each for each in self.shown if each in there]

    def now(self) -> float:
        """Seconds of the guest's boot."""
        when: float = self.machine.ask("hello")["now"]
        return when


Step: TypeAlias = Callable[[Station], dict[str, Any]]


class Wrong(Exception):
    """What a step was to prove does not hold."""


def check(held: object, why: str) -> None:
    """Raises Wrong where a thing is not as it should be."""
    if not held:
        raise Wrong(why)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-int(share * 1000) * len(ordered) // 1000))
    return ordered[rank - 1]


def host_s(begun: float) -> float:
    """Seconds since `begun` on this computer."""
    return round(time.monotonic() - begun, 1)
