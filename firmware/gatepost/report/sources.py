"""What a bundle is made of, a function each. None opens a key, an event or anything sealed."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tomllib
from dataclasses import asdict, fields
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost import __version__
from gatepost.crashes import FOLDER, Store
from gatepost.errors import SpoolError
from gatepost.report.redacting import redacted, scrubbed
from gatepost.spool import FILE, Carried, Look, room, set_aside_before, volatile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatepost.config import Config

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
_MODEL = Path("/proc/device-tree/model")
_RELEASE = Path("/etc/os-release")
_MOST_OUTPUT = 2 * 1024 * 1024
_COMMAND_S = 10
_PACKAGES = (
    "paho-mqtt", "cryptography", "joserfc", "rfc8785", "jsonschema", "cbor2", "numpy",
    "opencv-python-headless", "zxing-cpp", "zbar-py", "gpiozero", "lgpio", "luma.oled", "Pillow",
    "pyserial", "evdev", "picamera2",
)  # fmt: skip
_UNIT = (
    "ActiveState", "SubState", "Result", "NRestarts", "ExecMainCode", "ExecMainStatus",
    "ExecMainStartTimestamp", "ExecMainExitTimestamp", "MemoryCurrent", "MemoryPeak",
    "MemoryMax", "TasksCurrent", "CPUUsageNSec", "WatchdogUSec", "UnitFileState", "FragmentPath",
)  # fmt: skip


def output_of(command: Sequence[str]) -> str | None:
    """What a command prints; None where it is not there, fails or hangs."""
    environ = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PAGER": "cat"}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_COMMAND_S, env=environ, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return done.stdout[-_MOST_OUTPUT:].decode("utf-8", "replace")


def about() -> dict[str, Any]:
    """Versions of what runs here, and on what; no serial number."""
    packages: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = None
    release = dict(line.partition("=")[::2] for line in _text(_RELEASE).splitlines())
    return {
        "gatepost": __version__,
        "python": sys.version.split()[0],
        "packages": packages,
        "kernel": f"{os.uname().release} {os.uname().machine}",
        "system": release.get("PRETTY_NAME", "").strip('"'),
        "libc": " ".join(platform.libc_ver()),
        "board": _text(_MODEL).strip("\0\n"),
        "boot_s": round(float(_text(Path("/proc/uptime")).split(" ")[0] or 0)),
    }


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""


def settings(config: Config) -> dict[str, Any]:
    """The configuration as it was understood: of keys and certificates the paths alone."""
    told = {each.name: _plain(getattr(config, each.name)) for each in fields(config)}
    return {name: scrubbed(value, names=False) for name, value in told.items() if value}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return str(value.value)
    return str(value) if isinstance(value, Path) else value


def problems(found: Sequence[str]) -> list[str]:
    """What is wrong with the configuration; what it quotes is left out."""
    return [redacted(each) for each in found[:100]]


def data_of(path: Path) -> Path | None:
    """The data folder that a configuration names, whatever else is wrong with it."""
    try:
        with path.open("rb") as file:
            named = tomllib.load(file)["station"]["data"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return path.parent / named if isinstance(named, str) else None


def crash_records(data: Path) -> list[dict[str, Any]]:
    """Each crash that is kept, the newest first; changes nothing. Raises OSError."""
    store = Store(data / FOLDER, keep=False)
    if store.trouble:
        raise OSError(store.trouble)
    return [
        scrubbed(asdict(each) | {"log": [redacted_line(line) for line in each.log]})
        for each in reversed(store.all())
    ]


def redacted_line(line: str) -> str:
    """A line of our own log, its time kept."""
    head = _TIME.match(line)
    at = head.end() if head else 0
    return line[:at] + redacted(line[at:])


def spool_counts(data: Path) -> dict[str, Any]:
    """How full it is, and how much is not delivered: never an event."""
    path = data / FILE
    told: dict[str, Any] = {"free_bytes": room(data), "volatile": volatile(data)}
    try:
        with Look(path) as look:
            head, (held, oldest) = look.head(), look.held()
            told |= {
                "schema": look.version, "newest": head.sequence, "held": held, "oldest": oldest,
                "undelivered": look.depth(), "unsent": look.unsent(), "used_bytes": look.used(),
                "bytes": path.stat().st_size,
            }  # fmt: skip
    except (SpoolError, OSError) as error:
        told["problem"] = redacted(f"{type(error).__name__}: {error}")
    told["carried_bundles"] = len(Carried(data).bundles)
    told["set_aside"] = len(set_aside_before(path))
    return told


def unit(output: str) -> dict[str, str]:
    """Of `systemctl show`: the state of the service."""
    told = dict(line.partition("=")[::2] for line in output.splitlines())
    return {name: redacted(told[name], names=False) for name in _UNIT if told.get(name)}


def unit_command() -> list[str]:
    """What `unit` reads."""
    return ["systemctl", "show", "gatepost.service", f"--property={','.join(_UNIT)}"]


def status(config: Config) -> dict[str, Any]:
    """What the running station says of itself. Raises GatepostError where none answers."""
    from gatepost.status import ask_status  # noqa: PLC0415 - of use where a station runs

    told: Mapping[str, Any] = ask_status(config)
    return {name: scrubbed(value) for name, value in told.items()}


def findings(told: Iterable[Mapping[str, Any]]) -> list[Any]:
    """What the self-test finds. Raises GatepostError."""
    return [scrubbed(dict(each)) for each in told]
