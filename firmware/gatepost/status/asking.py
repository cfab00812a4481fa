"""Asks a running station how it is."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.runtime import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.config import Config

_NAME = "status"
_SYSTEMD = Path("/run/gatepost")
_MOST_BYTES = 1024 * 1024


def place(data: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Where a daemon with this data folder answers: systemd's folder for it, else its own."""
    return (runtime_folder(environ) or data) / _NAME


def places(config: Config, environ: Mapping[str, str] | None = None) -> list[Path]:
    """Where it may answer, for somebody who does not know how it was started."""
    data = config.station.data
    return list(dict.fromkeys([data / _NAME, place(data, environ), _SYSTEMD / _NAME]))


def ask_status(config: Config, wait_s: float = 5.0) -> dict[str, Any]:
    """What the running station says of itself.

    Raises DeviceAbsent where none answers, DeviceError where it may not be asked, or what
    answers is another station, or no station.
    """
    why: list[str] = []
    refused = False
    for path in places(config):
        try:
            told = _asked(path, wait_s)
        except OSError as error:
            refused |= isinstance(error, PermissionError)
            why.append(f"{path}: {error.strerror or error}")
            continue
        if told.get("station") == config.station.id:
            return told
        why.append(f"{path}: station {str(told.get('station'))[:64]!r} answers")
    kind = DeviceError if refused else DeviceAbsent
    raise kind("; ".join(why))


def _asked(path: Path, wait_s: float) -> dict[str, Any]:
    """Raises OSError; also for what is no answer of a station."""
    until = time.monotonic() + wait_s
    raw = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(wait_s)
        link.connect(str(path))
        while not raw.endswith(b"\n"):
            link.settimeout(max(0.01, until - time.monotonic()))
            part = link.recv(65536)
            raw += part
            if not part or len(raw) > _MOST_BYTES or time.monotonic() > until:
                break
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise OSError("no answer of a station") from error
    if not isinstance(told, dict):
        raise OSError("no answer of a station")
    return told
