"""The rig's hand in the guest: the board and its readers, and whatever the rig asks it to do.

Runs there as root, on the guest's own Python, before the station. It makes the GPIO lines of a
Pi's chip, a USB keyboard reader and a USB serial reader out of what the kernel simulates; then it
obeys, one JSON object a line: {"id": 1, "do": "press", ...} is answered by {"id": 1, "is": ...}
or {"id": 1, "error": "..."}. Times are seconds of CLOCK_BOOTTIME.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import tty
from pathlib import Path
from typing import Any

_CONFIG = Path("/sys/kernel/config")
_TRACE = Path("/sys/kernel/tracing")
_CHIP, _LINES, _PULLED_UP = "pinctrl-bcm2711", 54, range(9)  # as a Pi 4's at power-up
_TOLD = ("gatepost", "gatepost-clock-floor", "gatepost-reset", "gatepost-setup")
_SELECTS = ("23", "270")  # select and pselect6 on x86-64
_SEIZE, _INTERRUPT, _ALL = 0x4206, 0x4207, 0x40000000
_TURN = threading.Event()  # never set: to wait by
_TAKEN_S = 2.0  # a report that nobody polls for is refused
# USB HID 1.11, appendix B.1: a boot keyboard.
_KEYBOARD = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810395057501050819012905910295017503"
    "910395067508150025650507190029658100c0"
)
READERS = {
    "keyboard": ("dummy_udc.0", "0x0104", "hid.usb0", "/dev/hidg0"),
    "serial": ("dummy_udc.1", "0x0105", "acm.usb0", "/dev/ttyGS0"),
}


def board() -> None:
    """The lines of the chip, pulled as a Pi pulls them."""
    chip = _CONFIG / "gpio-sim/board"
    (chip / "bank").mkdir(parents=True)
    (chip / "bank/num_lines").write_text(str(_LINES))
    (chip / "bank/label").write_text(_CHIP)
    (chip / "live").write_text("1")
    for line in _PULLED_UP:
        _attribute(line, "pull").write_text("pull-up")
    (_TRACE / "trace_clock").write_text("boot")
    (_TRACE / "events/gpio/gpio_value/enable").write_text("1")


def gadget(name: str) -> None:
    """A reader of ours, ready to be plugged in."""
    _, product, function, _ = READERS[name]
    place = _CONFIG / "usb_gadget" / name
    place.mkdir()
    (place / "idVendor").write_text("0x1d6b")  # the Linux Foundation's, for gadgets
    (place / "idProduct").write_text(product)
    words = place / "strings/0x409"
    words.mkdir()
    (words / "manufacturer").write_text("Rig")
    (words / "product").write_text(f"{name} reader")
    (words / "serialnumber").write_text("0001")
    made = place / "functions" / function
    made.mkdir()
    if name == "keyboard":
        for key, value in (("protocol", "1"), ("subclass", "1"), ("report_length", "8")):
            (made / key).write_text(value)
        (made / "report_desc").write_bytes(_KEYBOARD)
    (place / "configs/c.1").mkdir()
    (place / "configs/c.1" / function).symlink_to(made)


def plug(reader: str) -> float:
    """Plug a reader in; when."""
    (_CONFIG / "usb_gadget" / reader / "UDC").write_text(READERS[reader][0])
    return now()


def unplug(reader: str) -> float:
    """Pull a reader out; when."""
    (_CONFIG / "usb_gadget" / reader / "UDC").write_text("\n")
    return now()


def press(reports: list[str], period_us: int = 0, suffix_s: float = 0.0) -> dict[str, float]:
    """Keyboard reports, in hexadecimal, as the host polls for them, `period_us` apart at least.

    The last two, the suffix and its release, come `suffix_s` after the others. When the first
    was given to the host, and when the suffix was.
    """
    out = os.open(READERS["keyboard"][3], os.O_RDWR | os.O_NONBLOCK)
    try:
        begun = now()
        for number, report in enumerate(reports):
            if number == len(reports) - 2:
                _TURN.wait(suffix_s)
                last = now()
            _report(out, bytes.fromhex(report))
            if period_us:
                _TURN.wait(period_us / 1e6)
    finally:
        os.close(out)
    return {"begun": begun, "suffix": last, "ended": now()}


def _report(out: int, report: bytes) -> None:
    until = now() + _TAKEN_S
    while True:
        try:
            os.write(out, report)
        except BlockingIOError:
            select.select([], [out], [], 0.1)
        else:
            return
        if now() > until:
            raise OSError(errno.ETIMEDOUT, "nobody polls the keyboard")


def send(data: str, pieces: int = 1) -> dict[str, float]:
    """Bytes, in hexadecimal, from the serial reader, in so many pieces."""
    out = os.open(READERS["serial"][3], os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(out)
        raw = bytes.fromhex(data)
        begun, size = now(), max(1, -(-len(raw) // pieces))
        for first in range(0, len(raw), size):
            _write(out, raw[first : first + size])
    finally:
        os.close(out)
    return {"begun": begun, "ended": now()}


def _write(out: int, piece: bytes) -> None:
    until = now() + _TAKEN_S
    while piece:
        try:
            piece = piece[os.write(out, piece) :]
        except BlockingIOError:
            select.select([], [out], [], 0.1)
        if now() > until:
            raise OSError(errno.ETIMEDOUT, "nobody reads the serial reader")


def run(argv: list[str], limit_s: float = 60.0) -> dict[str, Any]:
    """Run a command: its status, and what it said."""
    told = subprocess.run(
        argv, capture_output=True, text=True, errors="replace", timeout=limit_s, check=False
    )
    return {"status": told.returncode, "out": told.stdout, "err": told.stderr}


_held: dict[str, subprocess.Popen[bytes]] = {}


def start(name: str, argv: list[str]) -> int:
    """Start a command that goes on; its process id."""
    _held[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    return _held[name].pid


def end(name: str) -> None:
    """End what was started."""
    _held[name].kill()
    _held.pop(name).wait()


def kill(pid: int, number: int) -> float:
    """Send a process a signal; when."""
    os.kill(pid, number)
    return now()


def ambush(line: int, pid: int, number: int, limit_s: float = 60.0) -> dict[str, float]:
    """Wait until a line goes up, send a process a signal at once, and wait until it is down.

    When it went up, when the signal was sent, when it was down.
    """
    place = os.open(_attribute(line, "value"), os.O_RDONLY)
    try:
        up = _level(place, 1, now() + limit_s)
        os.kill(pid, number)
        sent = now()
        return {"up": up, "sent": sent, "down": _level(place, 0, now() + limit_s)}
    finally:
        os.close(place)


def _level(place: int, level: int, until: float) -> float:
    while int(os.pread(place, 2, 0)) != level:
        if now() > until:
            raise OSError(errno.ETIMEDOUT, f"the line never went {'up' if level else 'down'}")
        _TURN.wait(0.002)
    return now()


def hang(pid: int, device: str, limit_s: float = 60.0) -> int:
    """Stop the one thread of a process that waits for a device, for good; its number.

    By ptrace(2), which can stop a single thread; it ends with its process.
    """
    found = _waiting(pid, os.path.realpath(device), now() + limit_s)
    answer: queue.Queue[int] = queue.Queue()
    threading.Thread(target=_trace, args=(found, answer), daemon=True).start()
    failed = answer.get()
    if failed:
        raise OSError(failed, f"thread {found} cannot be stopped")
    return found


def _waiting(pid: int, device: str, until: float) -> int:
    """The thread in select(2) whose highest descriptor is the device."""
    while now() < until:
        for task in Path(f"/proc/{pid}/task").iterdir():
            asked = (task / "syscall").read_text().split()
            if asked[0] in _SELECTS and _opened(pid, int(asked[1], 16) - 1) == device:
                return int(task.name)
    raise OSError(errno.ESRCH, f"no thread waits for {device}")


def _opened(pid: int, number: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/fd/{number}").readlink())
    except OSError:
        return ""


def _trace(thread: int, answer: queue.Queue[int]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (_SEIZE, _INTERRUPT):
        if libc.ptrace(request, thread, None, None):
            answer.put(ctypes.get_errno())
            return
    answer.put(0)
    while True:  # a traced thread that ended waits for us
        try:
            _, how = os.waitpid(thread, _ALL)
        except ChildProcessError:
            return
        if os.WIFEXITED(how) or os.WIFSIGNALED(how):
            return


def pull(line: int, way: str) -> float:
    """Pull an input up or down, as a button does; when."""
    _attribute(line, "pull").write_text(f"pull-{way}")
    return now()


def values(lines: list[int]) -> list[int]:
    """The levels of lines."""
    return [int(_attribute(line, "value").read_text()) for line in lines]


def changes(lines: list[int]) -> list[tuple[float, int, int]]:
    """What the kernel traced of lines being driven since the last call: when, line, level."""
    base = _base()
    found = []
    for row in (_TRACE / "trace").read_text().splitlines():
        before, mark, told = row.partition(": gpio_value: ")
        if mark:
            number, what, level = told.split()
            line = int(number) - base
            if what == "set" and line in lines:
                found.append((float(before.split()[-1]), line, int(level)))
    (_TRACE / "trace").write_text("")
    return found


def _base() -> int:
    for row in Path("/sys/kernel/debug/gpio").read_text().splitlines():
        if f"{_CHIP}" in row:
            return int(row.split("GPIOs ")[1].split("-")[0])
    raise OSError(errno.ENODEV, "the chip is not there")


def read(path: str) -> str:
    """A file."""
    return Path(path).read_text("utf-8", "replace")


def write(path: str, text: str) -> None:
    """A file, made or replaced."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, "utf-8")


