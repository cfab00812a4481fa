"""The virtual Pi in qemu: started, cut off, started again; its reader, its log and its light.

A power cut is kill -9 of qemu. What the guest had not flushed is gone: its page cache, and what
qemu's own image format had not yet written down.
"""

from __future__ import annotations

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
_BUFFER = 4096  # a visitor does not wait before a reader that nobody reads
_OFF_S = 120.0


@dataclass(slots=True)
class Machine:
    """One virtual computer with two disks that outlive it.

    Attributes:
        folder: for its disks, its log and its console.
        cores: processors; memory_mb: its RAM.
    """

    root: Root
    station_disk: Path
    folder: Path
    cores: int = 2
    memory_mb: int = 768
    process: subprocess.Popen[bytes] | None = None
    _gun: socket.socket | None = None
    _read: int = 0
    _rest: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        for name, base in (("system", self.root.disk), ("station", self.station_disk)):
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base.resolve(), "-F", "raw",
                self.disk(name))  # fmt: skip
        self.log.touch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()

    def disk(self, name: str) -> Path:
        """One of its disks: "system" or "station"."""
        return self.folder / f"{name}.qcow2"

    @property
    def log(self) -> Path:
        """What the daemon said in all boots, as it came out of the guest's second serial port."""
        return self.folder / "guest.log"

    @property
    def console(self) -> Path:
        """What kernel and systemd said in all boots."""
        return self.folder / "console.log"

    def start(self) -> None:
        """Power."""
        with self.log.open("ab") as log:
            log.write(b"\n")  # a line that the cut left half ends here
        self._read, self._rest = self.log.stat().st_size, b""
        self.process = tied(self._command(), self.folder / "qemu.log")

    def cut(self) -> None:
        """No power any more."""
        with self._lock:
            if self._gun is not None:
                self._gun.close()
                self._gun = None
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def shut_down(self) -> None:
        """Ctrl-Alt-Del: systemd stops everything in order; qemu then ends. Raises GuestError."""
        assert self.process is not None
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            monitor.sendall(b"sendkey ctrl-alt-delete\n")
            try:
                self.process.wait(_OFF_S)
            except subprocess.TimeoutExpired as error:
                raise GuestError(f"the guest did not shut down within {_OFF_S:g} s") from error
        self.process = None

    def show(self, text: str) -> bool:
        """Before its USB reader; False where nobody reads it."""
        with self._lock:
            if self._gun is None:
                return False
            with suppress(OSError):
                self._gun.send(text.encode() + b"\r", socket.MSG_DONTWAIT)
                return True
        return False

    def plug_in(self) -> None:
        """The reader, from now on used by visitors: the daemon has it open."""
        gun = socket.socket(socket.AF_UNIX)
        gun.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        gun.connect(str(self.folder / "reader"))
        with self._lock:
            self._gun = gun

    def wait(self, done: Callable[[dict[str, Any]], bool], limit_s: float, what: str) -> None:
        """Wait for a line of this boot's log. Raises GuestError."""
        until = time.monotonic() + limit_s
        while not any(done(line) for line in self._new_lines()):
            if self.process is None or self.process.poll() is not None:
                said = (self.folder / "qemu.log").read_text("utf-8", "replace")[-1000:]
                raise GuestError(f"qemu ended: {said}")
            if time.monotonic() > until:
                said = self.log.read_bytes()[-1000:].decode("utf-8", "replace")
                raise GuestError(f"waited {limit_s:g} s in vain for {what}; the log ends:\n{said}")
            threading.Event().wait(_TURN_S)

    def logged(self) -> Iterator[bytes]:
        """Every line of every boot."""
        with self.log.open("rb") as log:
            yield from log

    def _new_lines(self) -> list[dict[str, Any]]:
        with self.log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return [line for each in whole if (line := parsed(each))]

    def _command(self) -> list[str]:
        where = self.folder
        system, station = (
            f"file={self.disk(name)},if=virtio,format=qcow2,cache=writeback"
            for name in ("system", "station")
        )
        return [
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
            "-smp", str(self.cores), "-m", str(self.memory_mb),
            "-display", "none", "-nodefaults", "-no-reboot",
            "-kernel", str(self.root.kernel), "-initrd", str(self.root.initrd),
            "-append", "root=/dev/vda rw console=ttyS0 quiet mitigations=off",
            "-drive", system, "-drive", station,
            "-chardev", f"file,id=console,path={where}/console.log,append=on",
            "-serial", "chardev:console",
            "-chardev", f"file,id=log,path={where}/guest.log,append=on",
            "-serial", "chardev:log",
            "-chardev", f"socket,id=reader,path={where}/reader,server=on,wait=off",
            "-device", "qemu-xhci", "-device", "usb-serial,chardev=reader,always-plugged=on",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net",
            "-device", "virtio-rng-pci",
            "-monitor", f"unix:{where}/monitor,server,nowait",
        ]  # fmt: skip
