"""A virtual station in qemu with its devices: power, its agent, its journal, its end.

The agent's answers and the journal come over ports of their own, so that the guest's console and
network are as a station's. A power cut is kill -9 of qemu, as in guest_machine.
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from guest_root import GuestError, run
from kills_green import parsed
from kills_tied import tied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from guest_root import Root

_TURN_S = 0.05
BOOT_S = 300.0  # an emulated processor on a machine that others use too
_ASK_S = 60.0


@dataclass(slots=True)
class Line:
    """A line of the journal: as it is, and as the daemon's own JSON where it is that."""

    text: str
    told: dict[str, Any]


@dataclass(slots=True)
class DeviceMachine:
    """One virtual computer with two disks that outlive it.

    Attributes:
        system: the disk with the station installed; data: the station's data partition.
        folder: for its disks, its journal and its console.
        boots: the id of each boot so far, in order.
        logged: every line of the journal of every boot, with the id of its boot.
    """

    root: Root
    system: Path
    data: Path
    folder: Path
    cores: int = 2
    memory_mb: int = 1024
    process: subprocess.Popen[bytes] | None = None
    boots: list[str] = field(default_factory=list)
    logged: list[tuple[str, Line]] = field(default_factory=list)
    _link: socket.socket | None = None
    _answers: dict[int, queue.Queue[dict[str, Any]]] = field(default_factory=dict)
    _asked: int = 0
    _read: int = 0
    _rest: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        for name, base in (("system", self.system), ("data", self.data)):
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base.resolve(), "-F", "raw",
                self.disk(name))  # fmt: skip
        self._journal.touch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()

    def disk(self, name: str) -> Path:
        """One of its disks: "system" or "data"."""
        return self.folder / f"{name}.qcow2"

    @property
    def boot(self) -> str:
        """The id of this boot, as the kernel says it, without its hyphens."""
        return self.boots[-1].replace("-", "")

    def start(self, clock: str = "utc") -> float:
        """Power on; seconds until its agent is there. `clock`: what its RTC says."""
        begun = time.monotonic()
        self.process = tied(self._command(clock), self.folder / "qemu.log")
        self._link = self._connected()
        threading.Thread(target=self._listen, args=(self._link,), daemon=True).start()
        self.boots.append(self.ask("hello", limit_s=BOOT_S)["boot"])
        return time.monotonic() - begun

    def cut(self) -> None:
        """No power any more."""
        if self.process is not None:
            self.process.kill()
        self.gone(10)

    def leave(self, how: str, limit_s: float) -> None:
        """Have systemd "reboot" or "poweroff"; either way qemu ends. Raises GuestError."""
        # Not "run": the machine may be gone before systemctl has ended.
        self.ask("start", name=how, argv=["systemctl", how])
        self.gone(limit_s)

    def gone(self, limit_s: float) -> None:
        """Wait until it has ended by itself. Raises GuestError."""
        if self.process is None:
            return
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise GuestError(f"the guest did not end within {limit_s:g} s") from error
        self.process = None
        if self._link is not None:
            self._link.close()
            self._link = None
        self.lines()

    def ask(self, do: str, *, limit_s: float = _ASK_S, **what: Any) -> Any:
        """Have the agent do something, and its answer. Raises GuestError."""
        with self._lock:
            self._asked += 1
            number = self._asked
            answers = self._answers[number] = queue.Queue()
            self._send(json.dumps({"id": number, "do": do, **what}).encode() + b"\n")
        until = time.monotonic() + limit_s
        while True:
            with suppress(queue.Empty):
                answer = answers.get(timeout=0.5)
                break
            self._alive(f"{do} {what}")
            if time.monotonic() > until:
                raise GuestError(f"no answer within {limit_s:g} s to {do} {what}\n{self._end()}")
        if "error" in answer:
            raise GuestError(f"{do} {what}: {answer['error']}")
        return answer["is"]

    def run(self, *argv: str, limit_s: float = _ASK_S) -> dict[str, Any]:
        """Run a command there: its "status", "out" and "err". Raises GuestError."""
        told: dict[str, Any] = self.ask("run", argv=argv, limit_s=limit_s + 30)
        return told

    def out(self, *argv: str, limit_s: float = _ASK_S) -> str:
        """What a command there says that must succeed. Raises GuestError."""
        told = self.run(*argv, limit_s=limit_s)
        if told["status"]:
            raise GuestError(f"{' '.join(argv)}: status {told['status']}: {told['err'][-500:]}")
        return str(told["out"])

    def wait(
        self, done: Callable[[Line], bool], what: str, limit_s: float = _ASK_S, since: int = 0
    ) -> Line:
        """Wait for a line of the journal after the first `since` lines. Raises GuestError."""
        until = time.monotonic() + limit_s
        while True:
            for _, line in self.lines()[since:]:
                if done(line):
                    return line
            since = len(self.logged)
            self._alive(what)
            if time.monotonic() > until:
                raise GuestError(f"waited {limit_s:g} s in vain for {what}\n{self._end()}")
            threading.Event().wait(_TURN_S)

    def lines(self) -> list[tuple[str, Line]]:
        """Every line so far."""
        with self._journal.open("rb") as journal:
            journal.seek(self._read)
            new = journal.read()
        self._read += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        for each in whole:
            line = Line(each.decode("utf-8", "replace"), parsed(each))
            self.logged.append((self.boots[-1] if self.boots else "", line))
        return self.logged

    def for_greens(self) -> Iterator[bytes]:
        """The journal as kills_green reads it."""
        boot = ""
        for each, line in self.lines():
            if each != boot:
                boot = each
                yield f"boot {boot}".encode()
            yield line.text.encode()

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.log"

    def _end(self) -> str:
        self.lines()
        return "\n".join(line.text for _, line in self.logged[-20:])

    def _alive(self, what: str) -> None:
        if self.process is None or self.process.poll() is not None:
            said = (self.folder / "qemu.log").read_text("utf-8", "replace")[-500:]
            raise GuestError(f"the guest ended during {what}: {said}")

    def _connected(self) -> socket.socket:
        until = time.monotonic() + _ASK_S
        while True:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(str(self.folder / "agent"))
            except OSError:
                link.close()
                self._alive("power on")
                if time.monotonic() > until:
                    raise
                threading.Event().wait(_TURN_S)
            else:
                return link

    def _send(self, data: bytes) -> None:
        if self._link is None:
            raise GuestError("the guest has no power")
        try:
            self._link.sendall(data)
        except OSError as error:
            raise GuestError(f"the guest is gone: {error}") from error

    def _listen(self, link: socket.socket) -> None:
        rest = b""
        with suppress(OSError):
            while new := link.recv(65536):
                *whole, rest = (rest + new).split(b"\n")
                for each in whole:
                    if answer := parsed(each):
                        self._answers.pop(answer["id"]).put(answer)

    def _command(self, clock: str) -> list[str]:
        where = self.folder
        system, data = (
            f"file={self.disk(name)},if=virtio,format=qcow2,cache=writeback"
            for name in ("system", "data")
        )
        return [
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi",
            "-cpu", "Nehalem-v1",  # what numpy asks for, and no wide registers to save
            "-smp", str(self.cores), "-m", str(self.memory_mb),
            "-display", "none", "-nodefaults", "-no-reboot", "-rtc", f"base={clock}",
            "-kernel", str(self.root.kernel), "-initrd", str(self.root.initrd),
            "-append", "root=/dev/vda ro console=ttyS0 quiet mitigations=off panic=10",
            "-drive", system, "-drive", data,
            "-chardev", f"file,id=console,path={where}/console.log,append=on",
            "-serial", "chardev:console",
            "-device", "virtio-serial",
            "-chardev", f"socket,id=agent,path={where}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=agent",
            "-chardev", f"file,id=journal,path={self._journal},append=on",
            "-device", "virtserialport,chardev=journal,name=journal",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net",
            "-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset",
        ]  # fmt: skip