def hello() -> dict[str, Any]:
    """Which boot this is, and how old."""
    return {"boot": read("/proc/sys/kernel/random/boot_id").strip(), "now": now()}


def now() -> float:
    """Seconds of CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _attribute(line: int, name: str) -> Path:
    chip = next(Path("/sys/devices/platform").glob("gpio-sim.*/gpiochip*"))
    return chip / f"sim_gpio{line}" / name


_VERBS = {
    each.__name__: each
    for each in (
        ambush, changes, end, hang, hello, kill, plug, press, pull, read, run, send, start,
        unplug, values, write,
    )
}  # fmt: skip


def _obey(asked: dict[str, Any], port: int, turn: threading.Lock) -> None:
    number, name = asked.pop("id"), asked.pop("do")
    try:
        answer = {"id": number, "is": _VERBS[name](**asked)}
    except (OSError, ValueError, LookupError, TypeError, StopIteration,
            subprocess.SubprocessError) as error:  # fmt: skip
        answer = {"id": number, "error": f"{type(error).__name__}: {error}"}
        traceback.print_exc()
    with turn:
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(port, data) :]


def _journal(path: str) -> None:
    """What the station and systemd say of it, to the computer outside; all of it."""
    units = [f"--unit={each}.service" for each in _TOLD]
    with _port(path).open("wb") as port:
        follow = ["journalctl", "--boot", "--follow", "--lines=all", "--output=cat"]
        subprocess.Popen([*follow, *units], stdin=subprocess.DEVNULL, stdout=port)


def _port(path: str) -> Path:
    """A port, once udev has named it: before that, to open it would make a file."""
    while not Path(path).is_char_device():
        _TURN.wait(0.05)
    return Path(path)


def _serve(path: str) -> None:
    port, turn, rest = os.open(_port(path), os.O_RDWR), threading.Lock(), b""
    _ready()
    while True:
        new = os.read(port, 65536)
        if not new:  # nobody is there yet
            _TURN.wait(0.1)
            continue
        *whole, rest = (rest + new).split(b"\n")
        for line in whole:
            args = (json.loads(line), port, turn)
            threading.Thread(target=_obey, args=args, daemon=True).start()


def _ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b"READY=1", "\0" + address[1:] if address[0] == "@" else address)


def main() -> None:
    """Make the board and its readers, plug them in, and serve."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    subprocess.run(["modprobe", "i6300esb"], check=False)  # systemd finds it when it comes
    board()
    for name in READERS:
        gadget(name)
        plug(name)
    _journal(sys.argv[2])
    _serve(sys.argv[1])


if __name__ == "__main__":
    main()
